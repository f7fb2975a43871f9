"""The connector contract of `schedule`: a clock is its peer, so most rules about peers do not apply."""

from __future__ import annotations

import asyncio
from typing import Any

from engine.core.clock import SystemClock
from engine.ports.connector import ConnectorContext
from tests.support.connector_contract import Answer, SourceHarness, source_contract
from tests.support.connector_doubles import context

_NO_PEER = "a clock sends no bodies and has no connection"


class Ticks:
    """The clock's next tick."""

    def __init__(self, harness: ScheduleHarness) -> None:
        self.harness = harness

    async def send(self, body: bytes) -> Answer:
        asked, stored = self.harness.door.asked, len(self.harness.door.stored)
        while len(self.harness.door.stored) == stored:
            await asyncio.sleep(0.01)
            if self.harness.door.failure is not None and self.harness.door.asked > asked:
                return Answer.SILENT
        return Answer.ACCEPTED

    async def close(self) -> None:
        """A clock holds nothing."""


class ScheduleHarness(SourceHarness):
    type = "schedule"
    exempt = dict.fromkeys(("repeat", "conflict", "oversize", "protocol", "tls", "store_failure"), _NO_PEER)

    def settings(self) -> dict[str, Any]:
        return {"every": "1s", "catch_up": "0s"}

    def context(self) -> ConnectorContext:
        return context(self.folder, clock=SystemClock())

    async def connect(self) -> Ticks:
        return Ticks(self)

    def message(self, key: str, text: str = "text", size: int = 0) -> bytes:
        return b""


TestScheduleContract = source_contract(ScheduleHarness)
