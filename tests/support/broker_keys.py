"""Certificates for the brokers of one test process: good ones, and each kind of bad one."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

from tests.support.certificates import Authority


@functools.cache
def broker_keys() -> Path:
    """A folder: `ca.pem` signed `server`, `client` and `expired`; `other_ca.pem` signed `stranger` (.pem and .key)."""
    folder = Path(tempfile.mkdtemp(prefix="isthmus-keys-"))
    atexit.register(shutil.rmtree, folder, True)
    ours, other = Authority(), Authority("Another authority")
    ours.write(folder / "ca.pem")
    other.write(folder / "other_ca.pem")
    for name, signer in (("server", ours), ("client", ours), ("stranger", other)):
        signer.issue(folder / f"{name}.pem", folder / f"{name}.key", name)
    ours.issue(folder / "expired.pem", folder / "expired.key", "expired", timedelta(hours=-1))
    return folder
