"""Reads: a pooled connection in one snapshot, in a thread of their own, never the writer's."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa

from engine.core.errors import IsthmusError
from engine.store.database import Database
from engine.store.faults import translate
from engine.store.names import Names

T = TypeVar("T")


class Reader:
    def __init__(self, database: Database, names: Names) -> None:
        self._database, self._names = database, names

    def run(self, query: Callable[[sa.Connection, Names], T]) -> T:
        """Blocks: call it with `asyncio.to_thread`.

        Raises:
            StoreError: the database cannot be read.
        """
        try:
            with self._database.reading() as connection:
                return query(connection, self._names)
        except IsthmusError:
            raise
        except (sa.exc.SQLAlchemyError, OSError) as error:
            raise translate(error) from None  # the driver's words may hold a value
