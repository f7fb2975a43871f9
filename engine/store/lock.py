"""One engine a journal: a lock on a file beside it. It ends with the last process that writes, however that ends."""

from __future__ import annotations

import asyncio
import fcntl
import os
from pathlib import Path

from engine.core.errors import StoreError

_PATIENCE = 10.0  # seconds: the writing process of a killed engine finishes its commit
_STEP = 0.05


class JournalLock:
    """Held by every process that inherits `descriptor`; the file's content, for people, is who took it."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    @classmethod
    async def take(cls, path: Path) -> JournalLock:
        """Lock the journal at `path`; waits for what a killed engine left behind.

        Raises:
            StoreError: another engine has it.
        """
        file = Path(f"{path}.lock")
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        clock = asyncio.get_running_loop().time
        until = clock() + _PATIENCE
        while not _locked(descriptor):
            owner = _owner(descriptor)
            if _alive(owner) or clock() > until:
                os.close(descriptor)
                raise StoreError(
                    f"another engine has this journal open (process {owner})",
                    where=str(path),
                    remedy="stop it first, or give this site a store of its own",
                )
            await asyncio.sleep(_STEP)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        return cls(descriptor)

    def release(self) -> None:
        os.close(self.descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _owner(descriptor: int) -> int:
    """The process that took the lock; 0: not written yet."""
    text = os.pread(descriptor, 20, 0).strip()
    return int(text) if text.isdigit() else 0


def _alive(process: int) -> bool:
    if process in (0, os.getpid()):  # the second: of an earlier container
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it lives, and is another user's
    return True
