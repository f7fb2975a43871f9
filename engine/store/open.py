"""Opening a store: the composition of this package."""

from __future__ import annotations

import asyncio

import sqlalchemy as sa

from engine.core.clock import Clock
from engine.core.errors import StoreError
from engine.ports.leases import Lease
from engine.store.audit import SqlAudit
from engine.store.commits import Commits, Guard
from engine.store.database import Database, SqliteDatabase, database
from engine.store.faults import translate
from engine.store.feed import SqlFeed
from engine.store.journal import SqlJournal
from engine.store.leases import Fence, SqlLeases
from engine.store.ledger import SqlLedger
from engine.store.lock import JournalLock
from engine.store.migrate import bring_up_to_date, check_version
from engine.store.milestones import SqlMeasures
from engine.store.names import Names
from engine.store.process_writer import ProcessWriter
from engine.store.reader import Reader
from engine.store.record_search import SqlRecordSearch
from engine.store.records import SqlRecords
from engine.store.retention import Retention
from engine.store.session import Session
from engine.store.spool import SqlSpool
from engine.store.thread_writer import ThreadWriter
from engine.store.writer import Writer


class Store:
    """An open store: journal, control numbers, audit, leases and feed share one writer. `lock`: of an SQLite file."""

    def __init__(
        self,
        at: Database,
        clock: Clock,
        *,
        slot: int = 0,
        read_only: bool = False,
        lock: JournalLock | None = None,
    ) -> None:
        self._database, self._fence, self.lock, names = at, Fence(), lock, Names()
        guard: Guard = _refuse if read_only else self._fence.check
        self._writer = self._writing(Commits(at, clock, names, guard, slot), clock, slot)
        reader = Reader(at, names)
        self.journal = SqlJournal(self._writer, reader, Retention(self._writer, names, clock))
        self.ledger = SqlLedger(self._writer, reader)
        self.audit = SqlAudit(self._writer, reader)
        self.leases = SqlLeases(self._writer)
        self.feed = SqlFeed(self._writer, reader)
        self.records = SqlRecords(self._writer, reader)
        self.record_search = SqlRecordSearch(reader)
        self.measures = SqlMeasures(self._writer, reader)
        self.spool = SqlSpool(self._writer, reader)

    def _writing(self, commits: Commits, clock: Clock, slot: int) -> Writer:
        if self.lock is None or not isinstance(self._database, SqliteDatabase):
            return ThreadWriter(commits, clock)
        return ProcessWriter(self._database.path, commits, self._fence, clock, slot, self.lock.descriptor)

    def attach_lease(self, lease: Lease) -> None:
        """From now on every commit needs this lease: overtaken, it raises FencedError and writes nothing."""
        self._fence.attach(lease)

    def detach_lease(self, name: str) -> None:
        self._fence.detach(name)

    async def close(self) -> None:
        """Everything submitted is written first."""
        await self._writer.close()
        await asyncio.to_thread(self._database.close)
        if self.lock is not None:
            self.lock.release()


async def open_store(
    url: str, clock: Clock, *, read_only: bool = False, slot: int = 0, exclusive: bool = False
) -> Store:
    """Open the store at `sqlite:///path` or `postgresql://...`, bringing its tables up to this release.

    Args:
        read_only: beside a running engine: nothing is written, every write is refused.
        slot: number of this node; several nodes on one PostgreSQL count in different rows.
        exclusive: for a running engine: no second one opens the file, and a process of its own writes it. On
            PostgreSQL it changes nothing.

    Raises:
        SchemaVersionError: it was written by a newer release.
        StoreError: it cannot be reached, or another engine has it.
        ConfigurationError: not such a url.
    """
    at = database(url, read_only)
    lock = None
    try:
        if exclusive and isinstance(at, SqliteDatabase):
            lock = await JournalLock.take(at.path)
        await asyncio.to_thread(check_version if read_only else bring_up_to_date, at)
    except BaseException as error:
        if lock is not None:
            lock.release()
        if isinstance(error, sa.exc.SQLAlchemyError | OSError):
            raise translate(error) from None
        raise
    return Store(at, clock, slot=slot, read_only=read_only, lock=lock)


def _refuse(session: Session) -> None:
    raise StoreError("the store was opened for reading only")
