"""Source `erp_reconciliation`: our books against the ERP's, as often as wanted; each time a ReconciliationReport.

source: {type: erp_reconciliation, connection: finance, every: 1d, months: 2}
destinations:
  - {name: process, type: procure, send: ReconciliationReport}

The process makes a case of each difference, with its cause, and closes it when a later comparison has it no more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Protocol, cast

from pydantic import Field

from engine.canonical import ReconciliationReport
from engine.channel.model import Duration, Settings
from engine.channel.policy_records import SystemName
from engine.connectors.erp import shared_adapter
from engine.core.errors import ConfigurationError, DestinationError, StoreError, TransportError
from engine.ports.connector import Accept, ConnectorContext, Health, Received
from engine.ports.erp import ReadsBooks
from engine.ports.ledger_view import LedgerEntry

BOOKS = "books"  # name in ConnectorContext.services
_AGAIN = timedelta(minutes=1)  # after a failure


class OurBooks(Protocol):
    """The process's books, as this needs them."""

    async def report(
        self, system: str, period: str, theirs: Sequence[LedgerEntry], at: datetime
    ) -> ReconciliationReport: ...


class ErpReconciliationSettings(Settings):
    """Which ERP, how often, and how many months."""

    connection: str = Field(min_length=1, description="Name in config/connections.yaml.", examples=["finance"])
    every: Duration = Field(default=timedelta(days=1), description="Pause between two comparisons.", examples=["1d"])
    months: int = Field(default=2, ge=1, le=24, description="This month and those before it.")
    system: SystemName = Field(default="erp", description="Its name in the answers of the `erp` destination.")


class ErpReconciliationSource:
    """Compares until cancelled; an ERP that is down is asked again a minute later."""

    def __init__(self, settings: ErpReconciliationSettings, context: ConnectorContext) -> None:
        self._settings, self._context = settings, context
        adapter = shared_adapter(context, settings.connection)
        if not isinstance(adapter, ReadsBooks):
            raise ConfigurationError("this ERP does not show its books", where=context.name)
        if context.services.get(BOOKS) is None:
            raise ConfigurationError("there is no process in this engine", where=context.name)
        self._adapter, self._check = adapter, adapter.check
        self._books = cast("OurBooks", context.services[BOOKS])
        self._failures = 0

    async def run(self, accept: Accept) -> None:
        while True:
            await asyncio.sleep(await self.look(accept))

    async def look(self, accept: Accept) -> float:
        """Compare every month once. Returns seconds until the next comparison."""
        now = self._context.clock.now()
        try:
            for period in months_until(now.date(), self._settings.months):
                await self._compare(period, now, accept)
        except (TransportError, DestinationError, StoreError) as error:
            self._failures += 1
            if self._failures == 1:  # told once, not at every look
                facts = {"error": error.code, "text": error.what}
                self._context.emit("source_failed", self._context.channel, dict(facts))
            return min(_AGAIN, self._settings.every).total_seconds()
        self._failures = 0
        return self._settings.every.total_seconds()

    async def _compare(self, period: str, now: datetime, accept: Accept) -> None:
        theirs = await self._adapter.book_entries("Invoice", period)
        report = await self._books.report(self._settings.system, period, theirs, now)
        natural_id = f"{report.natural_key}:{now.isoformat()}"
        await accept(Received(report.model_dump_json(exclude_none=True).encode(), natural_id, report.kind))

    async def check(self) -> Health:
        return await self._check()


def months_until(today: date, count: int) -> Iterator[str]:
    """The newest first."""
    first = today.replace(day=1)
    for _ in range(count):
        yield first.strftime("%Y-%m")
        first = (first - timedelta(days=1)).replace(day=1)
