"""A system that knows only part of a document changes that part."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from engine.canonical import Identifier, Money, OrderLine, PurchaseOrder, Quantity, Urgency
from engine.channel.told_fields import tellable_fields
from engine.procure.record_rules import told_of

ERP = ("supplier_number", "ordered_on", "currency", "notes", "lines.quantity", "lines.price", "lines.identifiers",
       "lines.cost_center")  # fmt: skip
DAY = date(2026, 11, 20)


def _line(number: int = 1, item: str = "M1", **more: Any) -> OrderLine:
    usual = {"quantity": Quantity(amount=Decimal(2)), "price": Money(amount=Decimal("742.50"))}
    return OrderLine.model_validate({"number": number, "item_number": item, **usual, **more})


def _order(*lines: OrderLine, **more: Any) -> PurchaseOrder:
    return PurchaseOrder(order_number="R1-S1", supplier_number="S1", ordered_on=DAY, lines=lines, **more)


ASKED = _order(
    _line(category="implants", contract_number="C-7", requisition_number="R1", requisition_line_number=1),
    _line(2, "M2", category="implants", cost_center="6110"),
    urgency=Urgency.STAT, requisition_numbers=("R1",), case_reference="CASE-1", bill_only=True,
    references=(Identifier(scheme="requisition", value="R1"),),
)  # fmt: skip


def test_what_the_system_does_not_know_stays_in_head_and_lines() -> None:
    told = _order(_line(price=Money(amount=Decimal("740.00")), cost_center="6110"), _line(2, "M2"), notes=("call",))

    after = told_of(ASKED, told, ERP)

    assert (after.urgency, after.case_reference, after.bill_only) == (Urgency.STAT, "CASE-1", True)
    assert (after.requisition_numbers, after.references, after.notes) == (("R1",), ASKED.references, ("call",))
    first = after.lines[0]
    assert (first.category, first.contract_number, first.requisition_line_number) == ("implants", "C-7", 1)
    assert (first.price, first.cost_center) == (Money(amount=Decimal("740.00")), "6110")
    assert after.lines[1].cost_center is None  # the system knows of it, and has none


def test_a_line_that_the_system_took_out_is_gone_and_a_new_one_is_as_it_says() -> None:
    after = told_of(ASKED, _order(_line(), _line(3, "M3")), ERP)

    assert [(line.number, line.category) for line in after.lines] == [(1, "implants"), (3, None)]


def test_a_line_for_another_item_keeps_nothing_of_the_one_before() -> None:
    after = told_of(ASKED, _order(_line(1, "M9")), ERP)

    assert after.lines[0] == _line(1, "M9")


def test_identifiers_of_schemes_that_the_system_does_not_use_stay() -> None:
    known = (Identifier(scheme="VP", value="EF-30"), Identifier(scheme="GTIN", value="old"))
    before = _order(_line(identifiers=known))
    told = _order(_line(identifiers=(Identifier(scheme="GTIN", value="new"),)))

    assert {one.scheme: one.value for one in told_of(before, told, ERP).lines[0].identifiers} == {
        "VP": "EF-30",
        "GTIN": "new",
    }


def test_the_same_told_again_changes_nothing() -> None:
    told = _order(_line(), _line(2, "M2"))
    once = told_of(ASKED, told, ERP)

    assert told_of(once, told, ERP) == once


@pytest.mark.parametrize(("field", "there"), [("lines.price", True), ("lines", True), ("lines.colour", False),
                                              ("charges.amount", False), ("colour", False)])  # fmt: skip
def test_a_field_of_a_line_can_be_told_when_lines_have_numbers(field: str, there: bool) -> None:
    assert (field in tellable_fields()) is there
