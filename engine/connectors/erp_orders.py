"""Source `erp_orders`: purchase orders that the ERP's users confirmed, each as a canonical PurchaseOrder in JSON.

The natural id is the order number with a digest of its content: an order is taken once, and once more when it
changed. So there is no watermark to lose: after a restart the same orders are offered again and are duplicates.

Each complete look is told to the engine, so that the process knows up to when it has all orders: `tells_until` of the
channel's destination `procure`.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from hashlib import sha256

from pydantic import Field

from engine.canonical import PurchaseOrder
from engine.channel.model import Duration, Settings
from engine.connectors.erp import shared_adapter
from engine.connectors.looks import looks_of
from engine.core.errors import DestinationError, StoreError, TransportError
from engine.ports.connector import Accept, ConnectorContext, Health, Received

_SHORTEST_PAUSE = 0.5
_LONGEST_PAUSE = timedelta(minutes=5)


class ErpOrdersSettings(Settings):
    """Which ERP is asked, how often, and how far back."""

    connection: str = Field(min_length=1, description="Name in config/connections.yaml.", examples=["finance"])
    every: Duration = Field(default=timedelta(seconds=30), description="Pause between two looks.", examples=["30s"])
    look_back: Duration = Field(
        default=timedelta(days=14), description="Orders dated longer ago are not looked at.", examples=["14d"]
    )
    state: str | None = Field(
        default=None, description="Only orders in this state of the ERP; None: all confirmed ones.", examples=["done"]
    )


class ErpOrdersSource:
    """Looks into the ERP until cancelled. An ERP that is down is asked again, at longer and longer intervals."""

    def __init__(self, settings: ErpOrdersSettings, context: ConnectorContext) -> None:
        self._settings, self._context = settings, context
        self._adapter = shared_adapter(context, settings.connection)
        self._taken: dict[str, str] = {}  # order number to digest: spares the journal known duplicates
        self._failures = 0
        self._looks = looks_of(context)

    async def run(self, accept: Accept) -> None:
        while True:
            await asyncio.sleep(await self.look(accept))

    async def look(self, accept: Accept) -> float:
        """Take what is new. Returns seconds until the next look."""
        began = self._context.clock.now()
        since = (began - self._settings.look_back).date()
        try:
            for order in await self._adapter.purchase_orders(since, self._settings.state):
                await self._take(order, accept)
        except (TransportError, DestinationError, StoreError) as error:
            # nothing is lost: the orders stay in the ERP
            self._failures += 1
            if self._failures == 1:  # told once, not at every look
                self._tell("source_failed", {"error": error.code, "text": error.what})
            return self._pause()
        self._looks.complete(self._context.channel, began, self._context.clock.now())
        if self._failures:
            self._tell("source_recovered", {"failures": self._failures})
        self._failures = 0
        return self._pause()

    def _tell(self, name: str, facts: dict[str, object]) -> None:
        self._context.emit(name, self._context.channel, facts)

    async def check(self) -> Health:
        return await self._adapter.check()

    async def _take(self, order: PurchaseOrder, accept: Accept) -> None:
        body = order.model_dump_json(exclude_none=True).encode()
        digest = sha256(body).hexdigest()[:16]
        if self._taken.get(order.order_number) == digest:
            return
        attributes = {"order_number": order.order_number, "supplier_number": order.supplier_number}
        await accept(
            Received(
                body,
                natural_id=f"{order.order_number}:{digest}",
                message_type=order.kind,
                attributes=attributes,
            )
        )
        self._taken[order.order_number] = digest

    def _pause(self) -> float:
        usual = max(self._settings.every.total_seconds(), _SHORTEST_PAUSE)
        longest = max(_LONGEST_PAUSE.total_seconds(), usual)
        return float(min(usual * 2**self._failures, longest))
