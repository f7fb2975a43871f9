"""A requisition whose order was asked for: what others wish for since does not touch it any more."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from engine.canonical import (
    Budget,
    CostCenter,
    DimensionValue,
    Document,
    Item,
    Money,
    Quantity,
    Requisition,
    RequisitionLine,
    Supplier,
)
from engine.channel.policies import Policies
from engine.channel.policy_routing import Approvals, Route
from engine.ports.procure import Reference
from engine.procure.decision import DOSSIER, World
from engine.procure.requisitions.requisition import decide_requisition
from engine.procure.usage.papers import commitments_key
from tests.support.papers import papers, world

DAY = date(2026, 11, 20)
KEY = commitments_key("CC1", DAY)
GIVEN = frozenset({"create_order:R-1-S1"})
APPROVES_ALL = Policies(approvals=Approvals(routes=(Route(route="all", subjects=("requisition",)),)))
KNOWN: tuple[Document, ...] = (
    Item(item_number="M1", description="glove", supplier_number="S1", cost_price=Money(amount=Decimal(1))),
    Supplier(supplier_number="S1", name="One"),
    CostCenter(cost_center="CC1", name="theatre"),
    Budget(
        dimension=DimensionValue(type="cost_center", code="CC1"), period="2026-11", amount=Money(amount=Decimal(10)),
        is_hard=True,
    ),
)  # fmt: skip


def wish(number: str = "R-1", amount: str = "4") -> Requisition:
    line = RequisitionLine(
        number=1, item_number="M1", quantity=Quantity(amount=Decimal(amount), unit="EA"),
        anticipated_price=Money(amount=Decimal(1)),
    )  # fmt: skip
    return Requisition(
        requisition_number=number, cost_center="CC1", requested_on=DAY, requester="r.asks", lines=(line,)
    )


def beside(*wishes: Requisition, given: frozenset[str] = GIVEN) -> World:
    return world(*KNOWN, policies=APPROVES_ALL, beside={KEY: wishes}, given=given)


def test_an_earlier_wish_that_comes_late_does_not_take_the_budget_of_what_is_being_ordered() -> None:
    late, seen = wish("R-0", "9"), beside(wish("R-0", "9"), wish())

    assert decide_requisition(papers(wish()), beside(late, wish(), given=frozenset())).state["state"] == "over_budget"
    assert decide_requisition(papers(wish()), seen).state["state"] == "approved"
    assert Reference(DOSSIER, KEY) not in seen.asked, "each wish of the month would decide it once more"


def test_another_wish_than_the_one_that_is_being_ordered_is_measured_anew() -> None:
    seen = beside(wish(amount="11"))

    assert decide_requisition(papers(wish(), wish(amount="11")), seen).state["state"] == "over_budget"


def test_what_is_being_ordered_still_keeps_its_share_from_the_next() -> None:
    found = decide_requisition(papers(wish("R-2", "7")), beside(wish(), wish("R-2", "7")))

    assert found.state["state"] == "over_budget"
