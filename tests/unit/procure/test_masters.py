"""Orders wait for the item and the supplier that they name: until when, for what, and what happens then."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from engine.canonical import (
    CostCenter,
    Item,
    MasterKey,
    Money,
    PostingResult,
    Quantity,
    Requisition,
    RequisitionLine,
    Supplier,
)
from engine.channel.policies import Policies
from engine.channel.policy_routing import Approvals, Route
from engine.procure.decision import Decision
from tests.support.dossiers import Dossiers

NO_STEPS = Policies(approvals=Approvals(routes=(Route(route="all", subjects=("requisition",)),)))
ITEM = Item(
    item_number="M1", description="glove", supplier_number="S1", cost_price=Money(amount=Decimal("2.50")), unit="EA"
)
SUPPLIER = Supplier(supplier_number="S1", name="One")
WISH = Requisition(
    requisition_number="R-1", cost_center="CC1", requested_on=date(2026, 11, 16), requester="r.asks",
    lines=(RequisitionLine(number=1, item_number="M1", quantity=Quantity(amount=Decimal(4))),),
)  # fmt: skip
ORDER = "create_order:R-1-S1"
LACKS = MasterKey(kind="Item", key="M1")


def answer(kind: str, key: str, at: datetime, ok: bool = True, **more: Any) -> PostingResult:
    command = {"Supplier": "propagate_supplier", "Item": "post_item"}[kind]
    return PostingResult(
        dossier=f"{kind.lower()}:{key}", command=command, subject_kind=kind, subject_key=key, ok=ok, answered_at=at,
        **more,
    )  # fmt: skip


def refusal(at: datetime, number: int = 1) -> PostingResult:
    key = ORDER + (f":try-{number}" if number > 1 else "")
    return PostingResult(
        dossier="requisition:R-1", command="create_order", subject_kind="PurchaseOrder", subject_key="R-1-S1",
        ok=False, code="T025", lacks=LACKS, command_key=key, answered_at=at,
    )  # fmt: skip


@pytest.fixture
def matter() -> Dossiers:
    made = Dossiers(NO_STEPS)
    for one in (CostCenter(cost_center="CC1", name="theatre"), ITEM, WISH):
        made.take(one)
    return made


def orders(decision: Decision) -> list[str]:
    return [one.key for one in decision.intents if one.what == "create_order"]


def decide(matter: Dossiers) -> Decision:
    return matter.decide("requisition:R-1")


def test_a_supplier_of_the_erps_own_needs_no_waiting(matter: Dossiers) -> None:
    matter.take(SUPPLIER)

    assert orders(decide(matter)) == [ORDER]


def test_an_order_waits_for_a_new_supplier_until_the_erp_has_it(matter: Dossiers) -> None:
    matter.take(SUPPLIER, who="ana")  # of people, so every system is told of it
    waiting = decide(matter)
    until = (matter.now + timedelta(days=1)).isoformat(timespec="seconds")

    assert (orders(waiting), waiting.findings) == ([], ())
    assert waiting.state["waiting"]["R-1-S1"] == {
        "state": "waiting", "for": "Supplier S1", "until": until, "because": "erp does not have it yet",
    }  # fmt: skip
    assert waiting.look_again_at is not None

    matter.take(answer("Supplier", "S1", matter.now))

    assert (orders(decide(matter)), "waiting" in decide(matter).state) == ([ORDER], False)


def test_an_item_that_the_erp_refused_is_waited_for_too(matter: Dossiers) -> None:
    matter.take(SUPPLIER)
    matter.take(answer("Item", "M1", matter.now, ok=False, code="T021"))
    assert decide(matter).state["waiting"]["R-1-S1"]["for"] == "Item M1"

    matter.take(answer("Item", "M1", matter.now))

    assert orders(decide(matter)) == [ORDER]


def test_after_a_day_the_erp_is_asked_as_it_is(matter: Dossiers) -> None:
    matter.take(SUPPLIER, who="ana")
    matter.wait(timedelta(days=1))

    assert orders(decide(matter)) == [ORDER]


def test_an_order_that_the_erp_refused_for_a_missing_item_waits_and_is_no_case(matter: Dossiers) -> None:
    matter.take(SUPPLIER)
    matter.take(refusal(matter.now), at=matter.now)
    found = decide(matter)

    assert (orders(found), found.findings) == ([ORDER], ())
    posting = found.state["postings"][ORDER]
    assert (posting["state"], posting["for"], posting["because"]) == (
        "waiting", "Item M1", "erp does not have it yet",
    )  # fmt: skip
    assert found.look_again_at is not None
    assert found.look_again_at.isoformat(timespec="seconds") == posting["until"]


@pytest.mark.parametrize("news", [True, False], ids=["the item came", "its time came"])
def test_it_is_tried_again_when_the_item_comes_or_its_time_has_come(matter: Dossiers, news: bool) -> None:
    matter.take(SUPPLIER)
    matter.take(refusal(matter.now), at=matter.now)
    if news:
        matter.take(answer("Item", "M1", matter.now), at=matter.now + timedelta(seconds=1))
    else:
        matter.wait(timedelta(minutes=1))

    assert orders(decide(matter)) == [f"{ORDER}:try-2"]


def test_an_item_that_never_comes_is_a_case_in_the_end(matter: Dossiers) -> None:
    matter.take(SUPPLIER)
    for number in range(1, 8):
        matter.take(refusal(matter.now, number), at=matter.now)
        assert bool(decide(matter).findings) is (number == 7)
        matter.wait(timedelta(hours=12))

    (case,) = decide(matter).findings
    assert (case.type, case.facts["code"]) == ("posting_refused", "T025")
    assert orders(decide(matter)) == [f"{ORDER}:try-7"]
