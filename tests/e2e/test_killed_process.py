"""kill -9 of the engine amid orders, receipts and invoices: the process decides as without it, and posts each once."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from engine.adapters.tryton.server import ErpServer
from engine.app import store_url
from engine.canonical import Item, Money, OrderLine, PurchaseOrder, Quantity, Supplier
from engine.channel.load import load_site
from engine.cli.demo import dock, edi
from engine.cli.demo.catalogue import SUPPLIERS, items_of
from engine.cli.demo.doors import FolderDoor, HttpDoor
from engine.cli.demo.workplace import Workplace, connect_erp, furnish, shipped_site
from engine.core.clock import SystemClock
from engine.ports.procure import Case, CaseQuery
from engine.store.open import open_store
from tests.support import tryton
from tests.support.engine_process import EngineProcess

pytestmark = [pytest.mark.process, pytest.mark.integration, pytest.mark.erp]

CHANNELS = {
    "purchase_order_out", "warehouse_receipts_in", "supplier_invoice_in", "invoice_posting", "erp_receipts_in",
}  # fmt: skip
_PATIENCE = 180.0
_FEW = 6
SUPPLIER = SUPPLIERS[0].number
TODAY = datetime.now(UTC).date()


class Hospital:
    """Some channels of the shipped site, a real ERP, and an engine that dies."""

    def __init__(self, place: Workplace, erp: ErpServer) -> None:
        self.place, self.erp, self.adapter = place, erp, erp.adapter()
        self.engine = EngineProcess(place.root)
        self.invoices = FolderDoor(place.folder("data", "in", "invoices"))
        self.dock = HttpDoor(place.ports["warehouse_receipts_in"], "/receipts", place.token("HARBOR_DOCK_TOKEN"))

    async def buy(self, orders: list[edi.Order]) -> None:
        lines = {one.item: one for order in orders for one in order.lines}
        items = [Item(item_number=one.item, description=one.description) for one in lines.values()]
        await self.adapter.seed([Supplier(supplier_number=SUPPLIER, name="Alderbrook"), *items])
        for order in orders:
            await self.adapter.post(_document(order), order.number)

    async def received(self, order: edi.Order) -> None:
        """As a scanner does: again until it is told that it was taken."""
        parcel = dock.receipt(f"GR-{order.number}", order)
        until = time.monotonic() + _PATIENCE
        while await self.dock.send(parcel) != "202":
            assert time.monotonic() < until
            await asyncio.sleep(0.1)

    def invoiced(self, order: edi.Order, control: int) -> None:
        bill = edi.Bill(_number(order), order.supplier, TODAY, order.lines, order.number)
        self.invoices.drop(f"{bill.number}.edi", edi.invoice(bill, control))

    async def dies(self) -> None:
        await asyncio.to_thread(self.engine.kill)
        await asyncio.to_thread(self.engine.start)

    async def states(self, orders: list[edi.Order]) -> Counter[str]:
        """Where the invoices stand."""
        store = await open_store(store_url(load_site(self.place.root)), SystemClock(), read_only=True)
        try:
            found = [await store.records.load(f"order:{one.number}") for one in orders]
        finally:
            await store.close()
        told = [msgspec.json.decode(one.state).get("invoices", {}) for one in found]
        return Counter(one["state"] for known in told for one in known.values())

    async def cases(self) -> list[Case]:
        """All that ever were."""
        store = await open_store(store_url(load_site(self.place.root)), SystemClock(), read_only=True)
        try:
            return list(await store.records.cases(CaseQuery(states=("open", "decided", "gone"), limit=1000)))
        finally:
            await store.close()

    async def posted(self) -> Counter[str]:
        domain = [["type", "=", "in"]]
        return Counter(
            one["reference"] for one in await self.adapter._client.read("account.invoice", domain, ["reference"])
        )

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(_PATIENCE):
            while not await holds():  # type: ignore[misc]
                await asyncio.sleep(0.1)


@pytest.fixture
async def hospital(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Hospital]:
    erp = await tryton.start(tmp_path / "erp")
    place = furnish(tmp_path, shipped_site())
    for path in place.folder("channels").rglob("*.yaml"):
        if path.stem not in CHANNELS:
            path.unlink()
    place = connect_erp(place, erp.url, erp.database, erp.template.key)
    for name, secret in place.environment.items():
        monkeypatch.setenv(name, secret)
    made = Hospital(place, erp)
    yield made
    await made.dock.close()
    await made.adapter.close()
    if made.engine.running:
        made.engine.kill()
    erp.stop()


def _orders(count: int) -> list[edi.Order]:
    rows = items_of(SUPPLIER)
    lines = [edi.Line(one.number, one.catalog_number, one.description, 10, one.cost) for one in rows]
    return [edi.Order(f"HK-{100 + number}", SUPPLIER, TODAY, (lines[number % len(lines)],)) for number in range(count)]


def _number(order: edi.Order) -> str:
    return f"INV-{order.number}"


def _document(order: edi.Order) -> PurchaseOrder:
    lines = tuple(
        OrderLine(number=n, item_number=one.item, quantity=Quantity(amount=Decimal(one.quantity), unit="EA"),
                  price=Money(amount=one.price))
        for n, one in enumerate(order.lines, 1)
    )  # fmt: skip
    return PurchaseOrder(
        order_number=order.number, supplier_number=order.supplier, ordered_on=order.ordered_on, lines=lines
    )


@pytest.mark.parametrize("count", [_FEW, pytest.param(60, marks=pytest.mark.slow)])
async def test_each_invoice_is_decided_as_without_the_kill_and_posted_once(hospital: Hospital, count: int) -> None:
    """Every other invoice comes before its goods; the engine dies amid the stream (and amid posting)."""
    orders = _orders(count)
    await hospital.buy(orders)
    await asyncio.to_thread(hospital.engine.start)
    for place, order in enumerate(orders):
        if place % 2:
            hospital.invoiced(order, 101 + place)
        if place == count // 2:
            await hospital.dies()
        await hospital.received(order)
        if not place % 2:
            hospital.invoiced(order, 101 + place)

    async def some_are_posted() -> bool:
        return bool(await hospital.posted())

    async def all_are_posted() -> bool:
        return len(await hospital.posted()) == count and (await hospital.states(orders))["matched"] == count

    if count > _FEW:
        await hospital.until(some_are_posted)
        await hospital.dies()
    await hospital.until(all_are_posted)

    assert await hospital.posted() == Counter(_number(one) for one in orders)
    assert await hospital.states(orders) == {"matched": count}
    assert [(one.type, one.dossier, one.state) for one in await hospital.cases()] == []
