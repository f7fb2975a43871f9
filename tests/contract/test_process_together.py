"""Documents that come at once are decided together: with the same result as one by one, and each for itself."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.canonical import (
    Budget,
    CostCenter,
    DimensionValue,
    Document,
    Invoice,
    Item,
    Money,
    Packaging,
    Quantity,
    Requisition,
    RequisitionLine,
    Supplier,
)
from engine.channel.load import load_policies
from engine.channel.policies import Policies
from engine.core.clock import SystemClock
from engine.core.errors import ChecksumError
from engine.ports.procure import CaseQuery, Change, Records, Reference
from engine.procure.deciders import decide
from engine.procure.decision import Decision, World
from engine.procure.papers import Papers
from engine.procure.process import Process
from engine.procure.usage.papers import commitments_key
from engine.store.open import Store, open_store
from tests.support.connector_doubles import Clock
from tests.support.purchase_mix import mix
from tests.support.purchases import SUPPLIER, billed, invoice, order, ordered, receipt
from tests.support.stores import sql

ROOT = Path(__file__).parents[2]
TOLD = ("orders", "receipts", "inspections", "invoices")
NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)
BOX = Item(item_number="M1", description="Item 1", packaging=(Packaging(unit="BX", contains=Decimal(10)),))
ASKED = invoice(billed(amount="1", price="40.00", unit="BX"))


async def started(records: Records) -> Process:
    policies = load_policies(ROOT)
    process = Process(records, Clock(NOW), lambda: policies)
    for source in TOLD:
        await process.told_until(source, NOW + timedelta(days=1))
    return process


async def outcome(store: Store) -> tuple[set[str], set[tuple[str, str]], dict[str, Any]]:
    """What is to be posted, what people are asked, and how every dossier stands."""
    given = {one.command.key for one in await store.records.given(0, (), 10**6)}
    cases = {(one.dossier, one.type) for one in await store.records.cases(CaseQuery(limit=10**6))}
    keys = await store.records.held_since(0, "", 10**6)
    states = {key: msgspec.json.decode((await store.records.load(key)).state) for key in keys}
    for one in (each for state in states.values() for each in state.get("invoices", {}).values()):
        one.pop("ways", None)  # told by the decision that posted it
    return given, cases, states


async def all_at_once(process: Process, documents: Sequence[Document]) -> None:
    async with asyncio.TaskGroup() as group:
        for one in documents:
            group.create_task(process.take(one))


async def test_all_at_once_ends_as_one_by_one(tmp_path: Path) -> None:
    made = mix(60)
    used = {line.item_number for one in made.trade if isinstance(one, Invoice) for line in one.lines}
    known = [one for one in made.known if not isinstance(one, Item) or one.item_number in used]
    found = []
    for name in ("singly", "together"):
        store = await open_store(f"sqlite:///{tmp_path}/{name}.db", SystemClock())
        process = await started(store.records)
        await all_at_once(process, known)
        for some in [made.trade] if name == "together" else [[one] for one in made.trade]:
            await all_at_once(process, some)
        found.append(await outcome(store))
        await store.close()

    assert found[0][0], "nothing was posted, so nothing was compared"
    (given, cases, states), together = found
    differ = {key: (states[key], together[2][key]) for key in states if states[key] != together[2].get(key)}
    assert (given, cases, differ) == (*together[:2], {})


WISH = Requisition(
    requisition_number="R-1", cost_center="CC1", requested_on=NOW.date(), requester="r.asks",
    lines=(RequisitionLine(number=1, item_number="M1", quantity=Quantity(amount=Decimal(4), unit="EA")),),
)  # fmt: skip
BUDGETED: tuple[Document, ...] = (
    Item(item_number="M1", description="Item 1", supplier_number="S1", cost_price=Money(amount=Decimal(10))),
    Supplier(supplier_number="S1", name="One"),
    CostCenter(cost_center="CC1", name="Theatre"),
    Budget(
        dimension=DimensionValue(type="cost_center", code="CC1"), period=f"{NOW:%Y-%m}",
        amount=Money(amount=Decimal(100)), is_hard=True,
    ),
)  # fmt: skip


@pytest.mark.parametrize("before", [0, 1, 2], ids=["both with it", "one before", "both before"])
async def test_what_a_cost_center_ordered_at_the_same_moment_is_committed_as_well(store: Store, before: int) -> None:
    """The gathering of its orders is not read when one is added; who looks at it sees all of them once."""
    process = Process(store.records, Clock(NOW), Policies)
    lines = [ordered(amount=amount, price="10.00", cost_center="CC1") for amount in ("3", "4")]
    orders = [order(line, order_number=f"P-{n}", ordered_on=NOW.date()) for n, line in enumerate(lines)]
    await all_at_once(process, BUDGETED)
    for one in orders[:before]:
        await process.take(one)

    await all_at_once(process, [*orders[before:], WISH])
    await process.take(orders[0])  # told again: the same, once

    state = msgspec.json.decode((await store.records.load("requisition:R-1")).state)
    assert state["budgets"][0]["committed"] == "70.00"


async def test_versions_of_what_is_gathered_are_counted_as_its_own(store: Store) -> None:
    process = Process(store.records, Clock(NOW), Policies)
    first = order(ordered(cost_center="CC1"), ordered_on=NOW.date())
    second, third = (order(ordered(amount=more, cost_center="CC1"), ordered_on=NOW.date()) for more in ("11", "12"))
    await process.take(first)
    await all_at_once(process, [second, third])

    gathered = await store.records.load(commitments_key("CC1", NOW.date()))
    assert [one.version for one in gathered.records] == [1, 2, 3]
    assert gathered.records == (await store.records.load(f"order:{first.order_number}")).records


async def test_nothing_is_decided_before_what_it_is_decided_by(store: Store, store_url: str) -> None:
    """What comes at one moment is told apart by microseconds: a decision by all of it is later than each."""
    process = Process(store.records, Clock(NOW), Policies)
    await all_at_once(process, [order(), *(receipt("1", f"R-{n}") for n in range(5)), ASKED])

    [(first, last)] = sql(store_url, "SELECT min(at), max(at) FROM p2p_records")
    [(decided,)] = sql(store_url, "SELECT changed FROM p2p_dossiers WHERE key = 'order:PO-1'")
    assert first < last <= decided


@pytest.mark.parametrize("at_once", [False, True], ids=["later", "at once"])
async def test_an_invoice_that_is_told_of_another_order_is_that_orders_from_then_on(
    store: Store, at_once: bool
) -> None:
    process = await started(store.records)
    other = receipt(number="R-2").model_copy(update={"order_number": "PO-2"})
    wrong = invoice(billed(), facility="MAIN")
    right = wrong.model_copy(update={"order_number": "PO-2"})
    await all_at_once(process, [SUPPLIER, order(), order(order_number="PO-2"), other])
    for some in [[wrong, right]] if at_once else [[wrong], [right]]:
        await all_at_once(process, some)
        await all_at_once(process, some[-1:])  # told again: the same

    versions = await store.records.versions(Reference("Invoice", "S1/I-1"))
    assert [Invoice.model_validate_json(one.body).order_number for one in versions] == ["PO-1", "PO-2"]
    old, new = [msgspec.json.decode((await store.records.load(f"order:PO-{n}")).state) for n in (1, 2)]
    assert ([*old["invoices"]], [*new["invoices"]]) == ([], ["S1/I-1"])
    cases = await store.records.cases(CaseQuery())
    assert [(one.dossier, one.type) for one in cases] == [("order:PO-2", "invoice_number_used_again")]


class HoldsBack:
    """Records whose save of one dossier waits until it is let go on."""

    def __init__(self, records: Records, dossier: str) -> None:
        self._records, self._dossier = records, dossier
        self.saving, self.may_go_on = asyncio.Event(), asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._records, name)

    async def save_all(self, changes: Sequence[Change]) -> bool:
        if any(one.dossier == self._dossier and b"exception" in one.state for one in changes):
            self.saving.set()
            await self.may_go_on.wait()
        return await self._records.save_all(changes)


async def test_what_changes_between_a_decisions_look_and_its_save_decides_it_anew(store: Store) -> None:
    records = HoldsBack(store.records, "order:PO-1")
    process = await started(records)  # type: ignore[arg-type]
    for one in (order(), receipt()):
        await process.take(one)
    deciding = asyncio.create_task(process.take(ASKED))  # nobody knows how boxes convert
    await records.saving.wait()
    telling = asyncio.create_task(process.take(BOX))
    while not await store.records.held_since(0, "item:", 1):
        await asyncio.sleep(0.01)
    records.may_go_on.set()
    await asyncio.gather(deciding, telling)

    assert await store.records.cases(CaseQuery()) == []
    assert [one.command.name for one in await store.records.given(0, ("post_invoice",), 9)] == ["post_invoice"]


async def test_a_matter_that_was_damaged_in_the_store_keeps_no_other_from_being_decided(
    store_url: str, store: Store
) -> None:
    process = await started(store.records)
    await process.take(order())
    literal = "x'7b7d'" if store_url.startswith("sqlite") else "'\\x7b7d'::bytea"
    sql(store_url, f"UPDATE p2p_records SET body = {literal}")
    others = [order(order_number=f"PO-{n}") for n in range(2, 9)]

    told = await asyncio.gather(*(process.take(one) for one in (*others, receipt())), return_exceptions=True)

    assert [one for one in told[:-1] if one is not None] == []
    with pytest.raises(ChecksumError):
        raise told[-1] or AssertionError("it was taken")
    assert len(await store.records.held_since(0, "", 99)) == 1 + len(others)


async def test_what_an_invoice_is_compared_with_is_there_when_it_is_decided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await open_store(f"sqlite:///{tmp_path}/journal.db", SystemClock())
    try:
        process = await started(store.records)
        for one in (SUPPLIER, BOX, order(), receipt()):
            await process.take(one)
        times = Counter[str]()

        def counted(key: str, papers: Papers, world: World) -> Decision:
            times[key] += 1
            return decide(key, papers, world)

        monkeypatch.setattr("engine.procure.deciding.decide", counted)
        await process.take(invoice(number="I-1"))
        await process.take(invoice(number="I1"))  # like the first one

        assert times == {"order:PO-1": 2}  # once for each
        cases = {one.type for one in await store.records.cases(CaseQuery(limit=9))}
        assert cases == {"duplicate_suspected", "quantity_above_ordered"}
    finally:
        await store.close()
