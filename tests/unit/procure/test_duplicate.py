"""Invoices that come twice, written in another way; and those that only look a little alike."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from engine.canonical import Document, Invoice, Supplier
from engine.procure.duplicate import likeness
from engine.procure.duplicate_keys import alike_dossiers
from engine.procure.purchase import decide_purchase
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
        (sent("INV-00124"), False),
        (sent("inv-00123", "80.00"), False),
    ],
)
def test_alike_invoices_are_scored(other: Invoice, held: bool) -> None:
    assert (likeness(sent(), other, same_entity=True).score >= 80) is held
    assert likeness(sent(), other, same_entity=False).score == 0


def test_the_later_of_two_is_held_and_says_why() -> None:
    first, second = sent("00123", order_number="PO-9"), sent("0012-3")
    suppliers = (Supplier(supplier_number="S1", name="Alder"),)
    beside = {key: (first,) for key in alike_dossiers(second) if key in alike_dossiers(first)}
    documents: tuple[Document, ...] = (order(), receipt(), second)

    (finding,) = decide_purchase(papers(*documents), world(*suppliers, beside=beside)).findings

    assert (finding.type, finding.facts["like"]) == ("duplicate_suspected", "S1/00123")
    assert finding.facts["because"]


def _noise(count: int) -> tuple[Decimal, Decimal]:
    chance = random.Random(7)
    clean = [
        sent(f"{chance.randrange(10**7):07d}", f"{chance.randrange(100, 10**6)}.{chance.randrange(100):02d}",
             invoiced_on=date(2026, 1, 1) + timedelta(days=chance.randrange(300)))
        for _ in range(count)
    ]  # fmt: skip
    index: dict[str, list[Invoice]] = {}
    held = 0
    for one in clean:
        keys = alike_dossiers(one)
        others = {other.natural_key: other for key in keys for other in index.get(key, ())}
        held += any(likeness(one, other, True).score >= 80 for key, other in others.items() if key != one.natural_key)
        for key in keys:
            index.setdefault(key, []).append(one)
    found = 0
    for one in clean[:200]:
        again = one.model_copy(update={"invoice_number": f"0{one.invoice_number[:3]}-{one.invoice_number[3:]}"})
        found += any(
            likeness(again, other, True).score >= 80 for key in alike_dossiers(again) for other in index.get(key, ())
        )
    return Decimal(held) / count, Decimal(found) / min(200, count)


def test_clean_invoices_are_rarely_held_and_near_ones_found() -> None:
    held, found = _noise(1000)

    assert held <= Decimal("0.01")
    assert found >= Decimal("0.95")


@pytest.mark.slow
def test_of_a_hundred_thousand_clean_invoices_one_in_a_hundred_is_held_at_most() -> None:
    held, found = _noise(100_000)

    assert held <= Decimal("0.01")
    assert found >= Decimal("0.95")
