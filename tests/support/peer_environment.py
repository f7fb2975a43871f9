"""Environments of peers whose licences or releases are not ours: each made once, from its own lock file."""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
import sys
from pathlib import Path

from engine.adapters.tryton.environment import cache_directory


class AbsentError(Exception):
    """The environment cannot be made here."""


def environment(name: str, product: str, lock_file: Path) -> Path:
    """Python of the environment, which is made when it is not there; another lock file has another environment.

    Raises:
        AbsentError: no packages can be had.
    """
    digest = hashlib.sha256(lock_file.read_bytes()).hexdigest()[:12]
    root = cache_directory() / f"{name}-py{sys.version_info.major}{sys.version_info.minor}-{digest}"
    python = root / "bin" / "python"
    root.parent.mkdir(parents=True, exist_ok=True)
    with open(root.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (root / "complete").exists():
            make = [sys.executable, "-m", "venv", "--clear", str(root)]
            install = [str(python), "-m", "pip", "install", "-qr", str(lock_file)]
            for step in (make, install):
                if subprocess.run(step, capture_output=True, timeout=300, check=False).returncode:
                    raise AbsentError(f"{product} cannot be installed here")
            (root / "complete").touch()
    return python
