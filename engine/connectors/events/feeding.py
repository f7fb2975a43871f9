"""What sources that read the engine's own feed share."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, cast

from engine.core.errors import ConfigurationError
from engine.ports.connector import Accept, Received
from engine.ports.feed import SERVICE, Feed

_BACKLOG_PAUSE = 0.05  # seconds
_AT_ONCE = 200  # messages handed in together: they share the journal's next flush


def feed_of(services: Mapping[str, Any], where: str) -> Feed:
    """Raises ConfigurationError: there is no journal here."""
    feed = services.get(SERVICE)
    if feed is None:
        raise ConfigurationError("there is no journal to read from", where=where, remedy="run it in an engine")
    return cast("Feed", feed)


async def accept_all(accept: Accept, received: Sequence[Received]) -> None:
    """Return when all are durable, in order.

    Raises:
        StoreError: some are not; those that are will be duplicates.
    """
    for start in range(0, len(received), _AT_ONCE):
        while accept.backlogged:
            await asyncio.sleep(_BACKLOG_PAUSE)
        told = await asyncio.gather(*map(accept, received[start : start + _AT_ONCE]), return_exceptions=True)
        for one in told:
            if isinstance(one, BaseException):
                raise one
