"""A line that names its item by GTIN or NDC alone is of the order line that names the same, however it is written."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from engine.canonical import Document, Identifier, Item, OrderLine, Packaging
from engine.procure.matching.purchase import decide_purchase
from tests.support.papers import NOW, papers, world
from tests.support.purchases import SUPPLIER, billed, invoice, order, ordered, receipt

GTIN = Identifier(scheme="GTIN", value="00614141000036")
CASE = Identifier(scheme="GTIN", value="10614141000033")


def types(line: OrderLine, told: Identifier, *known: Document, **more: Any) -> list[str]:
    """As a set without our number is read: the item is named by what it has."""
    asked = invoice(billed(item_number=told.value, identifiers=(told,), **({"order_line_number": None} | more)))
    of = world(SUPPLIER, *known, watermarks={"receipts": NOW, "orders": NOW})
    return [one.type for one in decide_purchase(papers(order(line), receipt(), asked), of).findings]


@pytest.mark.parametrize(
    ("scheme", "value", "wanted"),
    [
        ("GTIN", "00614141000036", []),
        ("UPC", "614141000036", []),
        ("EAN", "0614141000036", []),
        ("GTIN", "00614141000043", ["line_not_ordered"]),
        ("NDC", "00614141000036", ["line_not_ordered"]),  # of another list
    ],
)
def test_a_gtin_of_any_length_names_the_ordered_item(scheme: str, value: str, wanted: list[str]) -> None:
    assert types(ordered(identifiers=(GTIN,)), Identifier(scheme=scheme, value=value)) == wanted


@pytest.mark.parametrize(
    ("value", "wanted"),
    [("00002759701", []), ("0002-7597-01", []), ("00002-7597-01", []), ("0002759701", ["line_not_ordered"])],
)
def test_an_ndc_of_any_form_names_the_ordered_item_and_ten_bare_digits_none(value: str, wanted: list[str]) -> None:
    line = ordered(identifiers=(Identifier(scheme="NDC", value="00002-7597-01"),))

    assert types(line, Identifier(scheme="NDC", value=value)) == wanted


def test_the_gtin_of_a_package_or_device_that_the_master_knows_names_its_item() -> None:
    box = Packaging(unit="CA", contains=Decimal(10), identifier=CASE)
    packed = Item(item_number="M1", description="glove", packaging=(box,))
    device = Item(item_number="M1", description="screw", device_identifier=GTIN.value)

    assert types(ordered(), CASE, packed) == []
    assert types(ordered(), GTIN, device) == []
    assert types(ordered(), CASE) == ["line_not_ordered"]


@pytest.mark.parametrize(
    ("line", "wanted"),
    [(ordered(identifiers=(CASE,)), ["item_differs"]), (ordered(identifiers=(GTIN,)), []), (ordered(), [])],
)
def test_beside_an_order_line_a_gtin_differs_only_from_one_that_is_known(line: OrderLine, wanted: list[str]) -> None:
    assert types(line, GTIN, order_line_number=1) == wanted
