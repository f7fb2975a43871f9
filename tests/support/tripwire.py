"""A file and an address that nothing may touch while hostile input is read: who opens or connects is counted.

The file is watched by the kernel (inotify), so that also a C library's open is seen; names that a parser would
ask for resolve to the listener on loopback.
"""

from __future__ import annotations

import ctypes
import os
import select
import socket
import threading
from pathlib import Path
from types import TracebackType

SECRET = "TRIPWIRE-5c07-SECRET"
_IN_ACCESS, _IN_OPEN, _NONBLOCK = 0x1, 0x20, 0o4000


class Tripwire:
    """`path` of a file with SECRET in it, `url` of a listener; `touched` says what was reached."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "tripwire.txt"
        self.path.write_text(SECRET)
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._watch = self._libc.inotify_init1(_NONBLOCK)
        if self._watch < 0 or self._add_watch() < 0:
            raise OSError(ctypes.get_errno(), "the file cannot be watched")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connections = 0
        self._thread = threading.Thread(target=self._count, daemon=True)
        self._thread.start()

    def _add_watch(self) -> int:
        return int(self._libc.inotify_add_watch(self._watch, os.fsencode(self.path), _IN_OPEN | _IN_ACCESS))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/tripwire"

    @property
    def touched(self) -> list[str]:
        """`file` and `network`, as far as they were reached since the beginning."""
        opened = bool(select.select([self._watch], [], [], 0)[0])
        return [*(["file"] if opened else []), *(["network"] if self._connections else [])]

    def _count(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections += 1
            connection.close()

    def __enter__(self) -> Tripwire:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        os.close(self._watch)
