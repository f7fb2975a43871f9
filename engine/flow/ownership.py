"""One engine works on a journal at a time; others stand by and take over when its lease ends.

The owner renews its lease. One that could not (stopped, cut off, overloaded) sends nothing from the moment on at which
another may have taken over, and its commits fail: they check the lease in the database.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import timedelta

from engine.core.errors import StoreError
from engine.ports.leases import Lease, Leases

log = logging.getLogger("isthmus.flow")

NAME = "engine"
_LOOK_SECONDS = 1.0  # between two looks of one that stands by


class Ownership:
    """The lease of one node.

    Args:
        node: who asks, the same after a restart: its own lease it takes up again at once.
        attach: makes every commit depend on the lease.
        ttl: how long a lease lasts that is not renewed; so long a crash of the owner costs.
    """

    def __init__(self, leases: Leases, node: str, attach: Callable[[Lease], None], ttl: timedelta) -> None:
        self._leases, self._node, self._attach, self._ttl = leases, node, attach, ttl
        self._lease: Lease | None = None
        self._until = 0.0
        self.overtaken = asyncio.Event()

    @property
    def certain(self) -> bool:
        """No other node can have taken over yet, by this machine's clock."""
        return time.monotonic() < self._until

    async def take(self, standing_by: Callable[[], None]) -> None:
        """Return as the owner; `standing_by` is called once if that takes waiting."""
        told = False
        while not await self._acquired():
            if not told:
                standing_by()
                told = True
            await asyncio.sleep(_LOOK_SECONDS)

    async def _acquired(self) -> bool:
        asked = time.monotonic()
        try:
            self._lease = await self._leases.acquire(NAME, self._node, self._ttl)
        except StoreError as error:
            log.warning("the journal's lease could not be asked for: %s", error)
            return False
        if self._lease is None:
            return False
        self._attach(self._lease)
        self._hold_from(asked)
        return True

    def _hold_from(self, asked: float) -> None:
        # A tenth less than the lease: the clocks of two machines do not run alike.
        self._until = asked + self._ttl.total_seconds() * 0.9

    async def keep(self) -> None:
        """Renew until overtaken; `overtaken` is set then."""
        while await self._renewed():
            await asyncio.sleep(self._ttl.total_seconds() / 4)
        self._until = 0.0
        self.overtaken.set()

    async def _renewed(self) -> bool:
        assert self._lease is not None
        asked = time.monotonic()
        try:
            renewed = await self._leases.renew(self._lease, self._ttl)
        except StoreError as error:  # the database is away: nobody can take over there either, until it is back
            log.warning("the journal's lease could not be renewed: %s", error)
            return True
        if renewed is not None:
            self._hold_from(asked)
        return renewed is not None

    async def give_up(self) -> None:
        """Let another take over at once."""
        if self._lease is not None and not self.overtaken.is_set():
            try:
                await self._leases.release(self._lease)
            except StoreError as error:
                log.warning("the journal's lease could not be given up, it ends by itself: %s", error)
