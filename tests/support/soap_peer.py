"""Spyne as a service that takes MTOM: in an environment of its own, made once, and as a process of its own.

It is LGPL, and its releases of other packages are not ours: nothing of it is ever imported here.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from engine.core.loopback import free_port
from tests.support.peer_environment import AbsentError as AbsentError
from tests.support.peer_environment import environment

_HERE = Path(__file__).parent
_LOCK = _HERE / "soap_peer.lock"


def interpreter() -> Path:
    """Python of its environment. Raises AbsentError."""
    return environment("spyne", "Spyne", _LOCK)


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
