"""Source `events`: what happened in other channels, as CloudEvents 1.0 in JSON, one message each.

Read from the engine's own feed, which is written with what happened: none is lost, and the natural id makes what is
read again after a crash a duplicate. The first start tells of what happens from then on.
"""

from __future__ import annotations

import asyncio
from typing import cast

from engine.connectors.events.cloud import CloudEvents, IsLedger
from engine.connectors.events.feeding import accept_all, feed_of
from engine.connectors.events.settings import EventsSourceSettings
from engine.core.errors import StoreError
from engine.core.happenings import Happening
from engine.ports.connector import Accept, ConnectorContext, Health
from engine.ports.feed import FeedPage, FeedPlace

LEDGER = "is_ledger"
"""In `ConnectorContext.services`: whether a channel's destination is an ERP."""
_EVERYTHING = tuple(Happening)
_AT_ONCE = 200  # entries a page
_SAVE_AFTER = 1000  # entries; what is read again after a crash costs time, nothing else
_SAVE_SECONDS = 5.0
_LONGEST_PAUSE = 30.0


class EventsSource:
    """One reader of the feed."""

    def __init__(self, settings: EventsSourceSettings, context: ConnectorContext) -> None:
        self._settings, self._context = settings, context
        self._feed = feed_of(context.services, context.name)
        is_ledger = cast("IsLedger", context.services.get(LEDGER) or (lambda channel, destination: True))
        self._events = CloudEvents(settings, is_ledger)
        self._at = self._saved = 0
        self._saved_at = context.clock.monotonic()
        self._failures = 0
        self._open = False

    async def run(self, accept: Accept) -> None:
        while True:
            await asyncio.sleep(await self.look(accept))

    async def look(self, accept: Accept) -> float:
        """Tell what happened since. Returns seconds until the next look."""
        try:
            await self._look(accept)
        except StoreError as error:
            self._failures += 1
            if self._failures == 1:  # told once, not at every look
                self._tell("source_failed", {"error": error.code, "text": error.what})
        else:
            if self._failures:
                self._tell("source_recovered", {"failures": self._failures})
            self._failures = 0
        return float(min(self._settings.every.total_seconds() * 2**self._failures, _LONGEST_PAUSE))

    async def check(self) -> Health:
        """How far it is behind."""
        behind = max(await self._feed.head() - self._at, 0) if self._open else 0
        return Health(self._failures == 0, f"{behind} entries behind" if self._open else "not started")

    async def _look(self, accept: Accept) -> None:
        if not self._open:
            place = await self._feed.open(self._context.channel, self._settings.channels)
            self._at = self._saved = place.number
            self._open = True
        head = await self._feed.head()
        while self._at < head:
            page = await self._feed.read(self._at, head, self._settings.channels, _EVERYTHING, _AT_ONCE)
            await self._take(page, accept)
            self._at = page.last
            await self._save()
        await self._save()

    async def _take(self, page: FeedPage, accept: Accept) -> None:
        await accept_all(accept, [received for entry in page.entries for received in self._events.of(entry)])

    async def _save(self) -> None:
        now = self._context.clock.monotonic()
        if self._at - self._saved >= _SAVE_AFTER or (self._at > self._saved and now - self._saved_at >= _SAVE_SECONDS):
            await self._feed.save(self._context.channel, FeedPlace(self._at))
            self._saved, self._saved_at = self._at, now

    def _tell(self, name: str, facts: dict[str, object]) -> None:
        self._context.emit(name, self._context.channel, facts)
