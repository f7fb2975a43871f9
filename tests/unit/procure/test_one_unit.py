"""What is priced per another unit than it is counted in is given to the ERP in one unit, to the cent."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.canonical import Invoice, Item, Packaging
from engine.procure.matching.purchase import decide_purchase
from tests.support.papers import NOW, papers, world
from tests.support.purchases import SUPPLIER, billed, invoice, of, order, ordered, receipt

CASE_OF_40 = Item(
    item_number="M1", description="glove", unit="EA", packaging=(Packaging(unit="CA", contains=Decimal(40)),)
)
CASE_OF_3 = CASE_OF_40.model_copy(update={"packaging": (Packaging(unit="CA", contains=Decimal(3)),)})


def given(item: Item, amount: str, unit: str, price: str, price_unit: str, total: str) -> Invoice:
    asked = order(ordered(amount=amount, unit=unit, price=price, price_unit=price_unit))
    told = invoice(billed(amount, price, unit, price_unit=price_unit), total=total)
    known = world(SUPPLIER, item, watermarks={"receipts": NOW, "orders": NOW})
    decision = decide_purchase(papers(asked, receipt(amount, unit=unit), told), known)
    (wish,) = decision.intents
    assert isinstance(wish.document, Invoice)
    return wish.document


@pytest.mark.parametrize(
    ("item", "told", "quantity", "price"),
    [
        (CASE_OF_40, ("2", "CA", "4.00", "EA", "320.00"), ("2", "CA"), "160"),
        (CASE_OF_40, ("80", "EA", "160.00", "CA", "320.00"), ("80", "EA"), "4"),
        (CASE_OF_3, ("6", "EA", "10.00", "CA", "20.00"), ("2", "CA"), "10.00"),  # 3.33 has no end: the quantity changes
    ],
)
def test_the_erp_gets_prices_of_the_units_that_it_multiplies(
    item: Item, told: tuple[str, str, str, str, str], quantity: tuple[str, str], price: str
) -> None:
    document = given(item, *told)
    (line,) = document.lines

    assert (line.quantity, line.price.amount, line.price_unit) == (of(*quantity), Decimal(price), None)
    assert document.total == document.stated_total


def test_what_is_priced_per_its_own_unit_is_given_as_it_was_written() -> None:
    told = given(CASE_OF_40, "2", "CA", "160.00", "CA", "320.00")

    assert told.lines[0].price_unit == "CA"
