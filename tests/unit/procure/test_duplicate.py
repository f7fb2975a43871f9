"""Invoices that come twice, written in another way; and those that only look a little alike."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from engine.canonical import Document, Invoice, Supplier
from engine.procure.matching.duplicate import likeness
from engine.procure.matching.duplicate_keys import alike_dossiers
from engine.procure.matching.purchase import decide_purchase
from tests.support.invoice_twins import KINDS, rates
from tests.support.papers import papers, world
from tests.support.purchases import invoice, order, receipt


def sent(number: str = "INV-00123", total: str = "40.00", **more: Any) -> Invoice:
    return invoice(number=number, total=total, **more)


@pytest.mark.parametrize(
    ("other", "held"),
    [
        (sent("inv-00123"), True),
        (sent("INV 00123"), True),
        (sent("INV-00132"), True),
        (sent("INV-00123", invoiced_on=date(2026, 12, 24), supplier_number="S1", order_number=None), True),
        (sent("inv00123", "40.30", invoiced_on=date(2026, 11, 15)), True),
        (sent("00123"), True),
        (sent("INV-00123 COPY"), True),
        (sent("INV-00123A"), True),
        (sent("INV-00123B"), True),  # and no 1238
        (sent("INV-00123S", "80.00"), False),
        (sent("INV-OO123"), True),
        (sent("INV-0OI23"), True),
        (sent("INV-O0I23", "40.01"), True),
        (sent("A-00123", invoiced_on=date(2026, 12, 24)), False),
        (sent("INV-00124"), False),
        (sent("inv-00123", "80.00"), True),  # the same number within days, one amount misread
        (sent("inv-00123", "80.00", invoiced_on=date(2026, 11, 18)), False),
        (sent("INV-00132", "80.00"), False),
        (sent("00123", "80.00"), False),
    ],
)
def test_alike_invoices_are_scored(other: Invoice, held: bool) -> None:
    assert (likeness(sent(), other, same_entity=True).score >= 80) is held
    assert likeness(sent(), other, same_entity=False).score == 0


@pytest.mark.parametrize("number", ["1005", "INV 1005", "inv-1OO5", "INV-10O5", "INV-1005-COPY", "INV-1O05"])
def test_however_a_number_is_read_from_paper_its_like_is_found_by_a_shared_key(number: str) -> None:
    one, other = sent("INV-1005"), sent(number)

    assert set(alike_dossiers(one)) & set(alike_dossiers(other))
    assert likeness(one, other, same_entity=True).score >= 80


def test_a_zero_that_changed_places_with_the_first_digit_is_found() -> None:
    one, other = sent("00123"), sent("01023")

    assert set(alike_dossiers(one)) & set(alike_dossiers(other))
    assert likeness(one, other, same_entity=True).score >= 80


def test_the_later_of_two_is_held_and_says_why() -> None:
    first, second = sent("00123", order_number="PO-9"), sent("0012-3")
    suppliers = (Supplier(supplier_number="S1", name="Alder"),)
    beside = {key: (first,) for key in alike_dossiers(second) if key in alike_dossiers(first)}
    documents: tuple[Document, ...] = (order(), receipt(), second)

    (finding,) = decide_purchase(papers(*documents), world(*suppliers, beside=beside)).findings

    assert (finding.type, finding.facts["like"]) == ("duplicate_suspected", "S1/00123")
    assert finding.facts["because"]


@pytest.mark.parametrize(("number", "held"), [("12-3456789", True), ("123456789", True), ("98-7654321", False)])
def test_a_twin_under_another_record_of_the_same_taxpayer_is_held_however_the_number_is_typed(
    number: str, held: bool
) -> None:
    first, second = sent("A-123", supplier_number="S2"), sent("A-123")
    suppliers = (
        Supplier(supplier_number="S1", name="Alder", tax_identifier="123456789"),
        Supplier(supplier_number="S2", name="Alder West", tax_identifier=number),
    )
    beside = {key: (first,) for key in alike_dossiers(second) if key in alike_dossiers(first)}
    found = decide_purchase(papers(order(), receipt(), second), world(*suppliers, beside=beside)).findings

    assert ("duplicate_suspected" in {one.type for one in found}) is held


def _holds(count: int, twins: int) -> None:
    found = dict(rates(count, twins))
    print(found)
    near = [found[kind] for kind in KINDS]

    assert found["false"] <= 1
    assert found["exact"] >= Decimal("99.9")
    assert sum(near, Decimal(0)) / len(near) >= 95
    assert min(near) >= 95


def test_twins_of_every_kind_are_held_and_clean_invoices_rarely() -> None:
    _holds(2000, 100)


@pytest.mark.slow
def test_twins_of_every_kind_are_held_among_a_hundred_thousand_invoices() -> None:
    _holds(100_000, 10_000)
