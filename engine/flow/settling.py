"""Notes in the journal about deliveries: at once, gathered with others, or awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from engine.flow.gathering import Gathering
from engine.flow.meter import DeliveryMeter
from engine.ports.journal import Journal, Settlement

STORE_RETRY_SECONDS = 0.5

Noted = tuple[Settlement, Callable[[], None]]
"""A note, and what is to be called when it is on disk."""


class Settling:
    """The notes of one destination. A store that is away is tried again until it is back."""

    def __init__(self, journal: Journal, meter: DeliveryMeter) -> None:
        self._journal, self._meter = journal, meter
        self._gathering = Gathering[Noted](self._write_all)
        self.unwritten = 0

    def submit(self, settlement: Settlement, then: Callable[[], None]) -> None:
        """Write without waiting."""
        self.unwritten += 1
        self._write_all([(settlement, then)])

    def gather(self, settlement: Settlement, then: Callable[[], None], hurry: bool) -> None:
        """The same in a moment, together with what follows; `hurry`: now, with what was gathered so far."""
        self.unwritten += 1
        self._gathering.add((settlement, then), hurry)

    async def write(self, settlement: Settlement) -> None:
        """Return when it is on disk; raises what the store raises."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def done(error: Exception | None) -> None:
            if future.done():
                return
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)

        self._journal.settle((settlement,), done)
        await future

    async def write_surely(self, settlement: Settlement) -> None:
        """Return when it is on disk, however long that takes."""
        while True:
            try:
                return await self.write(settlement)
            except Exception as error:  # what it notes has happened: only the note is missing
                self._meter.store_failed(error)
                await asyncio.sleep(STORE_RETRY_SECONDS)

    def _write_all(self, notes: Sequence[Noted]) -> None:
        def done(error: Exception | None) -> None:
            if error is not None:
                self._meter.store_failed(error)
                asyncio.get_running_loop().call_later(STORE_RETRY_SECONDS, self._write_each, notes)
                return
            self.unwritten -= len(notes)
            for _, then in notes:
                then()

        self._journal.settle([settlement for settlement, _ in notes], done)

    def _write_each(self, notes: Sequence[Noted]) -> None:
        """Again, each alone: one that the database refuses must not keep the others from it."""
        for note in notes:
            self._write_all([note])
