"""Orders that are paid by their receipts: no more than was ordered, nobody who may not be paid, and nothing twice."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from engine.canonical import Document, Invoice, Item, Packaging, Receipt, ReceiptKind, Supplier, SupplierStatus
from engine.procure.decision import Decision
from engine.procure.matching.purchase import decide_purchase
from tests.support.papers import NOW, papers, world
from tests.support.purchases import SUPPLIER, order, ordered, receipt

PASSED = {"receipts": NOW, "orders": NOW, "inspections": NOW}
PAID = frozenset({"post_invoice:S1/ERS-R-1"})


def decide(*documents: Document, supplier: Supplier = SUPPLIER, **more: Any) -> Decision:
    return decide_purchase(papers(*documents), world(supplier, watermarks=PASSED, **more))


def paid_by_receipt(**more: Any) -> Document:
    return order(evaluated_receipt=True, **more)


def types(decision: Decision) -> list[str]:
    return [one.type for one in decision.findings]


def posted(decision: Decision) -> list[str]:
    return [one.key for one in decision.intents if one.what == "post_invoice"]


@pytest.mark.parametrize(
    ("receipts", "wanted"),
    [
        ([receipt("12")], []),
        ([receipt("4"), receipt("6", "R-2")], ["R-1", "R-2"]),
        ([receipt(), receipt("1", "R-2")], ["R-1"]),
        ([receipt(), receipt("4", "R-2", receipt_kind=ReceiptKind.RETURN), receipt("4", "R-3")], ["R-1", "R-2", "R-3"]),
    ],
)
def test_no_more_is_paid_than_was_ordered(receipts: list[Receipt], wanted: list[str]) -> None:
    decision = decide(paid_by_receipt(), *receipts)

    assert sorted(posted(decision)) == [f"post_invoice:S1/ERS-{one}" for one in wanted]
    assert types(decision) == ([] if len(wanted) == len(receipts) else ["quantity_above_ordered"])
    assert all(one.flip for one in decision.findings)


@pytest.mark.parametrize(
    ("told", "wanted"),
    [({"active": False}, "supplier_inactive"), ({"status": SupplierStatus.HELD}, "supplier_held")],
)
def test_who_may_not_be_paid_is_not_paid_by_receipts_either(told: dict[str, Any], wanted: str) -> None:
    decision = decide(paid_by_receipt(), receipt(), supplier=SUPPLIER.model_copy(update=told))

    assert (types(decision), posted(decision)) == ([wanted], [])


def test_what_comes_for_an_order_that_was_taken_back_is_not_paid() -> None:
    assert posted(decide(paid_by_receipt(purpose="01"), receipt())) == []


def test_a_receipt_that_says_something_else_after_it_was_paid_is_told() -> None:
    (finding,) = decide(paid_by_receipt(), receipt(), receipt("8"), given=PAID).findings

    assert finding.type == "decided_otherwise_since"
    assert (finding.facts["paid"], finding.facts["now"]) == (["line 1: 10 EA"], ["line 1: 8 EA"])
    assert types(decide(paid_by_receipt(), receipt(), receipt(reason="counted again"), given=PAID)) == []


def test_a_price_per_box_pays_boxes_not_pieces() -> None:
    five = Packaging(unit="BX", contains=Decimal(5))
    box = Item(item_number="M1", description="Gloves", unit="EA", packaging=(five,))
    told = papers(order(ordered(price="20.00", price_unit="BX"), evaluated_receipt=True), receipt())
    (made,) = (one.document for one in decide_purchase(told, world(SUPPLIER, box, watermarks=PASSED)).intents)

    assert isinstance(made, Invoice)
    assert str(made.stated_total.amount) == "40.00"
