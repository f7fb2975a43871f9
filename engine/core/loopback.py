"""Loopback ports for servers that are started beside this one: the demonstration's, the ERP's, the tests'."""

import fcntl
import os
import random
import socket
import tempfile
from functools import cache
from pathlib import Path

_FIRST, _LAST = 10_240, 32_000  # below what systems give to outgoing connections (Linux: from 32768; RFC 6335: 49152)
_given: set[int] = set()


def free_port() -> int:
    """A loopback port that nothing uses and that no other process of this user is given while this one runs.

    A port that the system picks (bind to 0) is free only for the moment: before the server listens, the system may
    give it to another's outgoing connection or to the next who asks. These come from below that range, each with a
    lock that ends with the process.

    Raises:
        OSError: none is left.
    """
    count = _LAST - _FIRST
    start = random.randrange(count)
    for step in range(count):
        port = _FIRST + (start + step) % count
        if port not in _given and _lock(port) and _unused(port):
            _given.add(port)
            return port
    raise OSError(f"no free loopback port between {_FIRST} and {_LAST}")


@cache
def _ledger() -> int:
    """The file of locks, a byte a port. Opened once: closing any handle of it would give up all that is held."""
    path = Path(tempfile.gettempdir()) / f"isthmus-ports-{os.getuid()}"
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)


def _lock(port: int) -> bool:
    try:
        fcntl.lockf(_ledger(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except (BlockingIOError, PermissionError):  # POSIX lets a system say either when another holds it
        return False
    return True


def _unused(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
