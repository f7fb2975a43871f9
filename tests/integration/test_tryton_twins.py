"""A real ERP in which somebody typed our invoice in by hand: the case, what people decide, what the ERP then holds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from engine.adapters.tryton.adapter import TrytonAdapter
from engine.canonical import CaseAction, CaseVerb, Document, Invoice
from engine.channel.policies import Policies
from engine.channel.policy_matching import Limit, Tolerance, Tolerances
from engine.channel.policy_routing import Exceptions
from engine.connectors.erp import ErpDestination, ErpSettings
from engine.core.clock import SystemClock
from engine.core.errors import DestinationError
from engine.ports.connector import Outbound
from engine.ports.procure import Case
from engine.procure.desk.desk import Desk
from engine.procure.postings.twins import TWIN
from engine.procure.process import Process
from engine.store.open import Store
from tests.support import tryton
from tests.support.connector_doubles import context
from tests.support.erp_double import Adapters
from tests.support.stores import engine_store

pytestmark = [pytest.mark.integration, pytest.mark.erp]
CENTS = Limit(absolute=Decimal("0.05"))
RULES = Policies(
    tolerances=Tolerances(rules=(Tolerance(rule="invoice_total", upper=CENTS, lower=CENTS),)),
    exceptions=Exceptions(four_eyes_above=Decimal("30.00")),
)


class Scene:
    """A process, its door to the ERP, and people at both."""

    def __init__(self, store: Store, adapter: TrytonAdapter, folder: Path) -> None:
        self.store, self.adapter = store, adapter
        self.process = Process(store.records, SystemClock(), lambda: RULES)
        services = {"erp_adapters": Adapters(adapter), "procure": self.process}
        known = context(folder, clock=SystemClock(), services=services)
        self.door = ErpDestination(ErpSettings(connection="finance", reports=True), known)
        self.desk = Desk(store.records, store.record_search, self.process, store.audit, SystemClock(), lambda: RULES)
        self.carried_out = 0

    async def matched(self) -> Invoice:
        """3 boxes for 12.34 each are ordered, received and invoiced."""
        ordered, bill = tryton.order(), tryton.invoice()
        (wanted, *_), (line,) = ordered.lines, bill.lines
        first = wanted.model_copy(update={"quantity": line.quantity, "price": line.price})
        ordered = ordered.model_copy(update={"lines": (first,)})
        self.dossier = f"order:{ordered.order_number}"
        line = line.model_copy(update={"order_line_number": first.number})
        bill = bill.model_copy(update={"order_number": ordered.order_number, "lines": (line,)})
        documents: tuple[Document, ...] = (
            tryton.COST_CENTER,
            tryton.supplier(),
            tryton.item(),
            ordered,
            tryton.receipt(ordered),
            bill,
        )
        for one in documents:
            await self.process.take(one)
        return bill

    async def carry_out(self) -> list[str]:
        """What was given since; a refusal is told to the process, as ever."""
        given = await self.store.records.given(self.carried_out, (), 100)
        for one in given:
            command = one.command
            facts = {"command": command.name, "dossier": one.dossier, "kind": command.kind, "command_key": command.key}
            outbound = Outbound(
                1, 1, "c", "c", "k", command.body, kind=command.kind, natural_key=command.natural_key, attributes=facts
            )
            try:
                await self.door.send(outbound)
            except DestinationError:
                continue
        self.carried_out = given[-1].number if given else self.carried_out
        return [one.command.name for one in given]

    async def open(self) -> list[Case]:
        cases = (await self.store.records.load(self.dossier)).cases
        return [one for one in cases if (one.state, one.type) == ("open", TWIN)]

    async def decide(self, case: Case, verb: CaseVerb, who: str) -> None:
        now = SystemClock().now()
        action = CaseAction(
            action_number=f"{who}-{now:%H%M%S%f}", case_id=case.case_id, dossier=case.dossier, action=verb, who=who,
            at=now, reason="seen", case_type=case.type, place=case.case_id.rpartition("#")[2],
        )  # fmt: skip
        await self.process.take(action, who=who)

    async def in_the_erp(self, invoice: Invoice) -> dict[str, Decimal]:
        """State to total of all under its number."""
        domain = [["reference", "=", invoice.invoice_number]]
        found = await self.adapter._client.read("account.invoice", domain, ["state", "total_amount"])
        return {one["state"]: one["total_amount"] for one in found}

    async def cancel(self, invoice: Invoice) -> None:
        client = self.adapter._client
        (found,) = await client.read("account.invoice", [["reference", "=", invoice.invoice_number]], ["id"])
        await client.press("account.invoice", found["id"], "cancel")


@pytest.fixture
async def scene(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    store = await engine_store(f"sqlite:///{tmp_path / 'process.db'}")
    server = await tryton.start(tmp_path_factory.mktemp("erp"))
    adapter = server.adapter()
    yield Scene(store, adapter, tmp_path)
    await adapter.close()
    await store.close()
    server.kill()


async def test_what_was_typed_in_by_hand_is_adopted_by_two_people_or_passed_by_once_it_is_cancelled(
    scene: Scene,
) -> None:
    adopted = await scene.matched()
    theirs = await scene.adapter.post(tryton.invoice(adopted.invoice_number, price="12.35"), "by hand")
    await scene.carry_out()
    (case,) = await scene.open()
    assert case.facts["theirs_amount"] == "37.05 USD"
    await scene.decide(case, CaseVerb.ACCEPT, "ana")
    assert await scene.carry_out() == []  # above the limit a second person confirms
    await scene.decide(case, CaseVerb.ACCEPT, "ben")
    assert await scene.carry_out() == ["adopt_invoice"]
    assert (await scene.open(), await scene.in_the_erp(adopted)) == ([], {"posted": Decimal("37.05")})
    (told,) = [one for one in (await scene.store.records.load(scene.dossier)).records if b'"ok":true' in one.body]
    assert theirs.reference.encode() in told.body
    lineage = await scene.desk.lineage(theirs.reference, "ana")  # by the ERP's own number
    assert lineage is not None
    assert {"post_invoice", "adopt_invoice"} <= {one.what for one in lineage.traces if one.stage == "command"}

    passed = await scene.matched()
    await scene.adapter.post(tryton.invoice(passed.invoice_number, price="99.00"), "by hand")
    await scene.cancel(passed)
    await scene.carry_out()
    (case,) = await scene.open()
    assert (case.facts["their_state"], "not_adoptable" in case.facts) == ("cancelled", True)
    await scene.decide(case, CaseVerb.REMATCH, "ana")
    assert await scene.carry_out() == ["repost_invoice"]
    assert await scene.open() == []
    assert await scene.in_the_erp(passed) == {"cancelled": Decimal("297.00"), "posted": Decimal("37.02")}
