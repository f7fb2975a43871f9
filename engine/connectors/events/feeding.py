"""What sources that read the engine's own feed share."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from engine.channel.model import ChannelModel
from engine.core.errors import ConfigurationError
from engine.ports.connector import Accept, Received
from engine.ports.feed import SERVICE, Feed
from engine.ports.journal import Journal

READERS = frozenset({"events", "window"})
"""Types of sources that read the feed, under their channel's name."""
_BACKLOG_PAUSE = 0.05  # seconds
_AT_ONCE = 200  # messages handed in together: they share the journal's next flush


def feed_of(services: Mapping[str, Any], where: str) -> Feed:
    """Raises ConfigurationError: there is no journal here."""
    feed = services.get(SERVICE)
    if feed is None:
        raise ConfigurationError("there is no journal to read from", where=where, remedy="run it in an engine")
    return cast("Feed", feed)


async def keep_readers(feed: Feed, journal: Journal, channels: Iterable[ChannelModel]) -> None:
    """Before channels start: a new reader misses nothing of what they do first, and one that is gone costs nothing.

    Channels that are not enabled keep their place: nothing is lost while one is switched off for a while.
    """
    reading = {one.channel: one for one in channels if one.source.type in READERS}
    known = set(await feed.readers())
    for name in sorted(reading.keys() - known):
        named = reading[name].source.settings.get("channels") or ()
        if reading[name].enabled:
            await feed.open(name, tuple(map(str, named)))
    if gone := known - reading.keys():
        gone -= {row.channel for row in await journal.revisions() if row.active}  # not on disk, but deployed
    if gone:
        await feed.forget(sorted(gone))


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
