"""Up to when the feeds of the process have told everything: never further than what was taken.

A feed has passed a moment when all that its channel received up to then was taken by the process's destination: what is
queued, waits for a retry or is held by a person keeps it where it is. See engine/channel/feeds.py.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from engine.channel.feeds import LEAST_LAG, Feed, feeds_of
from engine.channel.model import ChannelModel
from engine.core.clock import Clock, from_micros, to_micros
from engine.flow.meter import Emit
from engine.ports.connector import Source

log = logging.getLogger("isthmus.feeds")

LOOK_SECONDS = 5.0
_LOOKS = 500  # of one channel that are remembered while something of an earlier one is not taken
_CHECK_SECONDS = 10.0
_HELD_UP = timedelta(minutes=15)  # beyond its lag: then people are told


class Run(Protocol):
    """A channel, as this needs it."""

    @property
    def state(self) -> str: ...

    @property
    def model(self) -> ChannelModel | None: ...

    @property
    def source(self) -> Source | None: ...


class TakenUpTo(Protocol):
    """The journal, as this needs it."""

    async def oldest_not_taken(self, channel: str, destination: str) -> int | None: ...


class Watermarks(Protocol):
    """The process's records, as this needs them."""

    async def set_watermark(self, source: str, until_micros: int) -> None: ...


class Looks:
    """What sources tell of their complete looks into a system; `ConnectorContext.services["looks"]`."""

    def __init__(self) -> None:
        self._looks: dict[str, deque[tuple[datetime, datetime]]] = {}

    def expect(self, channel: str) -> None:
        """The channel's source looks: without a complete look nothing is promised."""
        self._looks.setdefault(channel, deque(maxlen=_LOOKS))

    def complete(self, channel: str, began: datetime, ended: datetime) -> None:
        """All that was there at `began` was received by `ended`, or earlier."""
        self.expect(channel)
        self._looks[channel].append((began, ended))

    def looks(self, channel: str) -> bool:
        return channel in self._looks

    def until(self, channel: str, taken_before: datetime) -> datetime | None:
        """The beginning of the newest look of which everything was taken: what came before a moment."""
        taken = [began for began, ended in self._looks[channel] if ended < taken_before]
        return taken[-1] if taken else None


class Progress:
    """How far each feed is; one that is held up is told to people, for the process waits with it.

    Args:
        since: who has told nothing yet is behind since then.
    """

    def __init__(self, since: datetime, emit: Emit | None) -> None:
        self._since, self._emit = since, emit
        self._told: dict[tuple[str, str], datetime] = {}
        self.notices: tuple[str, ...] = ()

    def note(self, marks: Mapping[Feed, datetime | None], now: datetime) -> None:
        self.notices = tuple(notice for feed, mark in marks.items() if (notice := self._look(feed, mark, now)))

    def _look(self, feed: Feed, mark: datetime | None, now: datetime) -> str | None:
        place = feed.channel, feed.destination
        if mark is not None:
            self._told[place] = max(mark, self._told.get(place, mark))
        told = self._told.get(place)
        behind, sources = now - (told or self._since), ", ".join(feed.sources)
        if self._emit is not None:
            facts = {"destination": feed.destination, "sources": sources, "seconds": int(behind.total_seconds())}
            self._emit("feed_looked_at", feed.channel, facts)
        if behind <= feed.lag + _HELD_UP:
            return None
        until = f"only up to {told:%Y-%m-%d %H:%M} UTC" if told else "nothing yet"
        return f"{feed.channel} has told the process {until} of {sources}: what is missing is waited for"


class FeedKeeper:
    """Runs until cancelled; an engine that owns the journal has one."""

    def __init__(
        self,
        runs: Callable[[], Mapping[str, Run]],
        journal: TakenUpTo,
        records: Watermarks,
        looks: Looks,
        clock: Clock,
        emit: Emit | None = None,
    ) -> None:
        self._runs, self._journal, self._records, self._looks, self._clock = runs, journal, records, looks, clock
        self._serving_since: dict[str, datetime] = {}
        self._progress = Progress(clock.now(), emit)

    @property
    def notices(self) -> tuple[str, ...]:
        """Feeds that are held up, a sentence for people each."""
        return self._progress.notices

    async def run(self) -> None:
        while True:
            try:
                await self.look()
            except Exception as error:  # a store that is away is asked again at the next look
                log.error("feeds were not looked at: %s", type(error).__name__)
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Move each source's watermark to where the slowest of its feeds is."""
        marks: defaultdict[str, list[datetime | None]] = defaultdict(list)
        found: dict[Feed, datetime | None] = {}
        for run in list(self._runs().values()):
            for feed in () if run.model is None else feeds_of(run.model):
                found[feed] = mark = await self._mark(feed, run)
                for source in feed.sources:
                    marks[source].append(mark)
        self._progress.note(found, self._clock.now())
        for source, told in marks.items():
            known = [one for one in told if one is not None]
            if len(known) == len(told):
                await self._records.set_watermark(source, to_micros(min(known)))

    async def _mark(self, feed: Feed, run: Run) -> datetime | None:
        """None: nothing can be promised now."""
        now = self._clock.now()  # before the journal is asked: what comes meanwhile is later
        if self._looks.looks(feed.channel):
            until = self._looks.until(feed.channel, await self._taken_before(feed, now))
            return None if until is None else until - feed.lag
        since = await self._since(feed.channel, run, now)
        lag = max(feed.lag, LEAST_LAG)
        if since is None or now - since < lag:
            return None  # what its senders kept while the door was shut is still on its way
        return await self._taken_before(feed, now) - lag

    async def _taken_before(self, feed: Feed, now: datetime) -> datetime:
        oldest = await self._journal.oldest_not_taken(feed.channel, feed.destination)
        return now if oldest is None else min(now, from_micros(oldest))

    async def _since(self, channel: str, run: Run, now: datetime) -> datetime | None:
        """Since when the door has been open without a break, as far as it was looked at."""
        if not await _serves(run):
            self._serving_since.pop(channel, None)
            return None
        return self._serving_since.setdefault(channel, now)


async def _serves(run: Run) -> bool:
    """A paused channel still receives; what it received is not taken, which holds the mark by itself."""
    if run.state not in ("running", "paused") or run.source is None:
        return False
    try:
        async with asyncio.timeout(_CHECK_SECONDS):
            return (await run.source.check()).ok
    except Exception:  # a far side that cannot be asked promises nothing
        return False
