"""What doors still have to do, over SQL (`engine.ports.spool.Spool`). An engine that was overtaken keeps nothing."""

from __future__ import annotations

import asyncio

import sqlalchemy as sa

from engine.ports.spool import Spooled
from engine.store.names import Names
from engine.store.reader import Reader
from engine.store.schema import spool
from engine.store.writer import Writer

_c = spool.c


class SqlSpool:
    """Rare and small: each change is a commit of its own, with what else is waiting."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer, self._reader = writer, reader

    async def put(self, place: str, key: str, body: bytes) -> None:
        def work(sql: sa.Connection) -> None:
            sql.execute(spool.delete().where(_c.place == place, _c.key == key))
            sql.execute(spool.insert().values(place=place, key=key, body=body))

        await self._writer.perform(lambda transaction: work(transaction.session.sql))

    async def waiting(self, place: str) -> list[Spooled]:
        query = sa.select(_c.key, _c.body).where(_c.place == place).order_by(_c.key)

        def work(sql: sa.Connection, names: Names) -> list[Spooled]:
            return [Spooled(row.key, row.body) for row in sql.execute(query)]

        return await asyncio.to_thread(self._reader.run, work)

    async def remove(self, place: str, key: str) -> None:
        gone = spool.delete().where(_c.place == place, _c.key == key)
        await self._writer.perform(lambda transaction: transaction.session.sql.execute(gone) and None)
