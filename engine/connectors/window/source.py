"""Source `window`: sums of what other channels made in a stretch of time, each document in exactly one message.

At the end of a window its closing is noted in the journal, then told, then noted as done. What is cut short by a
crash is carried out again with the same result, which the natural ids make duplicates. The first start sums what is
made from then on; a document that is made again (a replay, a resend through the transform) is not summed twice.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

from engine.connectors.events.feeding import accept_all, feed_of
from engine.connectors.window.closing import Closing, Fate, Progress, fate
from engine.connectors.window.settings import WindowSourceSettings
from engine.connectors.window.sums import Sums, decoded
from engine.core.clock import from_micros
from engine.core.errors import ConfigurationError, StoreError
from engine.core.happenings import Happening
from engine.ports.connector import Accept, ConnectorContext, Health
from engine.ports.feed import FeedEntry, FeedPlace

_AT_ONCE = 500  # entries a page
_LONGEST_PAUSE, _SHORTEST_PAUSE = 1.0, 0.05  # seconds: so late is a clock that was set noticed
_TRY_AGAIN_AFTER = 1.0  # seconds, when the store refuses


class WindowSource:
    """Closes windows as their time comes."""

    def __init__(self, settings: WindowSourceSettings, context: ConnectorContext) -> None:
        if context.channel in settings.channels:
            raise ConfigurationError(
                "a window cannot sum its own documents", where=context.name, remedy="take it out of channels"
            )
        self._settings, self._context = settings, context
        self._feed, self._grid = feed_of(context.services, context.name), settings.grid()
        self._place: FeedPlace | None = None
        self._failures = 0

    async def run(self, accept: Accept) -> None:
        while True:
            await asyncio.sleep(await self.look(accept))

    async def look(self, accept: Accept) -> float:
        """Close what is due. Returns seconds until the next look."""
        try:
            await self._look(accept)
        except StoreError as error:
            self._failures += 1
            if self._failures == 1:  # told once, not at every look
                self._tell("source_failed", {"error": error.code, "text": error.what})
            return _TRY_AGAIN_AFTER
        if self._failures:
            self._tell("source_recovered", {"failures": self._failures})
        self._failures = 0
        return self._pause()

    async def check(self) -> Health:
        end = self._grid.window_at(self._context.clock.now()).end
        return Health(self._failures == 0, f"the window ends at {end.isoformat()}")

    def _tell(self, name: str, facts: dict[str, object]) -> None:
        self._context.emit(name, self._context.channel, facts)

    def _pause(self) -> float:
        due = self._grid.window_at(self._last_moment()).end + self._settings.wait
        left = (due - self._context.clock.now()).total_seconds()
        return min(max(left, _SHORTEST_PAUSE), _LONGEST_PAUSE)

    def _last_moment(self) -> datetime:
        """Of what is to be closed by now: windows that end at or before it."""
        return self._context.clock.now() - self._settings.wait

    # ------------------------------------------------------------------ closings
    async def _look(self, accept: Accept) -> None:
        place = self._place or await self._open()
        progress = Progress.of(place.state or "")
        if progress.pending is None:
            until = self._grid.window_at(self._last_moment()).start
            if until <= progress.done.until:
                return
            # The number is asked for after the time: what is committed later is late, and nothing is in between.
            pending = Closing(until, max(await self._feed.head(), progress.cut))
            progress = Progress.after(progress.done, pending)
            await self._save(FeedPlace(place.number, progress.text()))
        await self._close(place.number, progress, accept)

    async def _open(self) -> FeedPlace:
        place = await self._feed.open(self._context.channel, self._settings.channels)
        if place.state is None:
            start = Closing(self._grid.window_at(self._context.clock.now()).start, place.number)
            place = FeedPlace(place.number, Progress.after(start).text())
            await self._save(place)
        self._place = place
        return place

    async def _save(self, place: FeedPlace) -> None:
        await self._feed.save(self._context.channel, place)
        self._place = place

    async def _close(self, read: int, progress: Progress, accept: Accept) -> None:
        """Carry out the closing that is noted. `read`: nothing up to this number is outstanding."""
        now = progress.pending
        assert now is not None
        sums, stays = Sums(self._settings, now.cut), now.cut
        after = read
        while after < now.cut:
            page = await self._feed.read(after, now.cut, self._settings.channels, (Happening.MADE,), _AT_ONCE)
            for entry in page.entries:
                if self._add(entry, progress.done, now, sums):
                    stays = min(stays, entry.number - 1)
            after = page.last
            await asyncio.sleep(0)
        await accept_all(accept, list(sums.messages()))
        await self._save(FeedPlace(stays, Progress.after(now).text()))

    def _add(self, entry: FeedEntry, before: Closing, now: Closing, sums: Sums) -> bool:
        """Whether something of it stays for a later closing."""
        stays = False
        for document in entry.documents:
            if document.kind != self._settings.kind or document.repeated:
                continue
            body = decoded(document.body)
            at = self._time(body, from_micros(entry.at_micros))
            what = fate(entry.number, at, before, now)
            stays |= what is Fate.LATER
            if what in (Fate.NOW, Fate.LATE):
                late = what is Fate.LATE and self._settings.late == "own"
                moment = before.until if what is Fate.LATE and not late else at
                sums.add(self._grid.window_at(moment), late, entry.message_id, document, body)
        return stays

    def _time(self, body: Any, made: datetime) -> datetime:
        """When it happened, as the document says it, but never after it was made."""
        if self._settings.time is None:
            return made
        told: Any = body
        for step in self._settings.time.split("."):
            told = told.get(step) if isinstance(told, dict) else None
        try:
            moment = datetime.fromisoformat(told) if isinstance(told, str) else made
            if moment.tzinfo is None:
                return made
            return max(min(moment, made), _EARLIEST)
        except (ValueError, OverflowError):
            return made


_EARLIEST = from_micros(0)
