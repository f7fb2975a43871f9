"""Was a message changed or repeated by a person on its way? Its ancestors in the journal tell.

A message of the same channel as its parent was edited or replayed from it; one of another channel was handed over.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from engine.ports.journal import MessageRow

RowOf = Callable[[int], Awaitable[MessageRow | None]]
_GENERATIONS = 20


async def is_retold(message_id: int, row_of: RowOf) -> bool:
    """True also for a message of which the journal knows nothing, or whose ancestors do not end."""
    row = await row_of(message_id)
    for _ in range(_GENERATIONS):
        if row is None:
            return True
        if row.parent_id is None:
            return False
        parent = await row_of(row.parent_id)
        if parent is not None and parent.channel == row.channel:
            return True
        row = parent
    return True
