"""Finding messages: always along an index, newest first. Counts come from the counters, never from counting."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from engine.core.clock import to_micros
from engine.core.ids import first_id_at, parse_id
from engine.ports.journal import ChannelCount, MessageRow, Query
from engine.ports.states import MessageState
from engine.store.checksum import indexable
from engine.store.names import MESSAGES, Names
from engine.store.read import ROW, message_row
from engine.store.schema import counters, deliveries, inbox, keys, messages
from engine.store.schema import names as names_table

_FEW = 20_000  # messages in the wanted states; collecting and sorting these takes some milliseconds
_SLACK = timedelta(days=1)
_AFTER_ALL = "\U0010ffff"


def search(connection: sa.Connection, names: Names, query: Query) -> list[MessageRow]:
    statement = search_statement(connection, names, query)
    rows = [] if statement is None else connection.execute(statement).all()
    return [message_row(connection, names, row) for row in rows]


def search_statement(connection: sa.Connection, names: Names, query: Query) -> sa.Select[Any] | None:
    """None: nothing can match."""
    where = _conditions(connection, names, query)
    if where is None:
        return None
    return ROW.where(*where).order_by(messages.c.id.desc()).limit(query.limit)


def _conditions(connection: sa.Connection, names: Names, query: Query) -> list[sa.ColumnElement[bool]] | None:
    where = _time_conditions(query)
    if query.channel is not None:
        number = names.known(connection, query.channel)
        if number is None:
            return None
        where.append(messages.c.channel == number)
    if query.states:
        where += _state_conditions(connection, query)
    if query.message_type is not None:
        where.append(messages.c.message_type == query.message_type)
    if query.correlation_id is not None:
        where.append(_correlation(query.correlation_id))
    if query.key is not None:
        where.append(messages.c.id.in_(_with_key(*query.key)))
    return where


def _time_conditions(query: Query) -> list[sa.ColumnElement[bool]]:
    """Ids sort by time, so a time range is a range of ids, give or take a clock set back; then the exact time."""
    where: list[sa.ColumnElement[bool]] = []
    if query.since is not None:
        where.append(messages.c.id >= first_id_at(query.since - _SLACK))
        where.append(messages.c.received >= to_micros(query.since))
    if query.until is not None:
        where.append(messages.c.id < first_id_at(query.until + _SLACK))
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


def _state_conditions(connection: sa.Connection, query: Query) -> list[sa.ColumnElement[bool]]:
    """A few messages in a state, among millions that are not, are found through the partial indexes; where there are
    many, the walk from the newest soon meets enough of them."""
    wanted = {int(state) for state in query.states}
    where: list[sa.ColumnElement[bool]] = [messages.c.state.in_(sorted(wanted))]
    if MessageState.DELIVERED in wanted or _how_many(connection, wanted) > _FEW:
        return where
    few = []
    if waiting := sorted(wanted - {MessageState.QUEUED}):
        # Literally the words of the partial index, without which no planner uses it.
        partial = sa.text("m.state NOT IN (5, 6)")
        few.append(sa.select(_m.c.id).where(_m.c.state.in_(waiting), partial))
    if MessageState.QUEUED in wanted:
        few.append(sa.select(deliveries.c.message_id).where(sa.text("deliveries.state IN (1, 2)")))
    return [*where, messages.c.id.in_(sa.union_all(*few))]


_m = messages.alias("m")


def _how_many(connection: sa.Connection, states: set[int]) -> int:
    query = sa.select(sa.func.sum(counters.c.count)).where(counters.c.destination == MESSAGES)
    return int(connection.execute(query.where(counters.c.state.in_(sorted(states)))).scalar() or 0)


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
    if not prefix:
        return column == indexable(value)
    return (column >= value) & (column < value + _AFTER_ALL)


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
