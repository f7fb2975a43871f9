"""The feed over SQL: read in the order of the commits, with what each entry speaks of."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from engine.core.happenings import Happening
from engine.core.ids import id_text, parse_id
from engine.ports.feed import FedDelivery, FedDocument, FeedEntry, FeedPage, FeedPlace
from engine.store.feed_rows import ALL, HEAD
from engine.store.finish import RUN
from engine.store.names import Names
from engine.store.read import attributes_of, intact
from engine.store.reader import Reader
from engine.store.schema import bodies, deliveries, documents, feed, feed_readers, feed_wanted, messages
from engine.store.transaction import Transaction
from engine.store.writer import Writer

_of, _reader, _wanted = feed.c, feed_readers.c, feed_wanted.c
_OF_DELIVERIES = (Happening.DELIVERED, Happening.HELD)
_FAMILY = 500  # replays of one message that are looked at


class SqlFeed:
    """`engine.ports.feed.Feed`."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer, self._reader = writer, reader

    async def open(self, reader: str, channels: Sequence[str]) -> FeedPlace:
        return await self._writer.perform(lambda transaction: _open(transaction, reader, channels))

    async def head(self) -> int:
        return await asyncio.to_thread(self._reader.run, lambda sql, names: _head(sql))

    async def read(
        self, after: int, until: int, channels: Sequence[str], what: Sequence[Happening], limit: int
    ) -> FeedPage:
        return await asyncio.to_thread(
            self._reader.run, lambda sql, names: _read(sql, names, after, until, channels, what, limit)
        )

    async def save(self, reader: str, place: FeedPlace) -> None:
        await self._writer.perform(lambda transaction: _save(transaction, reader, place))

    async def readers(self) -> list[str]:
        query = sa.select(_reader.name).order_by(_reader.name)
        return await asyncio.to_thread(self._reader.run, lambda sql, names: list(sql.scalars(query)))

    async def forget(self, readers: Sequence[str]) -> None:
        await self._writer.perform(lambda transaction: _forget(transaction, readers))


# ------------------------------------------------------------------ readers and their places
def _head(sql: sa.Connection) -> int:
    return int(sql.execute(HEAD).scalar() or 0)


def _open(transaction: Transaction, reader: str, channels: Sequence[str]) -> FeedPlace:
    sql = transaction.session.sql
    numbers = sorted({transaction.number(name) for name in channels}) or [ALL]
    sql.execute(feed_wanted.delete().where(_wanted.reader == reader))
    sql.execute(feed_wanted.insert(), [{"reader": reader, "channel": number} for number in numbers])
    row = sql.execute(sa.select(_reader.number, _reader.state).where(_reader.name == reader)).first()
    if row is not None:
        return FeedPlace(row.number, row.state)
    number = _head(sql)
    sql.execute(feed_readers.insert().values(name=reader, number=number))
    return FeedPlace(number)


def _save(transaction: Transaction, reader: str, place: FeedPlace) -> None:
    sql = transaction.session.sql
    here = _reader.name == reader
    sql.execute(feed_readers.update().where(here).values(number=place.number, state=place.state))
    _drop_read(sql)


def _drop_read(sql: sa.Connection) -> None:
    least = sql.execute(sa.select(sa.func.min(_reader.number))).scalar()
    sql.execute(feed.delete().where(_of.number <= least) if least is not None else feed.delete())


def _forget(transaction: Transaction, readers: Sequence[str]) -> None:
    sql = transaction.session.sql
    sql.execute(feed_wanted.delete().where(_wanted.reader.in_(readers)))
    sql.execute(feed_readers.delete().where(_reader.name.in_(readers)))
    _drop_read(sql)


# ------------------------------------------------------------------ reading
def _read(
    sql: sa.Connection,
    names: Names,
    after: int,
    until: int,
    channels: Sequence[str],
    what: Sequence[Happening],
    limit: int,
) -> FeedPage:
    query = sa.select(feed).where(_of.number > after, _of.number <= until, _of.what.in_(what))
    if channels:
        known = [number for number in (names.known(sql, name) for name in channels) if number is not None]
        query = query.where(_of.channel.in_(known))
    rows = sql.execute(query.order_by(_of.number).limit(limit)).all()
    last = rows[-1].number if len(rows) == limit else max(until, after)
    return FeedPage(_Entries(sql, names, rows).entries(), last)


class _Entries:
    """What the rows of one page speak of, found with a few queries for all of them."""

    def __init__(self, sql: sa.Connection, names: Names, rows: Sequence[Any]) -> None:
        self._sql, self._names, self._rows = sql, names, rows
        ids = sorted({row.message_id for row in rows})
        self._messages = {row.id: row for row in self._many(_messages(ids))}
        self._deliveries = {(row.message_id, row.id): row for row in self._many(_deliveries(ids))}
        self._documents: defaultdict[int, list[Any]] = defaultdict(list)
        for row in self._many(_documents(ids)):
            self._documents[row.message_id].append(row)

    def _many(self, query: sa.Select[Any]) -> Iterable[Any]:
        return self._sql.execute(query).all()

    def entries(self) -> list[FeedEntry]:
        """Without those whose message is gone."""
        return [self._entry(row) for row in self._rows if row.message_id in self._messages]

    def _entry(self, row: Any) -> FeedEntry:
        message = self._messages[row.message_id]
        attributes = attributes_of(message.attributes)
        origin_id = parse_id(attributes["origin"]) if "origin" in attributes else row.message_id
        what = Happening(row.what)
        delivery = self._deliveries.get((row.message_id, row.part)) if what in _OF_DELIVERIES else None
        return FeedEntry(
            number=row.number,
            what=what,
            at_micros=row.at,
            channel=self._names.name(self._sql, row.channel),
            message_id=row.message_id,
            origin_id=origin_id,
            correlation_id=message.correlation or id_text(row.message_id),
            code=row.code,
            documents=self._made(row, origin_id) if what is Happening.MADE else self._sent(row.message_id, delivery),
            delivery=None if delivery is None else self._delivery(what, delivery),
            attributes=attributes,
        )

    def _delivery(self, what: Happening, row: Any) -> FedDelivery:
        """Of a HELD delivery the far side's number is unknown, whatever became of it later."""
        destination = self._names.name(self._sql, row.destination)
        if what is not Happening.DELIVERED:
            return FedDelivery(destination, row.idempotency_key)
        return FedDelivery(destination, row.idempotency_key, row.reference, self._was_delivered(row))

    def _was_delivered(self, row: Any) -> bool:
        d, done = deliveries.c, sa.text("deliveries.state = 3")  # in the words of the partial index
        query = sa.select(d.id).where(d.idempotency_key == row.idempotency_key, d.id < row.id, done).limit(1)
        return self._sql.execute(query).first() is not None

    def _made(self, row: Any, origin_id: int) -> list[FedDocument]:
        """Documents of one run, each with whether an earlier run or message of the family made it."""
        of_run = [one for one in self._documents[row.message_id] if one.position // RUN == row.part]
        before: set[tuple[str, str]] = set()
        if row.part or origin_id != row.message_id:
            before = {
                (one.kind, one.natural_key)
                for one in self._documents[row.message_id]
                if one.position // RUN < row.part and one.kind is not None
            } | self._made_by_family(row.message_id, origin_id)
        return [_document(one, (one.kind, one.natural_key) in before) for one in of_run if _is_whole(one)]

    def _made_by_family(self, message_id: int, origin_id: int) -> set[tuple[str, str]]:
        """Kinds and keys of documents that the origin and its earlier replays made."""
        family, new = {origin_id}, [origin_id]
        while new and len(family) < _FAMILY:
            found = self._sql.scalars(sa.select(messages.c.id).where(messages.c.parent.in_(new)))
            new = [one for one in found if one < message_id and one not in family]
            family.update(new)
        family.discard(message_id)
        query = sa.select(documents.c.kind, documents.c.natural_key).where(
            documents.c.message_id.in_(family), documents.c.kind.is_not(None)
        )
        return {(kind, key) for kind, key in self._sql.execute(query)}

    def _sent(self, message_id: int, delivery: Any) -> list[FedDocument]:
        if delivery is None:
            return []
        found = (one for one in self._documents[message_id] if one.position == delivery.document)
        return [_document(one, False) for one in found if _is_whole(one)]


def _is_whole(row: Any) -> bool:
    """Canonical, and as it was written; a broken one is found and HELD by whoever delivers it."""
    return row.kind is not None and intact(row.body, row.digest)


def _document(row: Any, repeated: bool) -> FedDocument:
    return FedDocument(row.position % RUN, row.kind, row.natural_key or "", bytes(row.body), repeated)


def _messages(ids: Sequence[int]) -> sa.Select[Any]:
    joined = sa.select(messages.c.id, messages.c.correlation, bodies.c.attributes).join(
        bodies, bodies.c.message_id == messages.c.id
    )
    return joined.where(messages.c.id.in_(ids))


def _documents(ids: Sequence[int]) -> sa.Select[Any]:
    d = documents.c
    body = sa.func.coalesce(d.body, bodies.c.body).label("body")
    query = sa.select(d.message_id, d.position, d.kind, d.natural_key, d.digest, body)
    query = query.join(bodies, bodies.c.message_id == d.message_id).where(d.message_id.in_(ids), d.kind.is_not(None))
    return query.order_by(d.message_id, d.position)


def _deliveries(ids: Sequence[int]) -> sa.Select[Any]:
    d = deliveries.c
    columns = (d.message_id, d.id, d.destination, d.document, d.idempotency_key, d.reference)
    return sa.select(*columns).where(d.message_id.in_(ids))
