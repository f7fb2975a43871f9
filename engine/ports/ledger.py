"""The control-number ledger: which interchange numbers came in and went out, per partner, for ever."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import msgspec


class Claim(StrEnum):
    FIRST = "first"  # ours to process
    SAME = "same"  # the very same message again, after a crash: go on
    REPEATED = "repeated"  # another message with a number already seen: TA1 025, no business effect


class OutboundNumber(msgspec.Struct, frozen=True):
    """Numbers given to one outbound interchange with one group. `acknowledged`: None while waiting.

    `note` is the partner's codes and places, or while waiting why it is overdue.
    """

    partner: str
    number: int
    delivery_key: str
    transaction_set: str
    made_at: datetime
    acknowledged: str | None = None
    acknowledged_at: datetime | None = None
    note: str | None = None

    @property
    def state(self) -> str:
        """`waiting`, `overdue`, or what the partner said: `accepted`, `accepted_with_errors`, `rejected`."""
        return self.acknowledged or ("waiting" if self.note is None else "overdue")

    @property
    def message(self) -> str:
        """The id, as people see it, of the message that it was made of."""
        return self.delivery_key.partition(".")[0]


class ControlNumberLedger(Protocol):
    async def claim(self, partner: str, control_number: str, message_id: int, digest: bytes) -> Claim:
        """Record an inbound ISA13 of a partner. Durable when it returns; idempotent per message."""
        ...

    async def allocate(self, partner: str, delivery_key: str, transaction_set: str) -> OutboundNumber:
        """The number for this delivery: a new one the first time, the same one at every resend."""
        ...

    async def acknowledge(self, partner: str, number: int, outcome: str, note: str | None) -> OutboundNumber | None:
        """Note a 997 or TA1 for our number: `accepted`, `accepted_with_errors`, `rejected`. None: not ours."""
        ...

    async def unacknowledged(self, older_than: datetime) -> list[OutboundNumber]:
        """Oldest first; without our own acknowledgements (997, 999, TA1), which nobody acknowledges."""
        ...

    async def remark_overdue(self, partner: str, number: int, note: str) -> bool:
        """Note that it waits too long; True for the first call alone, on any node and after any restart."""
        ...

    async def of_deliveries(self, delivery_keys: Sequence[str]) -> list[OutboundNumber]:
        """The numbers that these deliveries were given; those that are no X12 have none."""
        ...

    async def outbound(self, partner: str | None = None, limit: int = 100) -> list[OutboundNumber]:
        """Newest first."""
        ...
