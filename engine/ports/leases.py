"""Leases with fencing: which node owns a poller or an ordered key, when several nodes share one store."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

import msgspec


class Lease(msgspec.Struct, frozen=True):
    """Ownership of `name` until `expires_at`. `token` grows with every change of owner: the greater one is right."""

    name: str
    node: str
    token: int
    expires_at: datetime


class Leases(Protocol):
    async def acquire(self, name: str, node: str, ttl: timedelta) -> Lease | None:
        """Take a free or expired lease, or keep our own; None: another node holds it. Durable when it returns."""
        ...

    async def renew(self, lease: Lease, ttl: timedelta) -> Lease | None:
        """The same lease with a later end; None: it was lost, stop at once."""
        ...

    async def release(self, lease: Lease) -> None:
        """Let others take it at once. Nothing happens when it was lost already."""
        ...
