"""Spyne as a service that takes MTOM: in an environment of its own, made once, and as a process of its own.

It is LGPL, and its releases of other packages are not ours: nothing of it is ever imported here.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from engine.adapters.tryton.environment import cache_directory
from engine.core.loopback import free_port

_HERE = Path(__file__).parent
_LOCK = _HERE / "soap_peer.lock"


class AbsentError(Exception):
    """The environment cannot be made here."""


def interpreter() -> Path:
    """Python of the environment, which is made when it is not there.

    Raises:
        AbsentError: no packages can be had.
    """
    digest = hashlib.sha256(_LOCK.read_bytes()).hexdigest()[:12]
    root = cache_directory() / f"spyne-py{sys.version_info.major}{sys.version_info.minor}-{digest}"
    python = root / "bin" / "python"
    root.parent.mkdir(parents=True, exist_ok=True)
    with open(root.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (root / "complete").exists():
            steps = [[sys.executable, "-m", "venv", "--clear", root], [python, "-m", "pip", "install", "-qr", _LOCK]]
            for step in steps:
                if subprocess.run(step, capture_output=True, timeout=300, check=False).returncode:
                    raise AbsentError("Spyne cannot be installed here")
            (root / "complete").touch()
    return python


@contextmanager
def scans() -> Iterator[tuple[str, bytes]]:
    """Address of a running service, and its WSDL as it serves it."""
    url = f"http://127.0.0.1:{(port := free_port())}/"
    process = subprocess.Popen(
        [interpreter(), "-P", _HERE / "soap_peer_site.py", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"]},
    )
    try:
        yield url, _described(url, process)
    finally:
        process.kill()
        process.wait(10)


def _described(url: str, process: subprocess.Popen[bytes]) -> bytes:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urlopen(f"{url}?wsdl", timeout=10) as answer:
                content: bytes = answer.read()
                return content
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("the service did not come up")
