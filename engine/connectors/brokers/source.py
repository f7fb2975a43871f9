"""What every broker's source does: sessions one after another, with pauses that grow while the server is gone."""

from __future__ import annotations

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from engine.connectors.brokers.settings import Taken
from engine.connectors.brokers.shared import Item, Reading, go_on
from engine.connectors.brokers.taking import Taking
from engine.core.errors import IsthmusError, TransportError
from engine.ports.connector import Accept, ConnectorContext, Health, Reason

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0  # seconds between sessions


class BrokerSource(ABC):
    """A member of a broker's group. Subclasses have `serve`, `close`, `acknowledge`, `dead_letter` and `look`."""

    def __init__(self, policy: Taken, context: ConnectorContext, nameless: str = "content") -> None:
        self._context, self._policy = context, policy
        self._reading = Reading(policy, context, nameless)
        self._failures = 0
        self.problem: str | None = None  # the last failure of server or store, for check()

    async def run(self, accept: Accept) -> None:
        """Serve until cancelled. A session ends with a lost server; what was not acknowledged comes again."""
        while True:
            try:
                await self._session(accept)
            except IsthmusError as error:
                self._failed(error)
            go_on()
            pause = min(_FIRST_PAUSE * 2 ** min(self._failures - 1, 12), _LONGEST_PAUSE)
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))

    async def check(self) -> Health:
        """Is the server there, does what we read from exist, may we read it."""
        try:
            text = await self.look()
        except IsthmusError as error:
            return Health(False, f"{error.what} ({error.remedy})" if error.remedy else error.what)
        return Health(self.problem is None, self.problem or text)

    async def _session(self, accept: Accept) -> None:
        taking = Taking(accept, self._reading, self, self._policy.parallel)
        tasks: list[asyncio.Task[Any]] = []
        try:
            await self.open()
            tasks = [asyncio.ensure_future(one) for one in (self.serve(taking), taking.settling())]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done():
                    task.result()
            raise TransportError("the session ended", where=self._context.name)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.close(taking.under_way)

    # -------------------------------------------------------------- the broker's own
    @abstractmethod
    async def open(self) -> None:
        """Connect, and find what we read from. Raises TransportError or ConfigurationError."""

    @abstractmethod
    async def serve(self, taking: Taking) -> None:
        """Take until the server is lost (TransportError)."""

    @abstractmethod
    async def close(self, under_way: Sequence[Item]) -> None:
        """Leave nothing; give back what is under way where that makes it come again sooner."""

    @abstractmethod
    async def acknowledge(self, items: Sequence[Item]) -> None:
        """As taking.Line says."""

    @abstractmethod
    async def dead_letter(self, item: Item, reason: Reason) -> None:
        """As taking.Line says."""

    @abstractmethod
    async def look(self) -> str:
        """Words for check(), over a connection of its own. Raises IsthmusError."""

    # -------------------------------------------------------------- telling
    def served(self) -> None:
        """The session stands."""
        if self._failures:
            self._context.emit("source_recovered", self._context.channel, {"failures": self._failures})
        self._failures, self.problem = 0, None

    def trouble(self, text: str | None) -> None:
        self.problem = text
        if text is not None:
            self._context.emit("source_failed", self._context.channel, {"error": "broker", "text": text})

    def _failed(self, error: IsthmusError) -> None:
        self.problem = f"{error.code}: {error.what}" + (f" ({error.remedy})" if error.remedy else "")
        self._failures += 1
        if self._failures == 1:  # told once, not at every try
            self._context.emit("source_failed", self._context.channel, {"error": error.code, "text": self.problem})
