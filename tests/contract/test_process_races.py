"""What is saved between a decision's look and its save is decided over, whichever of the two the store has first."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engine.canonical import CostCenter, Document, Item, Packaging, SupplierStatus
from engine.core.clock import SystemClock
from engine.ports.procure import Case, CaseQuery, Records, Reference
from engine.procure.process import Process
from engine.store.open import Store, open_store
from tests.support.connector_doubles import Clock
from tests.support.purchases import SUPPLIER, billed, invoice, order, ordered, receipt

NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)
BOX = Item(item_number="M1", description="Item 1", packaging=(Packaging(unit="BX", contains=Decimal(10)),))
IN_BOXES = invoice(billed(amount="1", price="40.00", unit="BX"))
HELD = SUPPLIER.model_copy(update={"status": SupplierStatus.HELD})
CENTER = CostCenter(cost_center="CC1", name="theatre")
CENTER_BILL = invoice(billed(cost_center="CC1"))


@pytest.fixture
async def store(tmp_path: Path) -> Any:
    """One kind of store: who asks whom in which order is the same for all of them."""
    made = await open_store(f"sqlite:///{tmp_path}/isthmus.db", SystemClock())
    yield made
    await made.close()


class LateAnswer:
    """Records that look who waits for a reference at once, and say so when they are let go on."""

    def __init__(self, records: Records, kind: str) -> None:
        self._records, self._kind = records, kind
        self.looked, self.may_say = asyncio.Event(), asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._records, name)

    async def dossiers_with_any(self, references: Sequence[Reference]) -> list[str]:
        found = await self._records.dossiers_with_any(references)
        if any(one.kind == self._kind for one in references):
            self.looked.set()
            await self.may_say.wait()
        return found


class HoldsBack(LateAnswer):
    """Its save of a matter waits, too, once somebody waits to decide it."""

    def __init__(self, records: Records, kind: str, dossier: str) -> None:
        super().__init__(records, kind)
        self._dossier = dossier
        self.holds = False
        self.saving, self.may_save = asyncio.Event(), asyncio.Event()

    async def save_all(self, changes: Any) -> bool:
        if self.holds and any(one.dossier == self._dossier for one in changes) and not self.saving.is_set():
            self.saving.set()
            await self.may_save.wait()
        return bool(await self._records.save_all(changes))


async def process_of(records: Any) -> Process:
    process = Process(records, Clock(NOW), lambda: None)
    for source in ("orders", "receipts", "inspections", "suppliers"):
        await process.told_until(source, NOW + timedelta(days=1))
    return process


LATER = ["decided_otherwise_since"]  # it was given before the news, and somebody is told


@pytest.mark.parametrize(
    ("known", "bill", "told", "cases"),
    [
        ((SUPPLIER,), IN_BOXES, BOX, []),
        ((), invoice(), SUPPLIER, []),
        ((SUPPLIER,), invoice(), HELD, LATER),
        ((SUPPLIER, CENTER), CENTER_BILL, CENTER.model_copy(update={"active": False}), LATER),
    ],
    ids=["item", "supplier nobody knew", "supplier held", "cost center ended"],
)
async def test_a_reference_that_is_saved_while_a_decision_that_looked_at_it_is_saved_decides_it_anew(
    store: Store, known: tuple[Document, ...], bill: Document, told: Document, cases: list[str]
) -> None:
    """The store is asked who waits before the decision is in it; it answers when the decision is over."""
    records = HoldsBack(store.records, told.kind, "order:PO-1")
    records.may_say.set()
    process = await process_of(records)
    for one in (*known, order(), receipt()):
        await process.take(one)
    records.looked.clear()
    records.may_say.clear()
    records.holds = True
    deciding = asyncio.create_task(process.take(bill))
    await records.saving.wait()
    telling = asyncio.create_task(process.take(told))
    await records.looked.wait()  # asked, and the decision is not there yet
    records.may_save.set()
    while not (await store.records.load("order:PO-1")).given | {c.type for c in await open_cases(store)}:
        await asyncio.sleep(0.01)
    records.may_say.set()
    await asyncio.gather(deciding, telling)

    assert [one.command.name for one in await store.records.given(0, ("post_invoice",), 9)] == ["post_invoice"]
    assert [one.type for one in await open_cases(store)] == cases


async def open_cases(store: Store) -> list[Case]:
    return await store.records.cases(CaseQuery())


OTHER = order(ordered(2), order_number="PO-2")
CAME = receipt(number="R-2", line=2).model_copy(update={"order_number": "PO-2"})
OVER_BOTH = invoice(billed(order_number="PO-1"), billed(line=2, number=2, order_number="PO-2"), order_number="PO-1")
OF_THE_SECOND = invoice(billed(line=2), number="I-2", order_number="PO-2")


@pytest.mark.parametrize("turn", range(6))
async def test_what_two_orders_share_is_given_away_once_though_both_are_decided_at_once(
    store: Store, turn: int
) -> None:
    """10 of the second order came; an invoice over both orders and one of its own ask for all of them."""
    process = await process_of(store.records)
    for one in (SUPPLIER, order(), OTHER, CAME):
        await process.take(one)
    together = list(itertools.permutations((receipt(), OVER_BOTH, OF_THE_SECOND)))[turn]
    await asyncio.gather(*(process.take(one) for one in together))

    given = [one.command.natural_key for one in await store.records.given(0, ("post_invoice",), 9)]
    assert len(given) == 1
    assert [one.type for one in await open_cases(store)] == ["quantity_above_ordered"]


async def test_two_engines_on_one_store_never_give_it_twice(store: Store) -> None:
    """As for a moment while one takes over from the other."""
    one, other = [await process_of(store.records) for _ in range(2)]
    for document in (SUPPLIER, order(), OTHER, CAME, receipt()):
        await one.take(document)
    await asyncio.gather(one.take(OVER_BOTH), other.take(OVER_BOTH))

    assert len(await store.records.given(0, ("post_invoice",), 9)) == 1
