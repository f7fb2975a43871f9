"""A source of files on a server: each complete one is claimed, read, accepted, and only then moved.

Way of a file: folder → `.claimed/<token>~<name>` → done or error folder. A crash or a lost connection leaves it
claimed; the next look goes on with it, and its natural ids make what was already accepted a duplicate. What was
read of a file when the connection went is kept, and only the rest is asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any

from engine.connectors.file.afterwards import Afterwards, Taken
from engine.connectors.file.folder import StillWrittenError, UnreadableFileError
from engine.connectors.intake import FileMessages, accept_all, bad, explain, wait_for_journal
from engine.connectors.remote_folder import folder as remote
from engine.connectors.remote_folder.client import (
    Attributes,
    Entry,
    LostError,
    RemoteClient,
    RemoteConnection,
    Status,
    StatusError,
    together,
)
from engine.connectors.remote_folder.folder import Complete, RemoteFile
from engine.connectors.remote_folder.settings import WatchedFolder
from engine.core.errors import IsthmusError, MessageError, SizeLimitError, StoreError, TransportError
from engine.core.ids import IdSource
from engine.ports.connector import Accept, ConnectorContext, Health, Receipt, Received

_BATCH_BYTES = 64 * 1024 * 1024  # in memory at once, besides one file
_LONGEST_PAUSE = 60.0  # seconds between tries while server or store refuse


class RemoteFolderSource:
    """Serves one folder of one server; the flow runs one of these per folder at a time. `kind`: for the log."""

    def __init__(
        self, settings: WatchedFolder, context: ConnectorContext, connection: RemoteConnection, kind: str
    ) -> None:
        self._settings, self._context = settings, context
        self._folder = settings.folder
        self._work = remote.below(self._folder, ".claimed")
        self._done = settings.done or remote.below(self._folder, "done")
        self._error = settings.error or remote.below(self._folder, "error")
        self._connection, self._kind = connection, kind
        self._messages = FileMessages(settings, context)
        self._afterwards = Afterwards(context.services if self._messages.format == "x12" and self._claims else {})
        self._complete, self._ids = Complete(settings), IdSource()
        self._prepared: RemoteClient | None = None  # the connection that was found to have the folders
        self._unfinished = True  # claimed files may be waiting, of an earlier run or look
        self._partial: dict[str, tuple[Attributes, bytearray]] = {}  # by path, of reads that were cut off
        self._kept: dict[str, Attributes] = {}  # by name, with after: keep: taken in
        self._running = False
        self.problem: str | None = None  # the last failure of server or store, for check()
        self._blocked = False  # no further file now: store or server refuse

    @property
    def _claims(self) -> bool:
        return self._settings.after != "keep"

    async def run(self, accept: Accept) -> None:
        """Look at the folder until cancelled."""
        pause = self._settings.poll.total_seconds()
        failures, self._running = 0, True
        try:
            while True:
                failures = 0 if await self.look(accept) else failures + 1
                if failures == 1:  # told once, not at every look
                    self._context.emit(
                        "source_failed", self._context.channel, {"error": self._kind, "text": self.problem}
                    )
                await asyncio.sleep(min(pause * 2 ** min(failures, 10), max(pause, _LONGEST_PAUSE)))
        finally:
            self._running = False
            await self._connection.close()

    async def look(self, accept: Accept) -> bool:
        """Once: go on with claimed files, then take complete ones. False: server or store refused; try later."""
        self.problem, self._blocked = None, False
        try:
            client = await self._connection.client()
            await self._prepare(client)
            await self._go_on(client, accept)
            await self._take_new(client, accept)
            for taken in await self._afterwards.refused():
                await self._move_over(client, taken)
        except StoreError as error:
            self._block(f"the store refuses: {error.code}")
        except TransportError as error:
            self._block(f"{error.code}: {error.what}")
        except LostError as error:
            self._block(str(error))
        except StatusError as error:
            self._block(f"folder: {error.words}")
            self._prepared = None
        return self.problem is None

    async def check(self) -> Health:
        """Is the server there, does it let us in, and are the folders there."""
        try:
            client = await self._connection.client()
            await self._prepare(client)
            await client.listing(self._folder)
        except IsthmusError as error:
            return Health(False, error.what)
        except LostError as error:
            return Health(False, str(error))
        except StatusError as error:
            return Health(False, f"folder cannot be used: {error.words}")
        finally:
            if not self._running:
                await self._connection.close()
        return Health(self.problem is None, self.problem or "the folder is there and can be read")

    async def _prepare(self, client: RemoteClient) -> None:
        if self._prepared is client:
            return
        if await client.look_at(self._folder) is None:
            raise StatusError(Status.NO_SUCH_FILE)
        if self._claims:
            await together(*(remote.ensure(client, one) for one in (self._work, self._done, self._error)))
        self._prepared, self._unfinished = client, True

    # -------------------------------------------------------------- taking in
    async def _go_on(self, client: RemoteClient, accept: Accept) -> None:
        """With what is claimed and was not finished."""
        if not self._claims or not self._unfinished:
            return
        found = await remote.claimed_before(client, self._work)
        self._partial = {one.path: self._partial[one.path] for one in found if one.path in self._partial}
        self._unfinished = False
        for some in self._batches([(one.looks, one) for one in found]):
            await self._take([self._read(client, one) for one in some], client, accept)

    async def _take_new(self, client: RemoteClient, accept: Accept) -> None:
        entries = await client.listing(self._folder)
        if not self._claims:
            self._kept = {e.name: self._kept[e.name] for e in entries if e.name in self._kept}
            entries = [entry for entry in entries if self._kept.get(entry.name) != entry.attributes]
        ready = self._complete.of(entries, self._context.clock.monotonic())
        for some in self._batches([(entry.attributes, entry) for entry in ready]):
            if self._blocked:
                break
            await self._take([self._claim_and_read(client, entry) for entry in some], client, accept)

    def _batches(self, files: Sequence[tuple[Attributes, Any]]) -> Iterator[list[Any]]:
        """So many files at once that their content fits into memory."""
        some: list[Any] = []
        size = 0
        for looks, file in files:
            bytes_ = min(looks.size or 0, self._settings.max_size)
            if some and (len(some) >= self._settings.parallel or size + bytes_ > _BATCH_BYTES):
                yield some
                some, size = [], 0
            some.append(file)
            size += bytes_
        if some:
            yield some

    async def _take(
        self,
        reads: Sequence[Coroutine[Any, Any, tuple[RemoteFile, list[Received]] | None]],
        client: RemoteClient,
        accept: Accept,
    ) -> None:
        """Read together, accept in order, move each when all of it is durable."""
        async with asyncio.TaskGroup() as group:
            for reading in [group.create_task(self._guarded(one)) for one in reads]:
                if (found := await reading) is not None:
                    file, messages = found
                    await wait_for_journal(accept)
                    group.create_task(self._guarded(self._finish(client, file, messages, accept)))

    async def _guarded(self, work: Coroutine[Any, Any, Any]) -> Any:
        """A failure costs this file's turn only; it stays where it is and is looked at again."""
        try:
            return await work
        except StoreError as error:
            self._block(f"the store refuses: {error.code}")
        except LostError as error:
            self._block(str(error))
        except StatusError as error:
            self.problem, self._unfinished = f"a file: {error.words}", True
            self._prepared = None  # a folder of ours may be gone
        return None

    def _block(self, problem: str) -> None:
        self.problem, self._blocked, self._unfinished = problem, True, True

    # -------------------------------------------------------------- reading
    async def _claim_and_read(self, client: RemoteClient, entry: Entry) -> tuple[RemoteFile, list[Received]] | None:
        if not self._claims:
            return await self._read(client, remote.unclaimed(self._folder, entry))
        claimed = await remote.claim(client, self._folder, entry, self._work, self._ids)
        return await self._read(client, claimed) if claimed is not None else None

    async def _read(self, client: RemoteClient, file: RemoteFile) -> tuple[RemoteFile, list[Received]] | None:
        """Its messages, with what was refused at the door; None: not now."""
        content = b""
        try:
            content = await self._content(client, file)
            return file, await self._messages.read(content, file.name, file.token, self._folder)
        except StillWrittenError:
            if self._claims:
                await remote.move(client, file, remote.below(self._folder, file.name))
            return None
        except MessageError as error:
            keep = not isinstance(error, (SizeLimitError, UnreadableFileError))
            return file, [self._messages.refused(content if keep else b"", file.name, file.token, error)]
        except StatusError as error:
            if error.code == Status.NO_SUCH_FILE:  # a person took it away: there is nothing to read, and nothing lost
                return None
            if error.code != Status.PERMISSION_DENIED:
                raise
            unreadable = UnreadableFileError("no permission to read the file")
            return file, [self._messages.refused(b"", file.name, file.token, unreadable)]

    async def _content(self, client: RemoteClient, file: RemoteFile) -> bytes:
        looks, content = self._partial.pop(file.path, (file.looks, bytearray()))
        if looks != file.looks:
            content = bytearray()
        try:
            await remote.read(client, file, content, self._settings.max_size)
        except LostError:
            self._partial[file.path] = (file.looks, content)
            raise
        return bytes(content)

    # -------------------------------------------------------------- moving away
    async def _finish(self, client: RemoteClient, file: RemoteFile, messages: list[Received], accept: Accept) -> None:
        receipts = await accept_all(messages, accept)
        if not self._claims:
            self._kept[file.path.rpartition("/")[2]] = file.looks
        elif bad(receipts):
            target = await remote.move(client, file, f"{self._error}/{self._moved_name(file)}")
            await client.store(f"{target}.reason.txt", explain(receipts))
        else:
            await self._put_away(client, file, receipts)

    async def _put_away(self, client: RemoteClient, file: RemoteFile, receipts: list[Receipt]) -> None:
        name = self._moved_name(file)
        if self._settings.after == "delete":
            await client.remove(file.path)
            self._afterwards.watch(Taken(None, name, receipts))
            return
        target = await remote.move(client, file, f"{self._done}/{name}")
        self._afterwards.watch(Taken(PurePosixPath(target), PurePosixPath(target).name, receipts))

    async def _move_over(self, client: RemoteClient, taken: Taken) -> None:
        """An interchange that was refused when it was read: to the error folder, the explanation beside it."""
        target = f"{self._error}/{taken.name}"
        if taken.path is not None and await client.look_at(str(taken.path)) is not None:
            await client.rename(str(taken.path), target)
        await client.store(f"{target}.reason.txt", explain(taken.receipts))

    def _moved_name(self, file: RemoteFile) -> str:
        return f"{self._context.clock.now():%Y%m%dT%H%M%SZ}_{file.name}"
