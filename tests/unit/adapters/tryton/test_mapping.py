"""What documents become in the ERP: units, rounding, order lines, master values."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine.adapters.tryton.directory import packaging, packaging_code, unit_code, unit_name
from engine.adapters.tryton.documents import charge_words, erp_rounded, order_number, rounding_lines
from engine.adapters.tryton.invoices import _order_line, _sign
from engine.adapters.tryton.masters import identifier_values, supplier_values
from engine.adapters.tryton.reading import plain
from engine.adapters.tryton.wire import quantity
from engine.canonical import Address, Charge, InvoiceKind, Money, Supplier
from tests.support import tryton

LINES = st.lists(
    st.tuples(st.decimals(min_value=0, max_value=1000, places=2), st.decimals(min_value=0, max_value=1000, places=4)),
    min_size=1,
    max_size=8,
)


@given(LINES)
def test_posted_lines_always_add_up_to_the_document(parts: list[tuple[Decimal, Decimal]]) -> None:
    total = sum((Money(amount=p).times(q).rounded().amount for q, p in parts), Decimal(0))
    lines: list[dict[str, Any]] = [{"quantity": quantity(q), "unit_price": p} for q, p in parts]
    lines += rounding_lines(total, lines)
    there = sum((erp_rounded(Decimal(repr(x["quantity"])) * x["unit_price"]) for x in lines), Decimal(0))

    assert there == total


def test_lines_that_add_up_get_no_rounding_line() -> None:
    assert rounding_lines(Decimal("8.50"), [{"quantity": 2.0, "unit_price": Decimal("4.25")}]) == []


def test_erp_rounds_half_cents_to_even() -> None:
    assert (erp_rounded(Decimal("0.125")), erp_rounded(Decimal("0.135"))) == (Decimal("0.12"), Decimal("0.14"))


@given(st.sampled_from(["EA", "BX", "CA", "PK"]), st.integers(min_value=2, max_value=10_000))
def test_unit_codes_survive_their_names_in_the_erp(code: str, contains: int) -> None:
    assert unit_code(unit_name(code, Decimal(contains))) == code
    assert unit_code(unit_name(code, Decimal(1))) == code


def test_boxes_of_different_sizes_are_different_units() -> None:
    assert unit_name("BX", Decimal(50)) != unit_name("BX", Decimal(100))


def test_packaging_ladder_is_read_among_other_numbers() -> None:
    identifiers = [
        {"type": None, "code": packaging_code("BX", Decimal("100"))},
        {"type": "brand", "code": "Tools of 9"},
        {"type": None, "code": "GTIN 00312345678906"},
        {"type": None, "code": "Best of class"},
    ]

    assert packaging(identifiers) == [("BX", Decimal(100))]


def test_item_shows_its_ladder_and_supplier_independent_numbers() -> None:
    item = tryton.item().model_copy(update={"manufacturer": "Acme", "manufacturer_item_number": "G-1"})

    assert [(v["type"], v["code"]) for v in identifier_values(item)] == [
        (None, "BX of 100"),
        ("brand", "Acme"),
        ("mpn", "G-1"),
    ]


def test_order_of_ours_keeps_our_number_and_of_its_users_the_erps() -> None:
    assert order_number({"number": "17", "reference": "PO-1", "description": "PO-1"}) == "PO-1"
    assert order_number({"number": "17", "reference": "QUOTE-9", "description": None}) == "17"
    assert order_number({"number": "17", "reference": None, "description": None}) == "17"


def test_credit_written_with_positive_amounts_is_turned() -> None:
    invoice = tryton.invoice()
    credit = invoice.model_copy(update={"invoice_kind": InvoiceKind.CREDIT_MEMO})
    line = credit.lines[0].model_copy(update={"price": tryton.money("-1.00")})
    negative = credit.model_copy(update={"lines": (line,)})

    assert (_sign(invoice), _sign(credit), _sign(negative)) == (1, -1, 1)


def order_record(*lines: tuple[int, int, str]) -> dict[str, Any]:
    return {"lines": [{"id": i, "sequence": n, "product": {"code": item}} for i, n, item in lines]}


def test_invoice_line_is_tied_to_the_order_line_of_its_number_and_item() -> None:
    order = order_record((7, 1, tryton.ITEM), (8, 2, tryton.ITEM))
    line = tryton.invoice().lines[0].model_copy(update={"order_line_number": 2})

    assert _order_line(order, line) == 8


def test_invoice_line_without_a_number_is_tied_only_when_one_line_orders_the_item() -> None:
    line = tryton.invoice().lines[0]

    assert _order_line(order_record((7, 1, tryton.ITEM), (8, 2, "M2")), line) == 7
    assert _order_line(order_record((7, 1, tryton.ITEM), (8, 2, tryton.ITEM)), line) is None
    assert _order_line(None, line) is None


def test_invoice_line_of_another_item_is_not_tied_by_number_alone() -> None:
    line = tryton.invoice().lines[0].model_copy(update={"order_line_number": 1})

    assert _order_line(order_record((7, 1, "M2")), line) is None


def test_state_of_an_address_stands_beside_the_city() -> None:
    supplier = Supplier(supplier_number="S1", name="A", address=Address(city="Springfield", state="IL"))

    assert supplier_values(supplier, None)["addresses"][0][1][0]["city"] == "Springfield, IL"


def test_tax_number_of_nine_digits_is_checked_by_the_erp_and_others_are_kept() -> None:
    def identifiers(code: str) -> list[dict[str, Any]]:
        supplier = Supplier(supplier_number="S1", name="A", tax_identifier=code)
        found: list[dict[str, Any]] = supplier_values(supplier, None)["identifiers"][0][1]
        return found

    assert identifiers("12-3456789") == [{"type": "us_ein", "code": "12-3456789"}]
    assert identifiers("DE811") == [{"type": None, "code": "TAX DE811"}]


def test_charge_keeps_its_code_in_words() -> None:
    amount = tryton.money("1.00")

    assert charge_words(Charge(code="D240", amount=amount, description="Freight")) == "D240: Freight"
    assert charge_words(Charge(code="D240", amount=amount)) == "D240"


def test_quantities_read_back_lose_the_point_that_the_erp_added() -> None:
    assert [str(plain(Decimal(text))) for text in ("10.0", "2.50", "0.0", "1000.0")] == ["10", "2.5", "0", "1000"]
