"""Source `sql`: rows of a table, each taken once.

By watermark: rows are read in the order of the watermark and their key. A row whose time is ahead is taken and does
not move the mark; one without a watermark is never read, and that is told. A transaction that took its number or
time early and ended late is found by reading the overlap again at each look, until it is over. A row's natural id
is table, key and watermark, so a row that is read again is the journal's duplicate, and a row that changed is a
message of its own.

By outbox: waiting rows are read in the order of their key and marked when their messages are safe. A crash in
between offers them again under the same natural id (table and key), and they are marked without a second effect.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from engine.connectors.intake import wait_for_journal
from engine.connectors.sql.database import Database
from engine.connectors.sql.mark import Mark, is_ahead, is_moment, reduced
from engine.connectors.sql.reading import Low, Reading, Row
from engine.connectors.sql.settings import Outbox, SqlSourceSettings
from engine.connectors.sql.values import message_of, plain
from engine.core.errors import IsthmusError, MessageError, SizeLimitError, StructureError
from engine.ports.connector import Accept, ConnectorContext, Health, Reason, Receipt, Received, Verdict

_LONGEST_PAUSE = 300.0  # seconds between tries while database or store refuse
_LOOK_FOR_UNREADABLE_EVERY = 3600.0  # seconds
_NEVER_READ = "there are rows whose watermark is NULL, and these are never read: give them one, or name another column"
_LONGEST_ID = 200  # characters
_LONGEST_TICK = 120.0  # seconds: some databases keep times by the minute


class SqlSource:
    """Looks into one table until cancelled."""

    def __init__(self, settings: SqlSourceSettings, context: ConnectorContext) -> None:
        self._settings, self._context = settings, context
        self._database, self._reading = Database(settings, context), Reading(settings)
        state = f"{settings.table}.{settings.watermark}"
        self._mark = Mark(context.root / "var" / "sql" / f"{context.name}.json", state)
        self._loaded, self._moved_at = False, 0.0  # seconds of the monotonic clock, when the mark last moved
        self._failures = 0
        self._looked_at: float | None = None  # for rows without a watermark
        self._unreadable = False
        self.problem: str | None = None

    async def run(self, accept: Accept) -> None:
        try:
            while True:
                await asyncio.sleep(await self.look(accept))
        finally:
            await self._database.close()

    async def look(self, accept: Accept) -> float:
        """Take what is new. Returns seconds until the next look."""
        try:
            if self._settings.outbox is not None:
                await self._work_off(self._settings.outbox, accept)
            else:
                await self._follow(accept)
        except (IsthmusError, OSError) as error:  # nothing is lost: the rows stay where they are
            self._failed(error)
        else:
            if self._failures:
                self._context.emit("source_recovered", self._context.channel, {"failures": self._failures})
            self._failures, self.problem = 0, None
        usual = self._settings.poll.total_seconds()
        return float(min(usual * 2 ** min(self._failures, 16), max(_LONGEST_PAUSE, usual)))

    async def check(self) -> Health:
        """Can the table be read."""
        database = Database(self._settings, self._context)
        statement = self._reading.page().limit(1)
        try:
            await database.run(lambda connection: connection.execute(statement).first())
            if await self._without_watermark(database):
                return Health(False, _NEVER_READ)
        except IsthmusError as error:
            return Health(False, error.what)
        finally:
            await database.close()
        return Health(self.problem is None, self.problem or "the table can be read")

    async def _without_watermark(self, database: Database) -> bool:
        if self._settings.outbox is not None:
            return False
        statement = self._reading.without_watermark()
        return await database.run(lambda connection: connection.execute(statement).first()) is not None

    async def _look_for_unreadable(self) -> None:
        """Now and then: what is never read must not go unnoticed. Told once, until there are none."""
        now = self._context.clock.monotonic()
        if self._looked_at is not None and now - self._looked_at < _LOOK_FOR_UNREADABLE_EVERY:
            return
        self._looked_at = now
        found = await self._without_watermark(self._database)
        if found and not self._unreadable:
            facts: dict[str, object] = {"error": StructureError.code, "text": _NEVER_READ}
            self._context.emit("source_failed", self._context.channel, facts)
        self._unreadable = found

    def _failed(self, error: IsthmusError | OSError) -> None:
        code = error.code if isinstance(error, IsthmusError) else "file"
        self.problem = error.what if isinstance(error, IsthmusError) else f"the mark cannot be kept: {error.strerror}"
        self._failures += 1
        if self._failures == 1:  # told once, not at every look
            self._context.emit("source_failed", self._context.channel, {"error": code, "text": self.problem})

    # -------------------------------------------------------------- by watermark
    async def _follow(self, accept: Accept) -> None:
        if not self._loaded:
            self._mark.load()
            self._loaded, self._moved_at = True, self._context.clock.monotonic()
        await self._look_for_unreadable()
        passed = self._context.clock.monotonic() - self._moved_at
        low, after, moved = self._low(), None, self._moved_at
        while True:
            await wait_for_journal(accept)
            rows = await self._read(low, after)
            await self._take_page(rows, accept)
            if len(rows) < self._settings.page:
                break
            after = rows[-1].order
        if passed > max(self._settings.overlap.total_seconds(), _LONGEST_TICK) and moved == self._moved_at:
            await self._settle()

    def _low(self) -> Low | None:
        if self._mark.value is None:
            return None
        return Low(self._mark.value, False) if self._mark.settled else Low(self._floor(self._mark.value))

    async def _settle(self) -> None:
        """Nothing new came while the overlap passed: it need not be read again, however many rows it has."""
        if not self._mark.settled and is_moment(self._mark.value):
            self._mark.settle()
            await asyncio.to_thread(self._mark.save)

    async def _take_page(self, rows: list[Row], accept: Accept) -> None:
        """Raises the first failure, with the mark at the rows before it."""
        offered = [(row, received, _digest(received.body)) for row in rows if (received := self._received(row))]
        new = [one for one in offered if not self._mark.knows(one[1].natural_id or "", one[2])]
        outcomes = await asyncio.gather(*(accept(one[1]) for one in new), return_exceptions=True)
        failure = next((one for one in outcomes if isinstance(one, BaseException)), None)
        taken = new if failure is None else new[: outcomes.index(failure)]
        for row, received, digest in taken:
            value = row.order[0]
            if is_ahead(value, self._context.clock.now()):
                self._mark.put_ahead(received.natural_id or "", value, digest)
            else:
                self._mark.advance(received.natural_id or "", value, digest, self._floor(value))
        if taken:
            self._moved_at = self._context.clock.monotonic()
            await asyncio.to_thread(self._mark.save)
        if failure is not None:
            raise failure

    def _floor(self, value: Any) -> Any:
        return reduced(value, self._settings.overlap_numbers, self._settings.overlap)

    # -------------------------------------------------------------- by outbox
    async def _work_off(self, outbox: Outbox, accept: Accept) -> None:
        after: tuple[Any, ...] | None = None
        while True:
            await wait_for_journal(accept)
            rows = await self._read(None, after)
            await self._take_waiting(rows, outbox, accept)
            if len(rows) < self._settings.page:
                return
            after = rows[-1].order  # a row that cannot be marked does not stop those behind it

    async def _take_waiting(self, rows: list[Row], outbox: Outbox, accept: Accept) -> None:
        outcomes = await asyncio.gather(*(accept(self._received(row)) for row in rows), return_exceptions=True)
        done: list[Row] = []
        refused: list[Row] = []
        for row, outcome in zip(rows, outcomes, strict=True):
            if isinstance(outcome, Receipt):
                (refused if _is_refused(outcome) else done).append(row)
        if done or refused:
            await self._database.run(lambda connection: self._reading.mark(connection, outbox, done, refused))
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome

    # -------------------------------------------------------------- rows as messages
    async def _read(self, low: Low | None, after: Sequence[Any] | None) -> list[Row]:
        rows = await self._database.run(lambda connection: self._reading.rows(connection, low, after))
        if any(value is None for row in rows for value in row.key):
            raise StructureError(
                "a row has NULL in its key", where=self._settings.table, remedy="name other key columns"
            )
        return rows

    def _received(self, row: Row) -> Received:
        natural_id = self._natural_id(row)
        kind = None if row.kind is None else str(plain(row.kind))
        facts = {"table": self._settings.table}
        try:
            return Received(self._body(row), natural_id, kind, attributes=facts)
        except MessageError as error:
            reason = Reason(error.code, error.what, error.where, error.remedy)
            return Received(b"", natural_id, kind, attributes=facts, refusal=reason)

    def _natural_id(self, row: Row) -> str:
        """Each part quoted, so that no two rows have one id; long ones as a digest."""
        known = row.key if self._settings.watermark is None else (*row.key, row.order[0])
        text = ":".join((self._settings.table, *(quote(str(plain(value)), safe=" ") for value in known)))
        return text if len(text) <= _LONGEST_ID else f"{self._settings.table}:{_digest(text.encode())}"

    def _body(self, row: Row) -> bytes:
        if self._settings.body_column is None:
            body = message_of(row.columns)
        else:
            body = _bytes(next(iter(row.columns.values())), self._settings.body_column)
        if len(body) > self._settings.max_size:
            raise SizeLimitError("the row makes a larger message than max_size", where=self._settings.table)
        return body


def _bytes(value: Any, column: str) -> bytes:
    if value is None:
        raise StructureError("the row has no body", where=column, remedy="write the message into this column")
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if isinstance(value, dict | list):
        return msgspec.json.encode(plain(value))
    return str(plain(value)).encode()


def _digest(body: bytes) -> str:
    return hashlib.blake2b(body, digest_size=16).hexdigest()


def _is_refused(receipt: Receipt) -> bool:
    return receipt.verdict in (Verdict.REFUSED, Verdict.CONFLICT) or receipt.reason is not None
