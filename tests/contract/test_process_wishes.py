"""Stock to requisition to order over a real store, in any order; a recalled lot is one look."""

from __future__ import annotations

import itertools
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from engine.canonical import (
    Consumption,
    ConsumptionLine,
    CostCenter,
    Document,
    InventoryLevel,
    Item,
    Money,
    OrderChange,
    OrderLine,
    PurchaseOrder,
    Quantity,
    RecallNotice,
    Requisition,
    Supplier,
)
from engine.channel.policies import Policies
from engine.channel.policy_routing import Approvals, Route
from engine.ports.procure import CaseQuery
from engine.procure.desk.lots import lot_view
from engine.procure.process import Process
from engine.store.open import Store
from tests.support.connector_doubles import Clock

POLICIES = Policies(approvals=Approvals(routes=(Route(route="all", subjects=("requisition",)),)))
MASTER: tuple[Document, ...] = (
    Item(item_number="M1", description="mesh", supplier_number="S1", cost_price=Money(amount=Decimal(2))),
    Supplier(supplier_number="S1", name="One"),
    CostCenter(cost_center="OR", name="theatre"),
)


def process(store: Store) -> Process:
    return Process(store.records, Clock(), lambda: POLICIES)


async def given(store: Store, name: str) -> list[Any]:
    return [one.command for one in await store.records.given(0, (name,), 100)]


def level() -> InventoryLevel:
    return InventoryLevel(
        item_number="M1", location="OR1", on_hand=Quantity(amount=Decimal(9)), as_of=Clock().now(),
        order_point=Decimal(8), maximum=Decimal(20),
    )  # fmt: skip


def use(number: str = "U1", lot: str | None = None, case: str | None = None) -> Consumption:
    line = ConsumptionLine(number=1, item_number="M1", quantity=Quantity(amount=Decimal(1)), lot=lot, location="OR1")
    return Consumption(
        consumption_number=number, used_at=Clock().now() + timedelta(hours=1), lines=(line,), case_reference=case
    )


async def test_what_is_used_up_is_wished_for_once_and_ordered_once(store: Store) -> None:
    for turn in itertools.permutations([*MASTER[:1], level(), use()]):
        for document in turn:
            await process(store).take(document)
    (raised,) = await given(store, "raise_requisition")
    wish = Requisition.model_validate_json(raised.body).model_copy(update={"cost_center": "OR"})
    for document in (wish, *MASTER, wish):  # the master data comes after the wish
        await process(store).take(document)

    assert [one.key for one in await given(store, "create_order")] == [f"create_order:{wish.requisition_number}-S1"]
    assert len(await given(store, "raise_requisition")) == 1


async def test_what_a_change_took_back_is_wished_for_anew_and_what_the_supplier_refused_to_change_still_comes(
    store: Store,
) -> None:
    for document in (*MASTER, level(), use()):
        await process(store).take(document)
    (raised,) = await given(store, "raise_requisition")
    wish = Requisition.model_validate_json(raised.body)
    line = OrderLine(
        number=1, item_number="M1", quantity=wish.lines[0].quantity, price=Money(amount=Decimal(2)), deliver_to="OR1",
        requisition_number=wish.requisition_number, requisition_line_number=1,
    )  # fmt: skip
    order = PurchaseOrder(
        order_number="PO-1", supplier_number="S1", ordered_on=Clock().now().date(), lines=(line,),
        requisition_numbers=(wish.requisition_number,),
    )  # fmt: skip
    cancelled = OrderChange(
        order_number="PO-1", supplier_number="S1", change_number="C1", sequence=1, changed_on=order.ordered_on,
        purpose="01", accepted=False,
    )  # fmt: skip
    for document in (wish, order, cancelled):
        await process(store).take(document)
    assert len(await given(store, "raise_requisition")) == 1

    await process(store).take(cancelled.model_copy(update={"accepted": True}))

    assert [one.natural_key for one in await given(store, "raise_requisition")] == ["ST-OR1-M1-1", "ST-OR1-M1-2"]


async def test_a_recalled_lot_is_one_look_and_a_case_for_who_has_it(store: Store) -> None:
    for number in range(3):
        await process(store).take(use(f"U{number}", "L1" if number else "L2", f"K{number}"))
    await process(store).take(
        RecallNotice(recall_number="R", device_identifier="M1", lot="L1", recalled_on=date(2026, 3, 1))
    )
    found = await lot_view(store.records, "M1", "L1")
    opened = await store.records.cases(CaseQuery(type="implant_recalled"))

    assert found is not None
    assert (found.cases, {one.place for one in found.mentions}) == (("K1", "K2"), {"OR1"})
    assert ([one.case for one in found.exceptions], found.notices[0].number) == (["K1", "K2"], "R")
    assert sorted(one.dossier for one in opened) == ["case:K1", "case:K2"]
    await process(store).take(use("U2", "L3", "K2"))  # its lot was read wrongly
    after = await lot_view(store.records, "M1", "L1")
    assert after is not None
    assert after.cases == ("K1",)
