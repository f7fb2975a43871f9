"""The work on a watched folder: which files are complete, claiming, reading, moving.

Nothing is ever deleted before it is elsewhere; each step is one rename, so a crash leaves the file in exactly
one place. A claimed file is called `<token>~<name>`; the token is made once per claim and survives a restart.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from engine.connectors.file.settings import FileSourceSettings
from engine.core.errors import MessageError, SizeLimitError
from engine.core.ids import IdSource, id_text

_NAME_BYTES = 180  # of 255: leaves room for a token, a time stamp and .reason.txt
_CLAIM_MARK = "~"


class Claimed(NamedTuple):
    """A file that is ours. `name` is as the writer called it, `token` is of this claim."""

    path: Path
    name: str
    token: str


class UnreadableFileError(MessageError):
    """No regular file, or one we may not read. A symbolic link is not followed: it could name any file here."""

    code = "M008"


class StillWrittenError(Exception):
    """The file changed while it was read; it is put back."""


class Complete:
    """Remembers what each file looked like, to tell complete ones from growing ones."""

    def __init__(self, settings: FileSourceSettings) -> None:
        self._settings = settings
        self._seen: dict[str, tuple[tuple[int, int, int], float]] = {}

    def of(self, folder: Path, now: float) -> list[Path]:
        """Complete files, in order. `now`: seconds of a monotonic clock."""
        entries = list(_candidates(folder, self._settings))
        seen = {entry.name: self._since(entry, now) for entry in entries}
        self._seen = seen
        wait = self._settings.stable_for.total_seconds()
        ready = [entry for entry in entries if entry.is_symlink() or now - seen[entry.name][1] >= wait]
        by_time = self._settings.order == "time"
        ready.sort(key=lambda e: (e.stat(follow_symlinks=False).st_mtime_ns if by_time else 0, e.name))
        return [Path(entry.path) for entry in ready]

    def _since(self, entry: os.DirEntry[str], now: float) -> tuple[tuple[int, int, int], float]:
        found = entry.stat(follow_symlinks=False)
        looks = (found.st_size, found.st_mtime_ns, found.st_ino)
        before = self._seen.get(entry.name)
        return before if before is not None and before[0] == looks else (looks, now)


def _candidates(folder: Path, settings: FileSourceSettings) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        listed = {entry.name: entry for entry in entries}
    for name, entry in listed.items():
        if name.startswith(".") or not fnmatchcase(name, settings.pattern):
            continue
        if any(fnmatchcase(name, pattern) for pattern in settings.ignore):
            continue
        if settings.trigger and (name.endswith(settings.trigger) or name + settings.trigger not in listed):
            continue
        if _is_file_or_link(entry):
            yield entry


def _is_file_or_link(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_symlink() or (entry.is_file(follow_symlinks=False) and bool(entry.stat(follow_symlinks=False)))
    except OSError:  # it went away meanwhile
        return False


def claim(path: Path, work: Path, ids: IdSource) -> Claimed | None:
    """Take a file by renaming it. None: somebody else was faster, or it is still open for writing."""
    if not path.is_symlink() and _open_for_writing(path):
        return None
    token, name = id_text(ids.next()), _shortened(path.name)
    target = work / f"{token}{_CLAIM_MARK}{name}"
    try:
        os.rename(path, target)
    except FileNotFoundError:
        return None
    return Claimed(target, name, token)


def claimed_before(work: Path) -> list[Claimed]:
    """What an earlier run claimed and did not finish, oldest claim first."""
    found = []
    for name in sorted(os.listdir(work)):
        token, mark, rest = name.partition(_CLAIM_MARK)
        if mark and rest:
            found.append(Claimed(work / name, rest, token))
    return found


def _open_for_writing(path: Path) -> bool:
    """Tell whether a program on this machine has the file open for writing, where the system can tell."""
    if not hasattr(fcntl, "F_SETLEASE"):
        return False
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False  # reading it will say why
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:  # anything but EAGAIN: no leases on this file system, or the file is not ours
        return error.errno == errno.EAGAIN
    finally:
        os.close(descriptor)
    return False


def read(path: Path, limit: int) -> bytes:
    """The content of a regular file.

    Raises:
        UnreadableFileError: a link, or no regular file.
        SizeLimitError: larger than `limit` bytes; not read.
        StillWrittenError: it changed meanwhile.
        OSError: it cannot be read now.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise UnreadableFileError("a symbolic link is not read", remedy="put the file itself here") from None
        raise
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            raise UnreadableFileError("not a regular file", remedy="put a file here")
        if before.st_size > limit:
            raise SizeLimitError(f"larger than {limit} bytes", remedy="raise max_size, or split the file")
        content = _whole(file.read, before.st_size)
        after = os.fstat(descriptor)
    if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns) or len(content) != before.st_size:
        raise StillWrittenError
    return content


def _whole(read_some: Callable[[int], bytes | None], size: int) -> bytes:
    chunks, missing = [], size
    while missing > 0:
        chunk = read_some(missing)
        if not chunk:
            break
        chunks.append(chunk)
        missing -= len(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def put_back(claimed: Claimed, folder: Path) -> None:
    """To where it was, for a later look; beside it when the name is taken again."""
    target = folder / claimed.name
    if os.path.lexists(target):
        target = folder / f"{claimed.token}_{claimed.name}"
    os.rename(claimed.path, target)


def moved_name(claimed: Claimed, at: datetime) -> str:
    return f"{at:%Y%m%dT%H%M%SZ}_{claimed.name}"


def move(claimed: Claimed, folder: Path, at: datetime) -> Path:
    """Into the done or error folder under a name of its own: time first, so that a listing is a history."""
    target = folder / moved_name(claimed, at)
    if os.path.lexists(target):
        target = folder / f"{at:%Y%m%dT%H%M%SZ}_{claimed.token}_{claimed.name}"
    try:
        os.rename(claimed.path, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copy_over(claimed.path, target)
    return target


def _copy_over(source: Path, target: Path) -> None:
    """To another file system: complete and flushed there before it goes here."""
    partial = target.with_name(f".{target.name}.part")
    try:
        shutil.copy2(source, partial, follow_symlinks=False)
        if not partial.is_symlink():
            sync(partial)
        os.rename(partial, target)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
    source.unlink()


def write_whole(path: Path, content: bytes) -> None:
    """Write beside, flush, rename: a reader sees all of it or nothing. A failure leaves nothing behind."""
    partial = path.with_name(f".{path.name}.part")
    try:
        with open(partial, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.rename(partial, path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise


def sync(path: Path) -> None:
    """Flush a file, or the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def readable_name(name: str) -> str:
    """A file name as text that any log and database takes: odd bytes and controls are written out."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def _shortened(name: str) -> str:
    """The end of an overlong name (it has the extension)."""
    raw = os.fsencode(name)
    return name if len(raw) <= _NAME_BYTES else os.fsdecode(raw[-_NAME_BYTES:].decode("utf-8", "ignore"))
