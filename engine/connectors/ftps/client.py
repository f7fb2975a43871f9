"""A server's folders over some connections, each for one command or file at a time.

What FTP cannot: rename without overwriting in one step (the target is looked at just before), tell an absent file
from a forbidden one (it is looked for), or flush a file to the disk (the server's answer must do).
"""

from __future__ import annotations

import asyncio
import ftplib
import stat
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from engine.connectors.ftps.listing import UnknownFormError, attributes_of, moment, of_facts, of_lines
from engine.connectors.ftps.protocol import Ftp, TooMuchError, is_lost
from engine.connectors.ftps.session import Door, Session
from engine.connectors.ftps.settings import FtpsServer
from engine.connectors.remote_folder.client import Attributes, Entry, LostError, Status, StatusError
from engine.core.clock import Clock
from engine.core.errors import TransportError
from engine.ports.connector import ConnectorContext

T = TypeVar("T")
_MOST_ENTRIES = 100_000  # of one folder; more are seen when these are gone
_ASK_AFTER = 15.0  # seconds without use, after which a connection is asked whether it lives


class FtpsClient:
    """As many connections as are needed, up to the setting."""

    def __init__(self, settings: FtpsServer, door: Door, clock: Clock) -> None:
        self._door, self._clock = door, clock
        self._timeout = settings.timeout.total_seconds()
        self._longest = settings.transfer_timeout.total_seconds()
        self._places = asyncio.Semaphore(settings.connections)
        self._free: list[Session] = []
        self._busy: set[Session] = set()
        self.lost: str | None = None

    async def ready(self) -> None:
        """One connection at least lives. Raises TransportError."""
        async with self._places:
            self._free.append(await self._session())

    def close(self) -> None:
        """Whoever waits for an answer gets LostError."""
        self.lost = "closed"
        for session in (*self._free, *self._busy):
            session.end()
        self._free.clear()

    # -------------------------------------------------------------- folders
    async def listing(self, folder: str) -> list[Entry]:
        """What is in a folder, without `.` and `..`, in no order."""
        now = self._clock.now()
        return await self._run(lambda ftp: _listing(ftp, folder, now), self._longest)

    async def make_folder(self, path: str) -> None:
        await self._run(lambda ftp: ftp.mkd(_whole(ftp, path)))

    async def look_at(self, path: str) -> Attributes | None:
        """None: nothing is there."""
        return await self._run(lambda ftp: _look(ftp, _whole(ftp, path)))

    async def rename(self, path: str, target: str) -> None:
        """Never over a file that is there already."""
        await self._run(lambda ftp: _rename(ftp, _whole(ftp, path), _whole(ftp, target)))

    async def remove(self, path: str) -> None:
        await self._run(lambda ftp: _asked(ftp, _whole(ftp, path), ftp.delete))

    # -------------------------------------------------------------- files
    async def fetch(self, path: str, looks: Attributes, content: bytearray, size: int) -> bool:
        """Append what `content` lacks; tell whether the file looked as `looks` all the while."""
        got, start = bytearray(), len(content)
        try:
            return await self._run(lambda ftp: _fetch(ftp, _whole(ftp, path), looks, got, start, size), self._longest)
        finally:
            content += bytes(got)  # a thread that is at its end may add to `got` yet, and not to this

    async def store(self, path: str, content: bytes) -> None:
        """Write a whole file, and see that the server has all of it."""
        await self._run(lambda ftp: _store(ftp, _whole(ftp, path), content), self._longest)

    async def beginning(self, path: str, most: int) -> bytes | None:
        """The first bytes of a file; None: there is none."""
        return await self._run(lambda ftp: _beginning(ftp, _whole(ftp, path), most), self._longest)

    # -------------------------------------------------------------- connections
    async def _run(self, work: Callable[[Ftp], T], limit: float | None = None) -> T:
        async with self._places:
            try:
                session = await self._session()
            except TransportError as error:
                raise LostError(error.what) from None
            self._busy.add(session)
            try:
                return await session.run(work, limit or self._timeout)
            finally:
                self._busy.discard(session)
                if session.usable:
                    self._free.append(session)

    async def _session(self) -> Session:
        """One that lives: servers end connections that nobody uses."""
        if self.lost is not None:
            raise TransportError(self.lost)
        while self._free:
            session = self._free.pop()
            self._busy.add(session)
            try:
                if asyncio.get_running_loop().time() - session.used_at > _ASK_AFTER:
                    await session.run(lambda ftp: ftp.voidcmd("NOOP"), self._timeout)
                if session.usable:
                    return session
            except (LostError, StatusError):
                session.end()
            finally:
                self._busy.discard(session)
        session = await self._door.open()
        session.used_at = asyncio.get_running_loop().time()
        return session


class FtpsConnection:
    """The client of one server, made when it is needed."""

    def __init__(self, settings: FtpsServer, context: ConnectorContext) -> None:
        self._settings, self._clock = settings, context.clock
        self._door = Door(settings, context)
        self._client: FtpsClient | None = None

    async def client(self) -> FtpsClient:
        """Raises TransportError, LogInError: nothing was asked of the server yet."""
        if self._client is None:
            self._client = FtpsClient(self._settings, self._door, self._clock)
        await self._client.ready()
        return self._client

    async def close(self) -> None:
        """Leaves no socket and no thread."""
        client, self._client = self._client, None
        if client is not None:
            client.close()


# ------------------------------------------------------------------ in a thread
def _whole(ftp: Ftp, path: str) -> str:
    """Listings change the folder that relative names begin at."""
    return path if path.startswith("/") else f"{ftp.home.rstrip('/')}/{path}"


def _listing(ftp: Ftp, folder: str, now: datetime) -> list[Entry]:
    try:
        ftp.sendcmd(f"CWD {_whole(ftp, folder)}")
    except ftplib.error_perm:
        raise StatusError(Status.NO_SUCH_FILE) from None
    facts = "MLST" in ftp.features
    try:
        lines = ftp.lines("MLSD" if facts else "LIST", _MOST_ENTRIES)
    except (ftplib.error_perm, ftplib.error_temp) as error:
        if is_lost(error) or str(error)[:3] not in ("450", "550"):
            raise
        return []  # how some say that a folder is empty
    try:
        found = of_facts(lines) if facts else of_lines(lines, now)
        return [entry for entry in found if "\r" not in entry.name]  # no command can name such a file
    except UnknownFormError:
        raise StatusError(Status.UNSUPPORTED) from None


def _look(ftp: Ftp, path: str) -> Attributes | None:
    if "MLST" in ftp.features:
        try:
            lines = ftp.sendcmd(f"MLST {path}").splitlines()
        except ftplib.error_perm:
            return None
        return attributes_of(lines[1].strip().partition(" ")[0]) if len(lines) > 1 else None
    size, modified = _looks(ftp, path)
    if size is not None:
        return Attributes(size, None, modified)
    try:
        ftp.sendcmd(f"CWD {path}")
    except ftplib.error_perm:
        return None
    return Attributes(None, stat.S_IFDIR, None)


def _looks(ftp: Ftp, path: str) -> tuple[int | None, int | None]:
    """Size and time, exact to the second."""
    size, modified = _fact(ftp, f"SIZE {path}"), _fact(ftp, f"MDTM {path}")
    return int(size) if size.isdecimal() else None, moment(modified)


def _fact(ftp: Ftp, command: str) -> str:
    try:
        return ftp.sendcmd(command)[3:].strip()
    except ftplib.error_perm:
        return ""


def _asked(ftp: Ftp, path: str, ask: Callable[[str], object]) -> None:
    """Raises StatusError, NO_SUCH_FILE where there is none."""
    try:
        ask(path)
    except ftplib.error_perm as error:
        raise StatusError(_why(ftp, path, error)) from None


def _why(ftp: Ftp, path: str, error: ftplib.Error) -> Status:
    if str(error)[:3] in ("550", "551") and _look(ftp, path) is None:
        return Status.NO_SUCH_FILE
    return Status.FAILURE if str(error)[:3] == "552" else Status.PERMISSION_DENIED


def _rename(ftp: Ftp, path: str, target: str) -> None:
    if _look(ftp, target) is not None:
        raise StatusError(Status.NO_SUCH_FILE if _look(ftp, path) is None else Status.FAILURE)
    _asked(ftp, path, lambda name: ftp.sendcmd(f"RNFR {name}"))
    ftp.voidcmd(f"RNTO {target}")  # what is refused here is no absent file


def _fetch(ftp: Ftp, path: str, looks: Attributes, got: bytearray, start: int, size: int) -> bool:
    before = _looks(ftp, path)
    known = looks.modified if "MLST" in ftp.features and before[1] is not None else before[1]
    if before[0] not in (looks.size, None) or before[1] != known:
        return False
    if start and "REST" not in ftp.features:
        raise StatusError(Status.UNSUPPORTED)
    try:
        ftp.take(f"RETR {path}", got, size - start, start)
    except ftplib.error_perm as error:
        raise StatusError(_why(ftp, path, error)) from None
    except TooMuchError:
        return False
    return _looks(ftp, path) == before


def _store(ftp: Ftp, path: str, content: bytes) -> None:
    try:
        ftp.give(f"STOR {path}", content)
    except ftplib.error_perm as error:
        raise StatusError(Status.FAILURE if str(error)[:3] == "552" else Status.PERMISSION_DENIED) from None
    size = _fact(ftp, f"SIZE {path}")
    if size and size != str(len(content)):
        raise LostError("the server has not all of the file")


def _beginning(ftp: Ftp, path: str, most: int) -> bytes | None:
    content = bytearray()
    try:
        ftp.take(f"RETR {path}", content, most)
    except ftplib.error_perm as error:
        if (why := _why(ftp, path, error)) is Status.NO_SUCH_FILE:
            return None
        raise StatusError(why) from None
    except TooMuchError:
        pass  # the rest was not asked for; this connection is not used again
    return bytes(content[:most])
