"""Suppliers' words on changes and stock, as their doors tell them: what was asked for stays as it was."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from engine.canonical import (
    ChangeBy,
    Document,
    InventoryLevel,
    OrderChange,
    OrderChangeAction,
    OrderChangeLine,
    Quantity,
)
from engine.channel.policies import Policies
from engine.channel.policy_records import RecordRules
from engine.core.errors import RecordOwnerError
from engine.ports.procure import Reference
from engine.procure.papers import read
from engine.procure.process import Process
from engine.store.open import Store
from tests.support.connector_doubles import Clock

ANSWER = ("accepted", "reason", "supplier_number")  # as channels/purchasing/order_change_in.yaml says
MORE = OrderChangeLine(
    order_line_number=1, action=OrderChangeAction.QUANTITY_INCREASE, quantity=Quantity(amount=Decimal(18))
)
OURS = OrderChange(
    order_number="CL-7001",
    supplier_number="S1001",
    change_number="CH-2026-118",
    sequence=1,
    changed_on=date(2026, 11, 20),
    lines=(MORE,),
)


@pytest.fixture
def process(store: Store) -> Process:
    rule = {"field": "OrderChange.supplier_number", "owner": ["purchasing"], "otherwise": "refuse"}
    policies = Policies(records=RecordRules.model_validate({"fields": [rule]}))
    return Process(store.records, Clock(), lambda: policies)


async def kept(store: Store, document: Document) -> Document:
    reference = Reference(document.kind, document.natural_key)
    return read((await store.records.latest([reference]))[reference])


@pytest.mark.parametrize("accepted", [True, False])
async def test_an_answer_without_detail_leaves_our_change_as_we_asked_for_it(
    process: Process, store: Store, accepted: bool
) -> None:
    answer = OURS.model_copy(update={"lines": (), "accepted": accepted, "reason": "Shipped"})
    await process.take(OURS)
    await process.take(answer, system="supplier", fields=ANSWER)

    assert await kept(store, OURS) == OURS.model_copy(update={"accepted": accepted, "reason": "Shipped"})


async def test_nobody_answers_for_another_supplier(process: Process, store: Store) -> None:
    answer = OURS.model_copy(update={"supplier_number": "S1003", "accepted": False})
    await process.take(OURS)

    with pytest.raises(RecordOwnerError):
        await process.take(answer, system="supplier", fields=ANSWER)

    assert await kept(store, OURS) == OURS


async def test_a_suppliers_wish_stands_beside_our_change_of_the_same_number(process: Process, store: Store) -> None:
    wish = OURS.model_copy(update={"changed_by": ChangeBy.SUPPLIER, "lines": ()})
    await process.take(OURS)
    await process.take(wish)

    assert (await kept(store, OURS), await kept(store, wish)) == (OURS, wish)


async def test_a_suppliers_stock_report_leaves_our_thresholds(process: Process, store: Store) -> None:
    at = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)
    ours = InventoryLevel(
        item_number="M10011", location="OR-CORE", on_hand=Quantity(amount=Decimal(5)), as_of=at, maximum=Decimal(6)
    )
    report = ours.model_copy(
        update={
            "on_hand": Quantity(amount=Decimal(3)),
            "maximum": None,
            "supplier_number": "S1003",
            "consignment": True,
        }
    )
    await process.take(ours)
    told = ("on_hand", "on_order", "as_of", "supplier_number", "consignment")
    await process.take(report, system="supplier", fields=told)

    assert await kept(store, ours) == report.model_copy(update={"maximum": Decimal(6)})
