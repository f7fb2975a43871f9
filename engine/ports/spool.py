"""Small things that a door still has to do, kept with the journal: whichever engine works on it next does them."""

from __future__ import annotations

from typing import Protocol

import msgspec

SPOOL = "spool"  # name of the service in a connector's context


class Spooled(msgspec.Struct, frozen=True):
    """One of them. `key` is the door's own name for it, and sorts by age."""

    key: str
    body: bytes


class Spool(Protocol):
    """`place` names the door: what one keeps, another never sees."""

    async def put(self, place: str, key: str, body: bytes) -> None:
        """Durable when it returns; the same key again takes the place of the one before.

        Raises:
            StoreError: nothing was kept.
        """
        ...

    async def waiting(self, place: str) -> list[Spooled]:
        """All that is kept, oldest first. Raises StoreError: the store cannot be read."""
        ...

    async def remove(self, place: str, key: str) -> None:
        """Nothing happens when it is gone already. Raises StoreError: it may still be there."""
        ...
