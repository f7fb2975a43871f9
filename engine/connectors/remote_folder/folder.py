"""The work on a watched folder of a server: which files are complete, claiming, reading, moving.

Nothing is removed before it is elsewhere; each step is one rename on the server, so a crash leaves the file in
exactly one place. A claimed file is called `<token>~<name>`; the token survives a restart.
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import NamedTuple

from engine.connectors.file.folder import StillWrittenError, UnreadableFileError
from engine.connectors.remote_folder.client import Attributes, Entry, RemoteClient, Status, StatusError
from engine.connectors.remote_folder.settings import WatchedFolder
from engine.core.errors import SizeLimitError
from engine.core.ids import IdSource, id_text

_NAME_BYTES = 180  # of 255: leaves room for a token, a time stamp and .reason.txt
_MARK = "~"


class RemoteFile(NamedTuple):
    """A file of the server that is ours to read. `name` is as the writer called it, `token` is of this claim."""

    path: str
    name: str
    token: str
    looks: Attributes


class Complete:
    """Remembers what each file looked like, to tell complete ones from growing ones."""

    def __init__(self, settings: WatchedFolder) -> None:
        self._settings = settings
        self._seen: dict[str, tuple[Attributes, float]] = {}

    def of(self, entries: Iterable[Entry], now: float) -> list[Entry]:
        """Complete files, in order. `now`: seconds of a monotonic clock."""
        candidates = [entry for entry in entries if self._is_wanted(entry)]
        self._seen = {entry.name: self._since(entry, now) for entry in candidates}
        wait = self._settings.stable_for.total_seconds()
        ready = [entry for entry in candidates if now - self._seen[entry.name][1] >= wait]
        by_time = self._settings.order == "time"
        return sorted(ready, key=lambda entry: (entry.attributes.modified or 0 if by_time else 0, entry.name))

    def _is_wanted(self, entry: Entry) -> bool:
        name, mode = entry.name, entry.attributes.mode
        if name.startswith(".") or not is_name(name) or not fnmatchcase(name, self._settings.pattern):
            return False
        if any(fnmatchcase(name, pattern) for pattern in self._settings.ignore):
            return False
        return mode is None or not stat.S_IFMT(mode) or stat.S_ISREG(mode) or stat.S_ISLNK(mode)

    def _since(self, entry: Entry, now: float) -> tuple[Attributes, float]:
        before = self._seen.get(entry.name)
        return before if before is not None and before[0] == entry.attributes else (entry.attributes, now)


def is_name(name: str) -> bool:
    """A server may call a file anything; what is no plain name would lead to another place."""
    return "/" not in name and "\x00" not in name and name not in ("", ".", "..")


async def claim(client: RemoteClient, folder: str, entry: Entry, work: str, ids: IdSource) -> RemoteFile | None:
    """Take a file by renaming it. None: somebody else was faster.

    Raises:
        StatusError: the server does not let us.
    """
    token, name = id_text(ids.next()), shortened(entry.name)
    path, target = below(folder, entry.name), f"{work}/{token}{_MARK}{name}"
    try:
        await client.rename(path, target)
    except StatusError as error:
        if error.code == Status.NO_SUCH_FILE and await client.look_at(path) is None:
            return None  # else it is the work folder that is gone
        raise
    return RemoteFile(target, name, token, entry.attributes)


def unclaimed(folder: str, entry: Entry) -> RemoteFile:
    """A file that stays where it is; its token is made of how it looks, so it is the same after a restart."""
    looks = f"{entry.attributes.size}|{entry.attributes.modified}|{entry.name}".encode("utf-8", "surrogateescape")
    token = hashlib.blake2b(looks, digest_size=10).hexdigest()
    return RemoteFile(below(folder, entry.name), shortened(entry.name), token, entry.attributes)


async def claimed_before(client: RemoteClient, work: str) -> list[RemoteFile]:
    """What was claimed and not finished, oldest claim first."""
    found = []
    for entry in sorted(await client.listing(work)):
        token, mark, name = entry.name.partition(_MARK)
        if mark and name and is_name(entry.name):
            found.append(RemoteFile(f"{work}/{entry.name}", name, token, entry.attributes))
    return found


async def read(client: RemoteClient, file: RemoteFile, content: bytearray, limit: int) -> None:
    """Append to `content` what it lacks of the file; what came before an error stays there for the next try.

    Raises:
        UnreadableFileError: a link, or no regular file.
        SizeLimitError: larger than `limit` bytes; not read.
        StillWrittenError: it changed meanwhile.
        StatusError, LostError: it cannot be read now.
    """
    size = _size(file.looks, limit)
    if not await client.fetch(file.path, file.looks, content, size) or len(content) != size:
        raise StillWrittenError


def _size(looks: Attributes, limit: int) -> int:
    if looks.mode is not None and stat.S_ISLNK(looks.mode):
        raise UnreadableFileError("a symbolic link is not read", remedy="put the file itself here")
    if looks.mode is not None and stat.S_IFMT(looks.mode) and not stat.S_ISREG(looks.mode):
        raise UnreadableFileError("not a regular file", remedy="put a file here")
    if looks.size is None:
        raise UnreadableFileError("the server does not tell its size", remedy="read it by another way")
    if looks.size > limit:
        raise SizeLimitError(f"larger than {limit} bytes", remedy="raise max_size, or split the file")
    return looks.size


async def move(client: RemoteClient, file: RemoteFile, target: str) -> str:
    """Rename; when that name is taken, under a name with the claim's token. Where it is now.

    Raises:
        StatusError: the server does not let us.
    """
    try:
        await client.rename(file.path, target)
    except StatusError as error:
        if error.code != Status.FAILURE:
            raise
        folder, _, name = target.rpartition("/")
        target = f"{folder}/{file.token}_{name}"
        await client.rename(file.path, target)
    return target


async def ensure(client: RemoteClient, folder: str) -> None:
    """Make the folder when it is missing.

    Raises:
        StatusError: it cannot be made.
    """
    if await client.look_at(folder) is None:
        try:
            await client.make_folder(folder)
        except StatusError:
            if await client.look_at(folder) is None:  # else another of us was faster
                raise


def below(folder: str, name: str) -> str:
    return f"/{name}" if folder == "/" else f"{folder}/{name}"


def shortened(name: str) -> str:
    """The end of an overlong name (it has the extension)."""
    raw = name.encode("utf-8", "surrogateescape")
    if len(raw) <= _NAME_BYTES:
        return name
    return raw[-_NAME_BYTES:].decode("utf-8", "ignore")
