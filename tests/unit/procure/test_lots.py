"""Lots from the ship notice over the dock to the invoice; the same whatever came first."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from engine.canonical import (
    CaseAction,
    CaseVerb,
    Document,
    Invoice,
    InvoiceLine,
    Item,
    LineAction,
    LineAnswer,
    Money,
    OrderAcknowledgement,
    OrderLine,
    PurchaseOrder,
    Quantity,
    Receipt,
    ReceiptKind,
    ReceiptLine,
    ShipmentNotice,
    ShippedLine,
)
from engine.canonical.trading import AcknowledgedLine
from engine.procure.deciders import decide
from engine.procure.decision import Decision
from tests.support.papers import papers, world

DAY, LATER = date(2026, 11, 20), date(2028, 6, 30)
PRICE = Money(amount=Decimal("742.50"))


def each(amount: int = 1) -> Quantity:
    return Quantity(amount=Decimal(amount))


ORDER = PurchaseOrder(
    order_number="PO-1", supplier_number="S1", ordered_on=date(2026, 11, 18),
    lines=(OrderLine(number=1, item_number="M1", quantity=each(1), price=PRICE, category="implants"),),
)  # fmt: skip


def notice(lot: str | None = "L1", serial: str | None = None, **more: Any) -> ShipmentNotice:
    part = {"quantity": each(), "order_number": "PO-1", "order_line_number": 1, "lot": lot, "serial": serial}
    line = ShippedLine.model_validate({**part, **more})
    return ShipmentNotice(shipment_number="SH1", supplier_number="S1", noticed_on=DAY, lines=(line,))


def receipt(lot: str | None = "L1", number: str = "R1", item: str = "M1", amount: int = 1, **more: Any) -> Receipt:
    head = {name: more.pop(name) for name in ("receipt_kind", "cancelled") if name in more}
    quantity = each(amount)
    line = ReceiptLine(order_line_number=1, item_number=item, quantity=quantity, accepted=quantity, lot=lot, **more)
    return Receipt(
        receipt_number=number, order_number="PO-1", supplier_number="S1", received_on=DAY, lines=(line,), **head
    )


def invoice(lot: str | None = None, serial: str | None = None) -> Invoice:
    line = InvoiceLine(number=1, quantity=each(), price=PRICE, order_line_number=1, lot=lot, serial=serial)
    return Invoice(
        invoice_number="I1", supplier_number="S1", invoiced_on=DAY, stated_total=PRICE, lines=(line,),
        order_number="PO-1",
    )  # fmt: skip


def decided(*documents: Document, known: tuple[Document, ...] = ()) -> Decision:
    return decide("order:PO-1", papers(*documents), world(*known))


def types(decision: Decision) -> list[str]:
    return sorted(one.type for one in decision.findings)


SERIAL = {"lot": None, "serial": "SN1"}


@pytest.mark.parametrize(
    ("documents", "wanted"),
    [
        ((notice(), receipt()), []),
        ((receipt(),), []),
        ((notice(lot=None), receipt("L9")), []),
        ((notice(), receipt("L9")), ["receipt_lot_differs"]),
        ((notice(**SERIAL), receipt(**SERIAL)), []),
        ((notice(**SERIAL), receipt(lot=None, serial="SN2")), ["receipt_lot_differs"]),
        ((receipt(expires_on=DAY),), []),
        ((receipt(expires_on=date(2026, 11, 19)),), ["receipt_lot_expired"]),
        ((notice(expires_on=LATER), receipt(expires_on=LATER)), []),
        ((notice(expires_on=LATER), receipt(expires_on=date(2027, 1, 1))), ["receipt_expiry_differs"]),
        ((receipt(item="M2"),), ["receipt_item_differs"]),
        ((notice(), receipt("L9", cancelled=True)), []),
        ((notice(), receipt("L9"), receipt("L9", "R2", receipt_kind=ReceiptKind.RETURN)), []),
        ((receipt("L1"), invoice(lot="L1")), []),
        ((receipt("L1"), invoice(lot="L2")), ["invoice_lot_differs"]),
        ((receipt(**SERIAL), invoice(serial="SN2")), ["invoice_lot_differs"]),
        ((receipt(lot=None), invoice(lot="L2")), []),
    ],
)
def test_what_differs_is_an_exception_whatever_came_first(documents: tuple[Document, ...], wanted: list[str]) -> None:
    for order in permutations((ORDER, *documents)):
        assert types(decided(*order)) == wanted


@pytest.mark.parametrize(("tracks", "wanted"), [(True, ["receipt_lot_missing"]), (False, [])])
def test_an_item_that_is_tracked_by_lot_is_not_taken_without_one(tracks: bool, wanted: list[str]) -> None:
    item = Item(item_number="M1", description="Stent", tracks_lot=tracks)

    assert types(decided(ORDER, receipt(lot=None), known=(item,))) == wanted


def test_an_item_that_the_supplier_sends_in_its_place_is_none() -> None:
    answer = LineAnswer(action=LineAction.SUBSTITUTED, quantity=each())
    told = OrderAcknowledgement(
        order_number="PO-1", supplier_number="S1", acknowledged_on=DAY, acknowledgement_type="AC",
        lines=(AcknowledgedLine(order_line_number=1, answers=(answer,), item_number="M2"),),
    )  # fmt: skip

    assert "receipt_item_differs" not in types(decided(ORDER, told, receipt(item="M2")))


def test_the_finding_says_what_came_what_it_is_worth_and_what_would_have_been_right() -> None:
    (found,) = decided(ORDER, notice(), receipt("L9")).findings

    assert (found.money, found.category, found.supplier) == (PRICE, "implants", "S1")
    assert (found.facts["came"], found.facts["announced"], found.facts["receipts"]) == ("1 EA, lot L9", ["L1"], ["R1"])
    assert found.flip.startswith("L1")


def test_an_invoice_waits_for_the_person_who_looks_at_its_lot_and_is_posted_when_she_let_it_pass() -> None:
    documents = (ORDER, notice(), receipt("L9"), invoice())
    held = decided(*documents)
    assert held.intents == ()
    assert held.state["invoices"] == {"S1/I1": {"state": "exception", "because": ["receipt_lot_differs"]}}

    passed = decided(*documents, _accepts("receipt_lot_differs", "line 1 lot L9"))

    assert types(passed) == []
    assert [one.key for one in passed.intents] == ["post_invoice:S1/I1"]


def test_a_corrected_notice_lets_the_invoice_go() -> None:
    decision = decided(ORDER, notice(), receipt("L9"), invoice(), notice("L9"))

    assert [one.key for one in decision.intents] == ["post_invoice:S1/I1"]


def _accepts(type_: str, place: str) -> CaseAction:
    return CaseAction(
        action_number="1", case_id=f"order:PO-1#{type_}#{place}", dossier="order:PO-1", action=CaseVerb.ACCEPT,
        who="cora", at=datetime(2026, 11, 21, tzinfo=UTC), reason="called the supplier", case_type=type_, place=place,
    )  # fmt: skip
