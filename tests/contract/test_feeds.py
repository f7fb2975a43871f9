"""An invoice that came before its order: nobody is asked about it as long as the order may still be on its way."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine.canonical import Document, PurchaseOrder
from engine.channel.revision import model_of
from engine.connectors.erp_orders import ErpOrdersSettings, ErpOrdersSource
from engine.connectors.procure import ProcureDestination, ProcureDestinationSettings
from engine.core.clock import SystemClock
from engine.core.errors import RecordOwnerError, StoreError
from engine.flow.feeds import FeedKeeper, Looks
from engine.ports.journal import Query
from engine.procure.process import Process
from engine.store.open import Store
from tests.support import tryton
from tests.support.connector_doubles import Door, context
from tests.support.engine_room import Room, room, row
from tests.support.erp_double import Adapters, ErpDouble
from tests.support.purchases import SUPPLIER, invoice, order, receipt
from tests.support.stores import engine_store

SCRIPT = """
from engine.sdk import JsonMessage, PurchaseOrder

def transform(message: JsonMessage) -> PurchaseOrder:
    return PurchaseOrder.model_validate_json(message.encode())
"""
PROCESS: dict[str, Any] = {
    "name": "out", "type": "procure", "send": "PurchaseOrder",
    "settings": {"tells_until": {"sources": ["orders"]}},
    "retry": {"first": "20ms", "longest": "50ms"},
}  # fmt: skip


class Reluctant(Process):
    """Takes no order as long as `refuses` says so."""

    refuses: Exception | None = None

    async def take(self, document: Document, *rest: Any, **more: Any) -> None:
        if self.refuses is not None and isinstance(document, PurchaseOrder):
            raise self.refuses
        await super().take(document, *rest, **more)


class Scene:
    """An ERP with an order, its source, a channel to the process, and an invoice that is already there."""

    def __init__(self, folder: Path, store: Store) -> None:
        self.folder, self.store, self.clock = folder, store, SystemClock()
        self.process = Reluctant(store.records, self.clock, lambda: None)
        self.erp, self.looks = ErpDouble(), Looks()
        for master in (SUPPLIER, tryton.item("M1")):
            self.erp._keep(master)
        self.services = {"erp_adapters": Adapters(self.erp), "procure": self.process, "looks": self.looks}
        self.deployed = row(SCRIPT, destinations=[PROCESS])
        self.out = ProcureDestination(
            ProcureDestinationSettings(), context(folder, services=self.services, clock=self.clock)
        )

    def room(self) -> Any:
        return room(self.folder, self.deployed, {"out": self.out})  # type: ignore[dict-item]

    async def look(self, here: Room | None = None) -> None:
        """The source asks the ERP, and the watermarks follow. Without a room there is nothing to take."""
        of_room = context(self.folder, channel="room", services=self.services, clock=self.clock)
        settings = ErpOrdersSettings(connection="finance", look_back=timedelta(days=10_000))
        await ErpOrdersSource(settings, of_room).look(here.run.door if here else Door())
        journal = (here.store if here else self.store).journal
        await journal.flush()
        runs: dict[str, Any] = {"room": here.run if here else SimpleNamespace(model=model_of(self.deployed.content))}
        await FeedKeeper(lambda: runs, journal, self.store.records, self.looks, self.clock).look()
        await self.process.take(receipt())

    async def standing(self) -> tuple[str, list[str]]:
        dossier = await self.store.records.load("order:PO-1")
        found = await self.process.weigh(dossier, self.clock.now())
        return found.state["invoices"]["S1/I-1"]["state"], [one.type for one in found.findings]


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    store = await engine_store(f"sqlite:///{tmp_path / 'process.db'}")
    yield Scene(tmp_path, store)
    await store.close()


async def invoice_then_order(scene: Scene) -> None:
    await scene.store.records.set_watermark("orders", 1)
    await scene.process.take(SUPPLIER)
    await scene.process.take(invoice())
    await scene.erp.post(order(), "PO-1")


async def taken(scene: Scene, here: Room) -> None:
    async def there() -> bool:
        return any(one.kind == "PurchaseOrder" for one in (await scene.store.records.load("order:PO-1")).records)

    await here.until(there)


async def test_an_order_that_a_person_holds_is_waited_for_and_matches_when_it_is_let_go(scene: Scene) -> None:
    await invoice_then_order(scene)
    scene.process.refuses = RecordOwnerError("not its field")
    async with scene.room() as here:
        await scene.look(here)
        (held,) = [one.message_id for one in await here.store.journal.search(Query())]
        await here.reaches(held, "HELD")
        await scene.look(here)
        waiting = await scene.standing()
        scene.process.refuses = None
        (delivery,) = (await here.view(held)).deliveries
        await here.store.journal.resend_delivery(delivery.delivery_id)
        here.run.rescan()
        await taken(scene, here)
        after = await scene.standing()

    assert waiting == ("waiting", [])
    assert after == ("matched", [])


async def test_an_engine_that_ended_with_the_order_in_its_journal_waits_for_it_after_the_start(scene: Scene) -> None:
    await invoice_then_order(scene)
    scene.process.refuses = StoreError("the store is away")
    async with scene.room() as here:
        await scene.look(here)
        before = await scene.standing()
    scene.looks.__init__()  # type: ignore[misc]
    async with scene.room() as here:
        await scene.look(here)
        again = await scene.standing()
        scene.process.refuses = None
        await taken(scene, here)
        after = await scene.standing()

    assert (before, again, after) == (("waiting", []), ("waiting", []), ("matched", []))


async def test_an_order_that_is_nowhere_is_a_case_after_the_next_complete_look(scene: Scene) -> None:
    await scene.store.records.set_watermark("orders", 1)
    await scene.process.take(SUPPLIER)
    await scene.process.take(invoice())
    await scene.look()
    standing = await scene.standing()

    assert standing == ("exception", ["order_unknown"])


async def test_an_erp_that_is_down_tells_nothing_so_it_is_waited_for(scene: Scene) -> None:
    await scene.store.records.set_watermark("orders", 1)
    await scene.process.take(SUPPLIER)
    await scene.process.take(invoice())
    scene.erp.reachable = False
    await scene.look()
    standing = await scene.standing()

    assert standing == ("waiting", [])
