"""A destination that cannot be built yet (a secret or a certificate is missing): deliveries wait for it.

Receiving must not depend on a far side: what comes in is journalled and queued, and goes out once the trouble is
mended, without a restart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from engine.core.errors import ConfigurationError, TransportError
from engine.ports.connector import Delivered, Destination, Health, Outbound, Semantics


class LateDestination:
    """Tries to build the real one at each use; until then nothing arrives, and says why."""

    def __init__(self, build: Callable[[], Destination], parallel: int = 1) -> None:
        self._build, self._parallel = build, parallel
        self._real: Destination | None = None
        self._lock = asyncio.Lock()

    @property
    def semantics(self) -> Semantics:
        # Not known before it is built: then nothing was sent, so the careful answer costs nothing.
        return self._real.semantics if self._real is not None else Semantics.INQUIRABLE

    @property
    def parallel(self) -> int:
        return self._real.parallel if self._real is not None else self._parallel

    async def send(self, outbound: Outbound) -> Delivered:
        return await (await self._ready()).send(outbound)

    async def inquire(self, outbound: Outbound) -> Delivered | None:
        return await (await self._ready()).inquire(outbound)

    async def check(self) -> Health:
        try:
            real = await self._ready()
        except TransportError as error:
            return Health(False, str(error))
        return await real.check()

    async def close(self) -> None:
        if self._real is not None:
            await self._real.close()

    async def _ready(self) -> Destination:
        """Raises TransportError (certainly not sent) while it cannot be built."""
        async with self._lock:
            if self._real is None:
                try:
                    self._real = self._build()
                except ConfigurationError as error:
                    words = f"the destination cannot be set up: {error.what}"
                    raise TransportError(words, where=error.where, remedy=error.remedy) from None
            return self._real


def build_now_or_later(build: Callable[[], Destination]) -> Destination:
    """The destination, or one that waits until it can be built."""
    try:
        return build()
    except ConfigurationError:
        return LateDestination(build)
