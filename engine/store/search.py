"""Finding messages: always along an index, newest first. Counts come from the counters, never from counting."""

from __future__ import annotations

import sqlalchemy as sa

from engine.core.clock import to_micros
from engine.core.ids import parse_id
from engine.ports.journal import ChannelCount, MessageRow, Query
from engine.ports.states import MessageState
from engine.store.names import MESSAGES, Names
from engine.store.read import ROW, message_row
from engine.store.schema import counters, deliveries, inbox, keys, messages
from engine.store.schema import names as names_table

_FEW = 20_000  # so many QUEUED messages are found through their deliveries; more are everywhere and soon met
_AFTER_ALL = "\U0010ffff"


def search(connection: sa.Connection, names: Names, query: Query) -> list[MessageRow]:
    where = _conditions(connection, names, query)
    if where is None:
        return []
    rows = connection.execute(ROW.where(*where).order_by(messages.c.id.desc()).limit(query.limit))
    return [message_row(connection, names, row) for row in rows.all()]


def _conditions(connection: sa.Connection, names: Names, query: Query) -> list[sa.ColumnElement[bool]] | None:
    """None: nothing can match."""
    where = _time_conditions(query)
    if query.channel is not None:
        number = names.known(connection, query.channel)
        if number is None:
            return None
        where.append(messages.c.channel == number)
    if query.states:
        where.append(messages.c.state.in_([int(state) for state in query.states]))
        where += _queued_conditions(connection, query)
    if query.message_type is not None:
        where.append(messages.c.message_type == query.message_type)
    if query.correlation_id is not None:
        where.append(_correlation(query.correlation_id))
    if query.key is not None:
        where.append(messages.c.id.in_(_with_key(*query.key)))
    return where


def _time_conditions(query: Query) -> list[sa.ColumnElement[bool]]:
    """Ids sort by time, so a time range is a range of ids; the exact time is compared as well."""
    where: list[sa.ColumnElement[bool]] = []
    if query.since is not None:
        where.append(messages.c.received >= to_micros(query.since))
    if query.until is not None:
        where.append(messages.c.received < to_micros(query.until))
    if query.before_id is not None:
        where.append(messages.c.id < query.before_id)
    return where


def _correlation(correlation_id: str) -> sa.ColumnElement[bool]:
    given = messages.c.correlation == correlation_id
    try:
        return given | ((messages.c.id == parse_id(correlation_id)) & messages.c.correlation.is_(None))
    except ValueError:
        return given


def _queued_conditions(connection: sa.Connection, query: Query) -> list[sa.ColumnElement[bool]]:
    """A few QUEUED messages among millions of delivered ones are found through their open deliveries."""
    if set(query.states) != {MessageState.QUEUED}:
        return []
    queued = sum(one.count for one in counts(connection, Names()) if one.state == MessageState.QUEUED)
    if queued > _FEW:
        return []
    return [messages.c.id.in_(sa.select(deliveries.c.message_id).where(sa.text("deliveries.state IN (1, 2)")))]


def _with_key(name: str | None, value: str, prefix: bool) -> sa.CompoundSelect[tuple[int]]:
    """Ids of messages with this business key (any name: also with this natural id)."""
    every = (
        sa.select(names_table.c.id) if name is None else sa.select(names_table.c.id).where(names_table.c.name == name)
    )
    found = sa.select(keys.c.message_id).where(keys.c.name.in_(every), _matches(keys.c.value, value, prefix))
    if name is not None:
        return sa.union_all(found)
    scopes = sa.select(names_table.c.id)
    natural = sa.select(inbox.c.message_id).where(
        inbox.c.scope.in_(scopes), _matches(inbox.c.natural_id, value, prefix)
    )
    return sa.union_all(found, natural)


def _matches(column: sa.ColumnElement[str], value: str, prefix: bool) -> sa.ColumnElement[bool]:
    """A range, not LIKE: a range uses the index on both engines, and wildcards in a value mean themselves."""
    return (column >= value) & (column < value + _AFTER_ALL) if prefix else column == value


def counts(connection: sa.Connection, names: Names) -> list[ChannelCount]:
    total = sa.func.sum(counters.c.count)
    query = (
        sa.select(counters.c.channel, counters.c.state, total)
        .where(counters.c.destination == MESSAGES)
        .group_by(counters.c.channel, counters.c.state)
        .having(total != 0)
        .order_by(counters.c.channel, counters.c.state)
    )
    rows = connection.execute(query).all()
    return [ChannelCount(names.name(connection, channel), MessageState(state), int(n)) for channel, state, n in rows]


def queue_depths(connection: sa.Connection, names: Names) -> dict[tuple[str, str], int]:
    total = sa.func.sum(counters.c.count)
    query = (
        sa.select(counters.c.channel, counters.c.destination, total)
        .where(counters.c.destination != MESSAGES, counters.c.state.in_((1, 2)))
        .group_by(counters.c.channel, counters.c.destination)
        .having(total != 0)
    )
    rows = connection.execute(query).all()
    return {(names.name(connection, a), names.name(connection, b)): int(n) for a, b, n in rows}
