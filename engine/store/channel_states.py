"""What people set a channel to; it survives a restart."""

from __future__ import annotations

import sqlalchemy as sa

from engine.ports.states import DeliveryState
from engine.store.names import Names
from engine.store.schema import channel_states, deliveries
from engine.store.transaction import Transaction


def set_state(transaction: Transaction, channel: str, state: str) -> None:
    sql = transaction.session.sql
    sql.execute(channel_states.delete().where(channel_states.c.channel == channel))
    sql.execute(channel_states.insert().values(channel=channel, state=state))


def states(connection: sa.Connection, names: Names) -> dict[str, str]:
    return {row.channel: row.state for row in connection.execute(sa.select(channel_states))}


def held_order_keys(connection: sa.Connection, names: Names, channel: str, destination: str) -> set[str]:
    """Order keys with a HELD delivery: later deliveries of these keys wait behind it."""
    at = (names.known(connection, channel), names.known(connection, destination))
    held = sa.text(f"deliveries.state = {DeliveryState.HELD:d}")  # literally, so that the partial index is used
    query = sa.select(deliveries.c.order_key).distinct().where(held)
    query = query.where(deliveries.c.channel == at[0], deliveries.c.destination == at[1])
    return {key for key in connection.scalars(query) if key is not None}
