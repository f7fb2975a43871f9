"""Opening a store: the composition of this package."""

from __future__ import annotations

import asyncio
from typing import Any

from engine.core.clock import Clock
from engine.store.database import Database, database
from engine.store.journal import SqlJournal
from engine.store.names import Names
from engine.store.schema import metadata
from engine.store.writer import Writer


class Store:
    """An open store."""

    def __init__(self, at: Database, clock: Clock) -> None:
        self._database = at
        names = Names()
        self._writer = Writer(at, clock, names)
        self.journal = SqlJournal(at, names, self._writer)

    async def close(self) -> None:
        """Everything submitted is written first."""
        await self._writer.close()
        await asyncio.to_thread(self._database.close)


async def open_store(url: str, clock: Clock, *, read_only: bool = False) -> Store:
    """Open the store at `sqlite:///path` or `postgresql://...`, bringing its tables up to this release.

    Raises:
        SchemaVersionError: it was written by a newer release.
        StoreError: it cannot be reached.
        ConfigurationError: not such a url.
    """
    at = database(url, read_only)
    await asyncio.to_thread(_prepare, at)
    return Store(at, clock)


def _prepare(at: Any) -> None:
    session = at.writer()
    metadata.create_all(session.sql)
    session.sql.commit()
    session.close()
