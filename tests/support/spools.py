"""The spool of doors in memory."""

from __future__ import annotations

from engine.core.errors import StoreError
from engine.ports.spool import Spooled


class MemorySpool:
    """`engine.ports.spool.Spool`; it outlives the door that uses it. Set `is_down` to let the store fail."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], bytes] = {}
        self.is_down = False

    async def put(self, place: str, key: str, body: bytes) -> None:
        self._reach()
        self.kept[place, key] = body

    async def waiting(self, place: str) -> list[Spooled]:
        self._reach()
        return [Spooled(key, body) for (at, key), body in sorted(self.kept.items()) if at == place]

    async def remove(self, place: str, key: str) -> None:
        self._reach()
        self.kept.pop((place, key), None)

    def _reach(self) -> None:
        if self.is_down:
            raise StoreError("the store is down")
