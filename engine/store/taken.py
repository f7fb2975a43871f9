"""How far a destination has taken what its channel received."""

from __future__ import annotations

import sqlalchemy as sa

from engine.ports.states import DeliveryState, MessageState
from engine.store.names import Names
from engine.store.schema import deliveries, messages

_PARENT, _GRANDPARENT = messages.alias("parent"), messages.alias("grandparent")
_FROM = messages.outerjoin(_PARENT, _PARENT.c.id == messages.c.parent).outerjoin(
    _GRANDPARENT, _GRANDPARENT.c.id == _PARENT.c.parent
)
# An edited message, or a part of an interchange, counts from when its origin came.
_CAME = sa.func.coalesce(_GRANDPARENT.c.received, _PARENT.c.received, messages.c.received)
# In the words of the partial indexes.
_RECEIVED = sa.text(f"messages.state = {MessageState.RECEIVED:d} AND messages.state NOT IN (5, 6)")
_HELD = sa.text(f"messages.state = {MessageState.HELD:d} AND messages.state NOT IN (5, 6)")
_OPEN = sa.text("deliveries.state IN (1, 2)")
_WAITS = sa.text(f"deliveries.state = {DeliveryState.HELD:d}")


def oldest_not_taken(connection: sa.Connection, names: Names, channel: str, destination: str) -> int | None:
    """When the oldest message came that waits for its transform, or whose documents this destination has not taken,
    also when a person must decide first; microseconds. None: it has taken all."""
    here, there = names.known(connection, channel), names.known(connection, destination)
    of_it = (deliveries.c.channel == here) & (deliveries.c.destination == there)
    arrived = sa.exists().where(
        of_it, deliveries.c.message_id == messages.c.id, deliveries.c.state == int(DeliveryState.DELIVERED)
    )
    came = sa.select(sa.func.min(_CAME))
    waiting = (
        came.select_from(_FROM).where(messages.c.channel == here, _RECEIVED),
        came.select_from(_FROM).where(messages.c.channel == here, _HELD, ~arrived),
        *(
            came.select_from(_FROM.join(deliveries, deliveries.c.message_id == messages.c.id)).where(of_it, state)
            for state in (_OPEN, _WAITS)
        ),
    )
    found = [one for one in (connection.scalar(query) for query in waiting) if one is not None]
    return min(found, default=None)
