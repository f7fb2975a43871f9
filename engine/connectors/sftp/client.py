"""Many requests under way on one SFTP channel, each with a hard limit on its answer.

paramiko's own client waits for one answer before it asks again, and two threads may not share it. Here one thread
writes what is asked and one reads what is told, so that a hundred files cost hardly more round trips than one.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import paramiko

from engine.connectors.remote_folder.client import LostError as LostError
from engine.connectors.remote_folder.client import StatusError as StatusError
from engine.connectors.remote_folder.client import together
from engine.connectors.sftp import wire
from engine.connectors.sftp.wire import Answer, Ask, Attributes, Entry, MalformedError, Open, Reader, Status, Told

_READ_AT_ONCE = 256 * 1024  # bytes off the channel
_WRITE_AT_ONCE = 256 * 1024  # bytes of small requests that leave together
BLOCK = 32 * 1024  # bytes of one READ or WRITE: what every server takes
_BLOCKS_AHEAD = 64  # of one file
_AT_ONCE = 32 * BLOCK  # up to here one round trip brings the content and how the file looks after it
_MOST_ENTRIES = 100_000  # of one folder; more are seen when these are gone

T = TypeVar("T")


class SftpClient:
    """One channel with the `sftp` subsystem on it. Used on one event loop."""

    def __init__(self, channel: paramiko.Channel, timeout: float) -> None:
        self._channel, self._timeout = channel, timeout
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._number = 0
        self._outgoing: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._extensions: frozenset[str] = frozenset()
        self.lost: str | None = None
        for work in (self._write_all, self._read_all):
            threading.Thread(target=work, name=f"sftp {work.__name__}", daemon=True).start()

    async def begin(self) -> None:
        """Agree on the version. Raises LostError."""
        answer = await self._answer(wire.VERSION, Ask.INIT)
        if answer.kind != Told.VERSION or answer.number < wire.VERSION:
            raise self._break("the server speaks no SFTP version that we know")
        self._extensions = frozenset(_extensions(Reader(answer.content)))

    def close(self) -> None:
        """Whoever waits for an answer gets LostError. The connection itself is its owner's."""
        self._fail("closed")

    # -------------------------------------------------------------- folders
    async def listing(self, folder: str) -> list[Entry]:
        """What is in a folder, without `.` and `..`, in no order."""
        handle = await self._handle(Ask.OPENDIR, wire.text(folder))
        found: list[Entry] = []
        try:
            while len(found) < _MOST_ENTRIES:
                answer = await self._ask(Ask.READDIR, wire.string(handle), told=Told.NAME)
                if not (some := self._read(answer, Reader.entries)):
                    break  # a server that never comes to an end
                found += (one for one in some if one.name not in (".", ".."))
        except StatusError as error:
            if error.code != Status.EOF:
                raise
        finally:
            self._forget(handle)
        return found

    async def make_folder(self, path: str) -> None:
        await self._ask(Ask.MKDIR, wire.text(path), wire.NO_ATTRIBUTES)

    async def look_at(self, path: str) -> Attributes | None:
        """Of the thing itself, not of what a link leads to; None: nothing is there."""
        try:
            answer = await self._ask(Ask.LSTAT, wire.text(path), told=Told.ATTRS)
        except StatusError as error:
            if error.code == Status.NO_SUCH_FILE:
                return None
            raise
        return self._read(answer, Reader.attributes)

    async def rename(self, path: str, target: str) -> None:
        """Never over an existing file: version 3 of the protocol refuses that."""
        await self._ask(Ask.RENAME, wire.text(path), wire.text(target))

    async def remove(self, path: str) -> None:
        await self._ask(Ask.REMOVE, wire.text(path))

    # -------------------------------------------------------------- whole files
    async def fetch(self, path: str, looks: Attributes, content: bytearray, size: int) -> bool:
        """Append what `content` lacks; tell whether the file looked as `looks` all the while."""
        handle = await self.open(path, Open.READ)
        try:
            if size - len(content) <= _AT_ONCE:
                after = await self.read_small(handle, content, size)
            else:
                await self.read_into(handle, content, size)
                after = await self.attributes(handle)
        finally:
            self.forget(handle)
        return (after.size, after.modified) == (looks.size, looks.modified)

    async def store(self, path: str, content: bytes) -> None:
        """A small file in one piece, on the server's disk where it lets us ask for that."""
        handle = await self.open(path, Open.WRITE | Open.CREATE | Open.TRUNCATE)
        await self.write_small(handle, content)

    async def beginning(self, path: str, most: int) -> bytes | None:
        """The first bytes of a file; None: there is none."""
        try:
            handle = await self.open(path, Open.READ)
        except StatusError as error:
            if error.code == Status.NO_SUCH_FILE:
                return None
            raise
        content = bytearray()
        try:
            await self.read_into(handle, content, most)
        finally:
            self.forget(handle)
        return bytes(content)

    # -------------------------------------------------------------- files
    async def open(self, path: str, flags: int) -> bytes:
        """A handle, to be given to `forget` or `finish`."""
        return await self._handle(Ask.OPEN, wire.text(path), wire.u32(flags), wire.NO_ATTRIBUTES)

    async def attributes(self, handle: bytes) -> Attributes:
        return self._read(await self._ask(Ask.FSTAT, wire.string(handle), told=Told.ATTRS), Reader.attributes)

    async def read_into(self, handle: bytes, content: bytearray, size: int) -> None:
        """Append what is missing of `size` bytes, in order, many requests ahead; less when the file ends before.

        What came before an error stays in `content`, so that a later call goes on from there.
        """
        tasks: list[asyncio.Future[bytes]] = []
        try:
            asked = len(content)
            while len(content) < size:
                while asked < size and len(tasks) < _BLOCKS_AHEAD:
                    tasks.append(asyncio.ensure_future(self._block(handle, asked, min(BLOCK, size - asked))))
                    asked += BLOCK
                wanted = min(BLOCK, size - len(content))
                block = await tasks.pop(0)
                content += block
                if len(block) < wanted:
                    break
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def read_small(self, handle: bytes, content: bytearray, size: int) -> Attributes:
        """The same for a few blocks, and how the file looks after them, all in one round trip."""
        starts = range(len(content), size, BLOCK)
        blocks = (self._block(handle, start, min(BLOCK, size - start)) for start in starts)
        *found, after = await together(*blocks, self.attributes(handle))
        content += b"".join(found)
        return Attributes(*after)

    async def write_small(self, handle: bytes, content: bytes) -> None:
        """A few blocks, to the server's disk where it lets us ask for that, and closed: all in one round trip."""
        starts = range(0, len(content), BLOCK)
        blocks = (self._put(handle, start, content[start : start + BLOCK]) for start in starts)
        await together(*blocks, self.flush(handle), self.finish(handle))

    async def write(self, handle: bytes, offset: int, content: bytes) -> None:
        """All of `content` at `offset`; returns when the server has told that it has every block."""
        view = memoryview(content)
        for start in range(0, len(content), BLOCK * _BLOCKS_AHEAD):
            window = range(start, min(start + BLOCK * _BLOCKS_AHEAD, len(content)), BLOCK)
            await together(*(self._put(handle, offset + at, bytes(view[at : at + BLOCK])) for at in window))

    async def flush(self, handle: bytes) -> None:
        """To the server's disk, where the server can be asked for it (OpenSSH can)."""
        if "fsync@openssh.com" in self._extensions:
            await self._ask(Ask.EXTENDED, wire.text("fsync@openssh.com"), wire.string(handle))

    async def finish(self, handle: bytes) -> None:
        """Close, and hear of a failure that only closing tells (a full quota)."""
        await self._ask(Ask.CLOSE, wire.string(handle))

    def forget(self, handle: bytes) -> None:
        """Close without waiting for the answer."""
        self._forget(handle)

    # -------------------------------------------------------------- asking
    async def _block(self, handle: bytes, offset: int, length: int) -> bytes:
        """Some servers give less than was asked for: the rest is asked for again. Empty at the end."""
        found = b""
        try:
            while len(found) < length:
                where = wire.u64(offset + len(found))
                answer = await self._ask(
                    Ask.READ, wire.string(handle), where, wire.u32(length - len(found)), told=Told.DATA
                )
                part = self._read(answer, Reader.string)
                if not part:
                    break
                found += part
                if len(found) > length:
                    raise self._break("the server gives more than was asked for")
        except StatusError as error:
            if error.code != Status.EOF:
                raise
        return found

    async def _put(self, handle: bytes, offset: int, block: bytes) -> None:
        await self._ask(Ask.WRITE, wire.string(handle), wire.u64(offset), wire.string(block))

    async def _handle(self, kind: Ask, *parts: bytes) -> bytes:
        return self._read(await self._ask(kind, *parts, told=Told.HANDLE), Reader.string)

    def _forget(self, handle: bytes) -> None:
        if self.lost is None:
            self._number += 1
            self._outgoing.put(wire.packet(Ask.CLOSE, self._number, wire.string(handle)))

    async def _ask(self, kind: Ask, *parts: bytes, told: Told = Told.STATUS) -> Answer:
        """Raises StatusError, LostError."""
        self._number += 1
        answer = await self._answer(self._number, kind, *parts)
        if answer.kind == Told.STATUS:
            code = self._read(answer, Reader.u32)
            if code != Status.OK or told is not Told.STATUS:
                raise StatusError(code)
        elif answer.kind != told:
            raise self._break("the server's answer is of another kind")
        return answer

    async def _answer(self, number: int, kind: Ask, *parts: bytes) -> Answer:
        if self.lost is not None:
            raise LostError(self.lost)
        waiting = self._waiting[number] = self._loop.create_future()
        self._outgoing.put(wire.packet(kind, number, *parts))
        try:
            async with asyncio.timeout(self._timeout):
                answer: Answer = await waiting
                return answer
        except TimeoutError:
            raise self._break("no answer in time") from None
        finally:
            self._waiting.pop(number, None)

    def _read(self, answer: Answer, take: Callable[[Reader], T]) -> T:
        try:
            return take(Reader(answer.content))
        except MalformedError as error:
            raise self._break(str(error)) from None

    def _break(self, words: str) -> LostError:
        self._fail(words)
        return LostError(words)

    def _fail(self, words: str) -> None:
        if self.lost is None:
            self.lost = words
            self._outgoing.put(None)
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(LostError(self.lost))

    def _deliver(self, answers: list[Answer]) -> None:
        for answer in answers:
            number = wire.VERSION if answer.kind == Told.VERSION else answer.number
            waiting = self._waiting.get(number)
            if waiting is not None and not waiting.done():
                waiting.set_result(answer)

    # -------------------------------------------------------------- in threads
    def _write_all(self) -> None:
        try:
            while (first := self._outgoing.get()) is not None:
                together = bytearray(first)
                while len(together) < _WRITE_AT_ONCE and not self._outgoing.empty():
                    if (more := self._outgoing.get()) is None:
                        return
                    together += more
                self._channel.sendall(bytes(together))
        except (OSError, EOFError, paramiko.SSHException):
            self._tell(lambda: self._fail("the connection ended"))

    def _read_all(self) -> None:
        unpacker, words = wire.Unpacker(), "the connection ended"
        try:
            while data := self._channel.recv(_READ_AT_ONCE):
                if answers := list(unpacker.feed(data)):
                    self._tell(partial(self._deliver, answers))
        except MalformedError as error:
            words = str(error)
        except (OSError, EOFError, paramiko.SSHException):
            pass  # told as the end of the connection, which it is
        self._outgoing.put(None)  # also when the loop is gone: the other thread ends
        self._tell(lambda: self._fail(words))

    def _tell(self, what: Callable[[], None]) -> None:
        try:
            self._loop.call_soon_threadsafe(what)
        except RuntimeError:
            pass  # the loop is closed: nobody waits any more


def _extensions(reader: Reader) -> list[str]:
    """Names of what the server can besides the protocol."""
    names = []
    while not reader.empty:
        names.append(reader.text())
        reader.string()
    return names
