"""Who did what to which message or setting, when and why. Append only; records are chained by digest."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

import msgspec


class AuditRecord(msgspec.Struct, frozen=True):
    """`subject` names the thing (`message 1M9K4…`, `channel stock_requisition`); `reason` is the person's."""

    number: int
    at: datetime
    who: str
    action: str
    subject: str
    reason: str | None
    digest: str


class Audit(Protocol):
    async def record(self, who: str, action: str, subject: str, reason: str | None = None) -> None:
        """Durable when it returns."""
        ...

    async def records(self, subject: str | None = None, limit: int = 100) -> list[AuditRecord]:
        """Newest first."""
        ...

    async def verify(self) -> int | None:
        """The number of the first record whose chain is broken (edited, deleted, inserted, reordered), or None."""
        ...
