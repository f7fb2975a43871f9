"""Source `file`: each complete file of a folder is claimed, read, accepted, and only then moved.

Way of a file: folder → `.claimed/<token>~<name>` → done or error folder; an X12 file that is refused when it is read
goes over from the one to the other. A crash leaves it claimed; the next
start goes on with it, and its natural ids make what was already accepted a duplicate. A file that cannot be
moved (disk full) stays claimed and is tried again.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from engine.connectors.file import folder as work
from engine.connectors.file.afterwards import Afterwards, Taken, move_over
from engine.connectors.file.folder import Claimed, Complete, StillWrittenError, UnreadableFileError
from engine.connectors.file.settings import FileSourceSettings
from engine.connectors.intake import FileMessages, accept_all, bad, batches, explain, wait_for_journal
from engine.core.errors import MessageError, SizeLimitError, StoreError
from engine.core.ids import IdSource
from engine.ports.connector import Accept, ConnectorContext, Health, Receipt, Received

_READ_ON_LOOP = 1024 * 1024  # bytes: a thread hop costs more than reading a small file
_BATCH_BYTES = 64 * 1024 * 1024  # in memory at once, besides one file
_LONGEST_PAUSE = 60.0  # seconds between tries while store or disk refuse


class FileSource:
    """Serves one folder; the flow runs one of these per folder at a time."""

    def __init__(self, settings: FileSourceSettings, context: ConnectorContext) -> None:
        self._settings, self._context = settings, context
        self._folder = context.root / settings.folder
        self._work = self._folder / ".claimed"
        self._done = context.root / settings.done if settings.done else self._folder / "done"
        self._error = context.root / settings.error if settings.error else self._folder / "error"
        self._messages = FileMessages(settings, context)
        self._afterwards = Afterwards(context.services if self._messages.format == "x12" else {})
        self._complete, self._ids = Complete(settings), IdSource()
        self.problem: str | None = None  # the last failure of disk or store, for check()
        self._blocked = False  # no further file now: store or done folder refuse

    async def run(self, accept: Accept) -> None:
        """Look at the folder until cancelled."""
        pause = self._settings.poll.total_seconds()
        failures = 0
        while True:
            failures = 0 if await self.look(accept) else failures + 1
            if failures == 1:  # told once, not at every look
                self._context.emit("source_failed", self._context.channel, {"error": "file", "text": self.problem})
            await asyncio.sleep(min(pause * 2 ** min(failures, 10), max(pause, _LONGEST_PAUSE)))

    async def look(self, accept: Accept) -> bool:
        """Once: go on with claimed files, then take complete ones. False: disk or store refused; try later."""
        self.problem, self._blocked = None, False
        try:
            self._prepare()
            for claimed in batches(work.claimed_before(self._work), self._settings.batch):
                await self._take(claimed, accept)
            ready = await asyncio.to_thread(self._complete.of, self._folder, self._context.clock.monotonic())
            for paths in batches(ready, self._settings.batch):
                if self._blocked:
                    break
                await self._take(await asyncio.to_thread(self._claim, paths), accept)
            for taken in await self._afterwards.refused():
                await asyncio.to_thread(self._move_over, taken)
        except StoreError as error:
            self._block(f"the store refuses: {error.code}")
        except OSError as error:
            self.problem = f"folder: {os.strerror(error.errno) if error.errno else type(error).__name__}"
        return self.problem is None

    async def check(self) -> Health:
        """Can the folders be read and written."""
        try:
            self._prepare()
        except OSError as error:
            return Health(False, f"folder cannot be used: {error.strerror}")
        for path in (self._folder, self._work, self._done, self._error):
            if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
                return Health(False, f"no permission for the folder {path.name}")
        return Health(self.problem is None, self.problem or "the folder is there and can be read and written")

    def _prepare(self) -> None:
        for path in (self._folder, self._work, self._done, self._error):
            path.mkdir(parents=True, exist_ok=True)

    # -------------------------------------------------------------- claiming
    def _claim(self, paths: Sequence[Path]) -> list[Claimed]:
        """Those of the files that are ours now, durably."""
        claimed = [one for path in paths if (one := work.claim(path, self._work, self._ids)) is not None]
        if claimed and self._messages.by_token:
            work.sync(self._work)  # the token in the name is the natural id: it must survive a power cut
            work.sync(self._folder)
        return claimed

    # -------------------------------------------------------------- taking in
    async def _take(self, claimed: Sequence[Claimed], accept: Accept) -> None:
        """Read in order, accept together (one flush for many files), move each when all of it is durable."""
        async with asyncio.TaskGroup() as group:
            size = 0
            running: list[asyncio.Task[None]] = []
            for one in claimed:
                if (messages := await self._read(one)) is None:
                    continue
                await wait_for_journal(accept)
                size += sum(len(message.body) for message in messages)
                running.append(group.create_task(self._finish(one, messages, accept)))
                if size >= _BATCH_BYTES:
                    await asyncio.wait(running)
                    size = 0
                if self._blocked:
                    break

    async def _read(self, claimed: Claimed) -> list[Received] | None:
        """Its messages, with what was refused at the door; None: not now."""
        try:
            content = await self._content(claimed.path)
            return await self._messages.read(content, claimed.name, claimed.token)
        except StillWrittenError:
            work.put_back(claimed, self._folder)
        except FileNotFoundError:
            return None  # a person took it out of the work folder: there is nothing to read, and nothing lost
        except MessageError as error:
            return [self._refused(claimed, error)]
        except PermissionError:
            return [self._refused(claimed, UnreadableFileError("no permission to read the file"))]
        except OSError as error:  # tried again at the next look; other files go on
            self.problem = f"a file cannot be read: {error.strerror}"
        return None

    async def _content(self, path: Path) -> bytes:
        limit = self._settings.max_size
        if path.lstat().st_size <= _READ_ON_LOOP:
            return work.read(path, limit)
        return await asyncio.to_thread(work.read, path, limit)

    def _refused(self, claimed: Claimed, error: MessageError) -> Received:
        keep = not isinstance(error, (SizeLimitError, UnreadableFileError))
        body = claimed.path.read_bytes() if keep else b""
        return self._messages.refused(body, claimed.name, claimed.token, error)

    # -------------------------------------------------------------- moving away
    async def _finish(self, claimed: Claimed, messages: list[Received], accept: Accept) -> None:
        try:
            receipts = await accept_all(messages, accept)
            await asyncio.to_thread(self._move, claimed, receipts)
        except StoreError as error:
            self._block(f"the store refuses: {error.code}")
        except OSError as error:
            self._block(f"a file cannot be moved: {error.strerror}")

    def _block(self, problem: str) -> None:
        self.problem, self._blocked = problem, True

    def _move(self, claimed: Claimed, receipts: list[Receipt]) -> None:
        self._remove_trigger(claimed)
        refused = bad(receipts)
        if not refused and self._settings.after == "delete":
            claimed.path.unlink(missing_ok=True)
            self._afterwards.watch(Taken(None, work.moved_name(claimed, self._context.clock.now()), receipts))
            return
        now = self._context.clock.now()
        if not refused:
            done = work.move(claimed, self._done, now)
            self._afterwards.watch(Taken(done, done.name, receipts))
            return
        moved = work.move(claimed, self._error, now)
        work.write_whole(moved.with_name(f"{moved.name}.reason.txt"), explain(receipts))

    def _move_over(self, taken: Taken) -> None:
        move_over(taken, self._error, explain(taken.receipts), work.write_whole)

    def _remove_trigger(self, claimed: Claimed) -> None:
        if self._settings.trigger:
            (self._folder / f"{claimed.name}{self._settings.trigger}").unlink(missing_ok=True)
