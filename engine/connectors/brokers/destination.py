"""What every broker's destination does: one kept connection, opened anew when it was lost."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod

from engine.connectors.brokers.settings import Sent
from engine.core.errors import IsthmusError
from engine.ports.connector import ConnectorContext, Delivered, Health, Outbound, Semantics


class BrokerDestination(ABC):
    """Publishes with the broker's confirmation."""

    def __init__(self, policy: Sent, context: ConnectorContext) -> None:
        self._policy, self._context = policy, context
        self._opening = asyncio.Lock()

    @property
    def semantics(self) -> Semantics:
        """Brokers keep a repeat beside the first; only readers can tell them apart."""
        return Semantics.IDEMPOTENT if self._policy.deduplicated else Semantics.NEITHER

    @property
    def parallel(self) -> int:
        return self._policy.parallel

    async def inquire(self, outbound: Outbound) -> Delivered | None:
        """Never asked: no broker finds a message by our id."""
        return None

    async def check(self) -> Health:
        try:
            return Health(True, await self.look())
        except IsthmusError as error:
            return Health(False, f"{error.what} ({error.remedy})" if error.remedy else error.what)

    @abstractmethod
    async def send(self, outbound: Outbound) -> Delivered: ...

    @abstractmethod
    async def look(self) -> str:
        """Words for check(). Raises IsthmusError."""

    @abstractmethod
    async def close(self) -> None: ...
