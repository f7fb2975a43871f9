"""Receipts that do not fit their order, or one another."""

from __future__ import annotations

from datetime import date

import pytest

from engine.canonical import Document, Item, ReceiptKind, ShipmentNotice, ShippedLine, UnitConversion
from engine.procure.decision import Decision, merge
from engine.procure.matching.purchase import decide_purchase
from engine.procure.orders.states import decide_order_life
from tests.support.papers import NOW, papers, world
from tests.support.purchases import SUPPLIER, billed, invoice, of, order, ordered, receipt

RETURN = {"receipt_kind": ReceiptKind.RETURN}


def decide(*documents: Document) -> Decision:
    known, told = papers(*documents), world(SUPPLIER, watermarks={"receipts": NOW, "orders": NOW, "inspections": NOW})
    return merge(decide_purchase(known, told), decide_order_life(known, told))


def types(decision: Decision) -> list[str]:
    return sorted({one.type for one in decision.findings})


def posted(decision: Decision) -> list[str]:
    return [one.key for one in decision.intents if one.what == "post_invoice"]


def notice(amount: str) -> ShipmentNotice:
    line = ShippedLine(quantity=of(amount), order_number="PO-1", order_line_number=1)
    return ShipmentNotice(shipment_number="SH-1", supplier_number="S1", noticed_on=date(2026, 11, 5), lines=(line,))


@pytest.mark.parametrize(
    ("documents", "wanted"),
    [
        ([order(), receipt("12")], ["receipt_above_ordered"]),
        ([order(), receipt("4"), receipt("6", "R-2")], []),
        ([order(), receipt("14"), receipt("4", "R-2", **RETURN)], []),
        ([order(blanket=True), receipt("12")], []),
        ([order(), receipt(), receipt("11", "R-2", **RETURN)], ["receipt_return_exceeds"]),
        ([order(), receipt(line=9)], ["receipt_line_not_ordered"]),
        ([order(), receipt(line=9, cancelled=True)], []),
        ([order(purpose="01"), receipt()], ["receipt_line_not_ordered"]),
    ],
)
def test_what_the_dock_tells_and_the_order_does_not_know_is_told(documents: list[Document], wanted: list[str]) -> None:
    decision = decide(*documents)

    assert types(decision) == wanted
    assert all(one.flip for one in decision.findings)


def test_a_receipt_in_a_unit_that_nobody_converts_is_told_before_its_invoice_comes() -> None:
    (told,) = decide(order(), receipt("2", unit="BX")).findings

    assert (told.type, told.place) == ("unit_unknown", "receipt R-1 line 1")


def test_more_than_ordered_holds_no_invoice_over_what_was_ordered() -> None:
    decision = decide(order(), receipt("12"), invoice())

    assert (types(decision), posted(decision)) == (["receipt_above_ordered"], ["post_invoice:S1/I-1"])


def test_goods_of_a_shipment_that_were_received_twice_pay_nothing() -> None:
    twice = [receipt(shipment_number="SH-1"), receipt(number="R-2", shipment_number="SH-1")]
    documents = [order(ordered(amount="20")), *twice, invoice(billed("20"))]

    (finding,) = (decision := decide(*documents)).findings
    assert (finding.type, finding.facts["like"], posted(decision)) == ("receipt_told_twice", "R-1", [])
    assert types(decide(*documents, notice("10"))) == ["receipt_told_twice"]
    assert posted(decide(*documents, notice("20"))) == ["post_invoice:S1/I-1"]  # two parcels, both announced


@pytest.mark.parametrize(
    ("cases", "state", "wanted"),
    [("1", "received", []), ("0.5", "part_received", ["supplier_late"]), ("2", "received", ["receipt_above_ordered"])],
)
def test_what_comes_in_cases_counts_for_an_order_of_pieces(cases: str, state: str, wanted: list[str]) -> None:
    ten = UnitConversion(from_unit="CA", to_unit="EA", numerator=10)
    item = Item(item_number="M1", description="Gloves", unit="EA", conversions=(ten,))
    known = papers(order(ordered(needed_by=date(2026, 11, 3))), receipt(cases, unit="CA"))
    decision = decide_order_life(known, world(SUPPLIER, item))

    assert (decision.state["order"]["state"], types(decision)) == (state, wanted)


def test_a_shipment_in_cases_is_on_its_way_in_pieces() -> None:
    ten = UnitConversion(from_unit="CA", to_unit="EA", numerator=10)
    item = Item(item_number="M1", description="Gloves", unit="EA", conversions=(ten,))
    line = ShippedLine(quantity=of("1", "CA"), order_number="PO-1", order_line_number=1)
    decision = decide_order_life(
        papers(order(), notice("1").model_copy(update={"lines": (line,)})), world(SUPPLIER, item)
    )

    assert decision.state["order"]["state"] == "shipped"


def test_two_equal_receipts_of_two_shipments_are_two() -> None:
    both = [receipt(shipment_number="SH-1"), receipt(number="R-2", shipment_number="SH-2")]

    assert posted(decide(order(ordered(amount="20")), *both, invoice(billed("20")))) == ["post_invoice:S1/I-1"]
