"""`engine.ports.partners.PartnerTokens` over SQL, beside the accounts of people: tokens as digests only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import BigInteger, Column, Connection, Engine, Index, MetaData, String, Table, delete, insert, select
from sqlalchemy.exc import SQLAlchemyError

from engine.core.clock import Clock, SystemClock, from_micros, to_micros
from engine.ports.partners import TOKEN_LIFE, PartnerToken
from engine.store.faults import translate
from engine.store.passwords import make_token, token_digest

T = TypeVar("T")
_MARK = 6  # characters of a token that are kept, of more than forty
metadata = MetaData()
tokens = Table(
    "partner_token",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("mark", String(_MARK), nullable=False),
    Column("supplier", String(80), nullable=False),
    Column("made_by", String(80), nullable=False),
    Column("made_micros", BigInteger, nullable=False),
    Column("expires_micros", BigInteger, nullable=False),
    Index("partner_token_supplier", "supplier"),
)
_token = tokens.c


class SqlPartnerTokens:
    """`engine`: the accounts' own; the table is made when absent."""

    def __init__(self, engine: Engine, clock: Clock | None = None) -> None:
        self._engine, self._clock = engine, clock or SystemClock()
        self._one = asyncio.Lock()
        metadata.create_all(engine)

    async def issue(self, supplier: str, made_by: str) -> str:
        token, now = make_token(), self._clock.now()
        values = {
            "digest": token_digest(token),
            "mark": token[:_MARK],
            "supplier": supplier,
            "made_by": made_by,
            "made_micros": to_micros(now),
            "expires_micros": to_micros(now + TOKEN_LIFE),
        }
        await self._do(lambda sql: sql.execute(insert(tokens).values(**values)) and None)
        return token

    async def supplier_of(self, token: str) -> str | None:
        now = to_micros(self._clock.now())
        query = select(_token.supplier).where(_token.digest == token_digest(token), _token.expires_micros > now)
        return await self._do(lambda sql: sql.execute(query).scalar())

    async def tokens(self) -> list[PartnerToken]:
        query = select(tokens).order_by(_token.supplier, _token.made_micros)
        rows = await self._do(lambda sql: list(sql.execute(query)))
        return [
            PartnerToken(
                row.mark, row.supplier, row.made_by, from_micros(row.made_micros), from_micros(row.expires_micros)
            )
            for row in rows
        ]

    async def withdraw(self, supplier: str) -> int:
        return await self._do(lambda sql: sql.execute(delete(tokens).where(_token.supplier == supplier)).rowcount)

    async def _do(self, work: Callable[[Connection], T]) -> T:
        def run() -> T:
            with self._engine.begin() as sql:
                return work(sql)

        try:
            async with self._one:
                return await asyncio.to_thread(run)
        except SQLAlchemyError as error:
            raise translate(error) from None
