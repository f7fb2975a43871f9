"""The connector contract of source `erp_orders`, with an ERP in memory, and its own rules."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.canonical import PurchaseOrder
from engine.connectors.erp_orders import ErpOrdersSettings, ErpOrdersSource
from engine.core.errors import StoreError
from engine.ports.connector import ConnectorContext
from engine.telemetry import Event
from engine.telemetry.named import named
from tests.support import tryton
from tests.support.connector_contract import Answer, Door, SourceHarness, source_contract
from tests.support.connector_doubles import Clock, context
from tests.support.erp_double import Adapters, ErpDouble

_NO_PEER = "the ERP is asked: nobody connects and nobody sends bodies"


def stocked_double() -> ErpDouble:
    double = ErpDouble()
    for master in (tryton.supplier(), tryton.item()):
        double._keep(master)
    return double


class Buyer:
    """A user of the ERP who confirms an order."""

    def __init__(self, harness: OrdersHarness) -> None:
        self.harness = harness

    async def send(self, body: bytes) -> Answer:
        asked, stored = self.harness.door.asked, len(self.harness.door.stored)
        order = tryton.order()
        await self.harness.double.post(order, order.natural_key)
        while len(self.harness.door.stored) == stored:
            await asyncio.sleep(0.01)
            if self.harness.door.failure is not None and self.harness.door.asked > asked:
                return Answer.SILENT
        return Answer.ACCEPTED

    async def close(self) -> None:
        """A buyer holds nothing."""


class OrdersHarness(SourceHarness):
    type = "erp_orders"
    exempt = dict.fromkeys(("repeat", "conflict", "oversize", "protocol", "tls", "store_failure"), _NO_PEER)

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.double = stocked_double()

    def settings(self) -> dict[str, Any]:
        return {"connection": "finance", "every": "500ms"}

    def context(self) -> ConnectorContext:
        return context(self.folder, clock=_now(), services={"erp_adapters": Adapters(self.double)})

    async def connect(self) -> Buyer:
        return Buyer(self)

    def message(self, key: str, text: str = "text", size: int = 0) -> bytes:
        return b""


TestErpOrdersContract = source_contract(OrdersHarness)


def _now() -> Clock:
    return Clock(datetime.now(UTC))


@pytest.fixture
def double() -> ErpDouble:
    return stocked_double()


def source_of(double: ErpDouble, folder: Path, clock: Clock | None = None, **settings: Any) -> ErpOrdersSource:
    surroundings = context(folder, clock=clock or _now(), services={"erp_adapters": Adapters(double)})
    return ErpOrdersSource(ErpOrdersSettings(connection="finance", **settings), surroundings)


async def test_each_order_is_taken_once(double: ErpDouble, tmp_path: Path) -> None:
    order = tryton.order()
    await double.post(order, order.natural_key)
    source, door = source_of(double, tmp_path), Door()
    for _ in range(3):
        await source.look(door)

    assert [PurchaseOrder.model_validate_json(r.body) for r in door.stored] == [order]
    assert door.stored[0].message_type == "PurchaseOrder"
    assert door.asked == 1


async def test_restarted_source_offers_the_same_bytes_under_the_same_id(double: ErpDouble, tmp_path: Path) -> None:
    order = tryton.order()
    await double.post(order, order.natural_key)
    door = Door()
    await source_of(double, tmp_path).look(door)
    await source_of(double, tmp_path).look(door)

    assert door.asked == 2
    assert len(door.stored) == 1


async def test_changed_order_is_taken_again(double: ErpDouble, tmp_path: Path) -> None:
    order = tryton.order()
    await double.post(order, order.natural_key)
    source, door = source_of(double, tmp_path), Door()
    await source.look(door)
    changed = order.model_copy(update={"notes": ("Deliver to dock 2",)})
    double.documents["PurchaseOrder", order.order_number] = (
        changed,
        double.documents["PurchaseOrder", order.order_number][1],
    )
    await source.look(door)

    assert len(door.stored) == 2
    assert len({r.natural_id for r in door.stored}) == 2


async def test_order_that_was_not_stored_is_offered_again(double: ErpDouble, tmp_path: Path) -> None:
    order = tryton.order()
    await double.post(order, order.natural_key)
    source, door = source_of(double, tmp_path), Door()
    door.failure = StoreError("disk full")
    await source.look(door)
    door.failure = None
    await source.look(door)

    assert len(door.stored) == 1


async def test_erp_that_is_down_is_asked_less_and_less_often(double: ErpDouble, tmp_path: Path) -> None:
    source, door = source_of(double, tmp_path, every=timedelta(seconds=10)), Door()
    double.reachable = False
    pauses = [await source.look(door) for _ in range(8)]
    double.reachable = True
    after = await source.look(door)

    assert pauses[:3] == [20.0, 40.0, 80.0]
    assert pauses[-1] == 300.0
    assert after == 10.0


async def test_orders_dated_long_ago_are_not_looked_at(double: ErpDouble, tmp_path: Path) -> None:
    order = tryton.order()
    await double.post(order, order.natural_key)
    clock = _now()
    clock.advance(timedelta(days=30))
    door = Door()
    await source_of(double, tmp_path, clock).look(door)

    assert door.stored == []


async def test_silence_of_the_erp_and_its_end_are_told_once(double: ErpDouble, tmp_path: Path) -> None:
    told: list[tuple[str, str, dict[str, object]]] = []
    services = {"erp_adapters": Adapters(double)}
    surroundings = context(tmp_path, clock=_now(), services=services, emit=lambda *event: told.append(event))
    source, door = ErpOrdersSource(ErpOrdersSettings(connection="finance"), surroundings), Door()
    for reachable in (True, False, False, False, True, True):
        double.reachable = reachable
        await source.look(door)
    lines: list[Event] = []
    for name, channel, facts in told:
        named(lines.append)(name, channel, facts)

    assert [type(line).__name__ for line in lines] == ["SourceFailed", "SourceRecovered"]
    assert [facts.get("failures") for _, _, facts in told] == [None, 3]
