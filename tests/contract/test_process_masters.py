"""Orders and masters over a real store: what is told of a master decides anew who waits for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.canonical import (
    Contract,
    ContractLine,
    CostCenter,
    Item,
    MasterKey,
    Money,
    PostingResult,
    PurchaseOrder,
    Quantity,
    Requisition,
    RequisitionLine,
    Supplier,
)
from engine.channel.policies import Policies
from engine.channel.policy_routing import Approvals, Route
from engine.core.clock import SystemClock
from engine.procure.process import Process
from engine.store.open import Store, open_store
from tests.support.connector_doubles import Clock

NO_STEPS = Policies(approvals=Approvals(routes=(Route(route="all", subjects=("requisition",)),)))
NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)
ITEM = Item(item_number="M1", description="glove", supplier_number="S1", unit="EA")
PRICED = ITEM.model_copy(update={"cost_price": Money(amount=Decimal("2.50"))})
SUPPLIER, CENTER = Supplier(supplier_number="S1", name="One"), CostCenter(cost_center="CC1", name="theatre")
WISH = Requisition(
    requisition_number="R-1", cost_center="CC1", requested_on=date(2026, 11, 20), requester="r.asks",
    lines=(RequisitionLine(number=1, item_number="M1", quantity=Quantity(amount=Decimal(4))),),
)  # fmt: skip
ORDER = "create_order:R-1-S1"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    made = await open_store(f"sqlite:///{tmp_path}/isthmus.db", SystemClock())
    yield made
    await made.close()


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture
def process(store: Store, clock: Clock) -> Process:
    return Process(store.records, clock, lambda: NO_STEPS)


async def orders(store: Store) -> list[str]:
    return [one.command.key for one in await store.records.given(0, ("create_order",), 9)]


async def state(store: Store) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode((await store.records.load("requisition:R-1")).state)
    return found


async def test_an_order_is_made_when_the_erp_answers_that_it_has_the_supplier(
    store: Store, process: Process, clock: Clock
) -> None:
    for one in (CENTER, PRICED, WISH):
        await process.take(one)
    await process.take(SUPPLIER, who="ana")
    assert (await orders(store), (await state(store))["waiting"]["R-1-S1"]["for"]) == ([], "Supplier S1")

    clock.advance(timedelta(seconds=5))
    there = PostingResult(
        dossier="supplier:S1", command="propagate_supplier", subject_kind="Supplier", subject_key="S1", ok=True,
        answered_at=clock.now(),
    )  # fmt: skip
    await process.answered(there)

    assert await orders(store) == [ORDER]


async def test_an_order_that_was_refused_for_a_missing_item_is_tried_again_by_itself(
    store: Store, process: Process, clock: Clock
) -> None:
    for one in (CENTER, PRICED, SUPPLIER, WISH):
        await process.take(one)
    refused = PostingResult(
        dossier="requisition:R-1", command="create_order", subject_kind="PurchaseOrder", subject_key="R-1-S1",
        ok=False, code="T025", lacks=MasterKey(kind="Item", key="M1"), command_key=ORDER, answered_at=clock.now(),
    )  # fmt: skip
    await process.answered(refused)
    assert (await orders(store), (await store.records.load("requisition:R-1")).cases) == ([ORDER], ())

    clock.advance(timedelta(seconds=61))
    await process.look()

    assert await orders(store) == [ORDER, f"{ORDER}:try-2"]


async def test_a_requisition_without_a_price_is_ordered_when_a_contract_of_its_supplier_comes(
    store: Store, process: Process
) -> None:
    for one in (CENTER, ITEM, SUPPLIER, WISH):
        await process.take(one)
    assert await orders(store) == []

    terms = ContractLine(number=1, unit="EA", price=Money(amount=Decimal("2.00")), item_number="M1")
    await process.take(Contract(contract_number="C9", supplier_number="S1", lines=(terms,)))

    (given,) = await store.records.given(0, ("create_order",), 9)
    (line,) = PurchaseOrder.model_validate_json(given.command.body).lines
    assert (line.price.amount, line.contract_number) == (Decimal("2.00"), "C9")
