"""Whatever comes first, the end is the same: ten thousand orders of arrival of one matter."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.canonical import (
    CaseAction,
    CaseVerb,
    Document,
    InvoiceKind,
    Item,
    OrderChange,
    OrderChangeAction,
    OrderChangeLine,
    ReceiptKind,
    UnitConversion,
)
from engine.channel.policies import Policies
from engine.ports.procure import Reference
from engine.procure.decision import Decision, World
from engine.procure.matching.purchase import decide_purchase
from engine.procure.papers import Papers
from tests.support.papers import NOW, papers
from tests.support.purchases import SUPPLIER, billed, invoice, of, order, ordered, receipt


def _changed(number: str, amount: str) -> OrderChange:
    line = OrderChangeLine(order_line_number=1, action=OrderChangeAction.CHANGE, quantity=of(amount))
    return OrderChange(
        order_number="PO-1", supplier_number="S1", change_number=number, sequence=int(number),
        changed_on=date(2026, 11, 3), lines=(line,),
    )  # fmt: skip


ACCEPTED = CaseAction(
    action_number="1", case_id="c", dossier="order:PO-1", action=CaseVerb.ACCEPT, who="ana", at=NOW,
    case_type="price_above_tolerance", place="S1/I-2/1",
)  # fmt: skip
IN_BOXES = Item(
    item_number="M2", description="glove", unit="EA",
    conversions=(UnitConversion(from_unit="BX", to_unit="EA", numerator=100, supplier_number="S1"),),
)  # fmt: skip
REFERENCES: tuple[Document, ...] = (SUPPLIER, IN_BOXES)
MATTER: tuple[Document, ...] = (
    order(ordered(amount="8"), ordered(2, "3", "10.00", "BX")),
    _changed("1", "9"), _changed("2", "10"),
    receipt("6"), receipt("4", "R-2"), receipt("300", "R-3", line=2),
    receipt("2", "RET-1", receipt_kind=ReceiptKind.RETURN),
    invoice(billed("6")), invoice(billed("4", "4.50"), number="I-2"),
    invoice(billed("200", "0.10", line=2), number="I-3"), invoice(billed("1", "10.00", "BX", line=2), number="I-4"),
    invoice(billed("2"), number="C-1", invoice_kind=InvoiceKind.CREDIT_MEMO, invoiced_on=date(2026, 11, 10)),
    ACCEPTED, *REFERENCES,
)  # fmt: skip
"""Changes in two steps, parts, a return with its credit, pieces for boxes, a supplier and an item told of late."""
LATE = {"suppliers": NOW - timedelta(minutes=30)}
POSTED = {f"post_invoice:S1/{number}" for number in ("I-1", "I-2", "I-3", "I-4", "C-1")}


POLICIES = Policies()
RECORDS = [papers(one).all[0] for one in MATTER]


def _decided(come: list[int], given_so_far: frozenset[str]) -> Decision:
    known = {Reference(one.kind, one.natural_key): one for n in come if (one := MATTER[n]) in REFERENCES}
    trade = Papers.of(sorted((RECORDS[n] for n in come if MATTER[n] not in REFERENCES), key=lambda one: one.record))
    return decide_purchase(trade, World(NOW, known, LATE, POLICIES, {}, given_so_far))


def _same_in_any_order(turn: list[int]) -> None:
    """Whatever was decided on the way, what is posted in the end and how it stands is the same."""
    given_so_far: frozenset[str] = frozenset()
    for count in range(1, len(turn) + 1):
        decision = _decided(turn[:count], given_so_far)
        given_so_far |= {one.key for one in decision.intents}
    assert given_so_far == POSTED
    assert {one["state"] for one in decision.state["invoices"].values()} == {"matched"}
    assert decision.findings == ()


@settings(max_examples=60, deadline=None)
@given(st.permutations(range(len(MATTER))))
def test_any_order_of_arrival_comes_to_the_same_end(turn: list[int]) -> None:
    _same_in_any_order(turn)


@pytest.mark.slow
def test_ten_thousand_orders_of_arrival_come_to_the_same_end() -> None:
    random, turn = Random(39), list(range(len(MATTER)))
    for _ in range(10_000):
        random.shuffle(turn)
        _same_in_any_order(turn)
