"""Our books against a real ERP's: what its people did by hand is a case with its cause, until it is put right."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine.adapters.tryton.adapter import TrytonAdapter
from engine.canonical import Invoice, ReconciliationReport
from engine.connectors.erp import ErpDestination, ErpSettings
from engine.connectors.erp_reconciliation import ErpReconciliationSettings, ErpReconciliationSource
from engine.core.clock import SystemClock
from engine.ports.connector import Outbound
from engine.ports.procure import Case, Command
from engine.procure.process import Process
from engine.procure.reconciliation.books import Books
from engine.store.open import Store
from tests.support import tryton
from tests.support.connector_doubles import Door, context
from tests.support.erp_double import Adapters
from tests.support.stores import engine_store

pytestmark = [pytest.mark.integration, pytest.mark.erp]


class Scene:
    """A process, its door to the ERP and the daily comparison."""

    def __init__(self, store: Store, adapter: TrytonAdapter, folder: Path) -> None:
        self.store, self.adapter, self.client = store, adapter, adapter._client
        self.process = Process(store.records, SystemClock(), lambda: None)
        services = {"erp_adapters": Adapters(adapter), "procure": self.process, "books": Books(store.records)}
        known = context(folder, clock=SystemClock(), services=services)
        self.door = ErpDestination(ErpSettings(connection="finance", reports=True), known)
        self.source = ErpReconciliationSource(ErpReconciliationSettings(connection="finance", months=1), known)

    async def commands(self) -> dict[str, Command]:
        given = await self.store.records.given(0, ("post_invoice",), 100)
        return {one.command.natural_key: one.command for one in given}

    async def invoiced(self, *invoices: Invoice) -> None:
        wanted = tryton.order()
        first = wanted.lines[0].model_copy(update={"quantity": tryton.boxes("20")})
        ordered = wanted.model_copy(update={"lines": (first,)})
        part = tryton.receipt(ordered)
        lines = tuple(one.model_copy(update={"quantity": first.quantity}) for one in part.lines)
        for document in (
            tryton.COST_CENTER,
            tryton.supplier(),
            tryton.item(),
            ordered,
            part.model_copy(update={"lines": lines}),
        ):
            await self.process.take(document)
        for one in invoices:
            line = one.lines[0].model_copy(update={"order_line_number": 1})
            await self.process.take(one.model_copy(update={"order_number": ordered.order_number, "lines": (line,)}))

    async def posted(self, *invoices: Invoice) -> None:
        known = await self.commands()
        for one in invoices:
            await self.door.send(_outbound(known[one.natural_key], "post_invoice"))

    async def compared(self) -> dict[str, str]:
        """Cases that are open after a comparison: the invoice, and what is wrong."""
        door = Door()
        await self.source.look(door)
        for one in door.stored:
            await self.process.take(ReconciliationReport.model_validate_json(one.body))
        return {str(one.facts["document"]): one.type for one in await self._cases() if one.state == "open"}

    async def _cases(self) -> tuple[Case, ...]:
        month = f"{tryton.today():%Y-%m}"
        return (await self.store.records.load(f"reconciliation:erp/Invoice/{month}")).cases

    async def cancel(self, invoice: Invoice) -> None:
        domain = [["reference", "=", invoice.invoice_number], ["state", "=", "posted"]]
        (found,) = await self.client.read("account.invoice", domain, ["id"])
        await self.client.press("account.invoice", found["id"], "cancel")

    async def enter_again(self, invoice: Invoice) -> None:
        """By a person, who says to the ERP's warning that it is right so."""
        values = await self.adapter._journeys["Invoice"].plan(invoice, "by hand")
        made = await self.client.create("account.invoice", {**await values.values(), "description": "by hand"})
        await self.client.press("account.invoice", made["id"], "post", warned=False)


def _outbound(command: Command, name: str) -> Outbound:
    facts = {"command": name, "dossier": "order:PO", "kind": command.kind}
    return Outbound(
        1, 1, "c", "c", "k", command.body, kind=command.kind, natural_key=command.natural_key, attributes=facts
    )


@pytest.fixture
async def scene(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    store = await engine_store(f"sqlite:///{tmp_path / 'process.db'}")
    server = await tryton.start(tmp_path_factory.mktemp("erp"))
    adapter = server.adapter()
    yield Scene(store, adapter, tmp_path)
    await adapter.close()
    await store.close()
    server.stop()


def bill(price: str = "4.25", number: str | None = None) -> Invoice:
    return tryton.invoice(number, price=price)


async def test_what_people_did_in_the_erp_is_found_and_gone_once_it_is_put_right(scene: Scene) -> None:
    right, cancelled, other, undone = bill(), bill(), bill(), bill()
    await scene.invoiced(right, cancelled, other, undone)
    equal = await scene.compared()
    await scene.posted(right, cancelled, other, undone)
    await scene.cancel(cancelled)
    await scene.cancel(other)
    dearer = bill("4.52", other.invoice_number)  # two figures were swapped when it was entered again
    await scene.enter_again(dearer)
    by_hand = bill("1.00")
    await scene.enter_again(by_hand)
    await scene.door.send(_outbound((await scene.commands())[undone.natural_key], "undo_post_invoice"))
    found = await scene.compared()

    await scene.cancel(by_hand)
    await scene.enter_again(cancelled)
    await scene.cancel(dearer)
    await scene.enter_again(other)
    after = await scene.compared()

    assert (equal, after) == ({}, {})
    assert found == {
        by_hand.natural_key: "drift_missing_here",
        cancelled.natural_key: "drift_missing_there",
        other.natural_key: "drift_amount",
    }
    assert {one.state for one in await scene._cases()} == {"gone"}
