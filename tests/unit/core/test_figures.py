"""Exact numbers as people read them: grouped, with the currency's decimals, nothing cut off or made up."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.core.figures import grouped, money, priced


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("1234567.50", "1,234,567.50"), ("-1234", "-1,234"), ("999", "999"), ("0.0125", "0.0125"), (1318, "1,318"),
        (Decimal("1E+4"), "10,000"), ("", ""), ("4 EA + 1 BX", "4 EA + 1 BX"), ("12.", "12."), ("PO-4711", "PO-4711"),
    ],
)  # fmt: skip
def test_thousands_are_told_apart_and_what_is_no_number_stays(number: str | Decimal | int, shown: str) -> None:
    assert grouped(number) == shown


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        ("1234567.5", "USD", "1,234,567.50"), ("1234567", "JPY", "1,234,567"), ("1.5", "KWD", "1.500"),
        ("7", "USD", "7.00"), ("24.505", "USD", "24.505"), ("7.5", None, "7.5"), ("none", "USD", "none"),
        ("", "USD", ""),
    ],
)  # fmt: skip
def test_money_has_the_decimals_of_its_currency_and_loses_none(amount: str, currency: str | None, shown: str) -> None:
    assert money(amount, currency) == shown
    assert priced(amount, currency) == f"{shown} {currency or ''}".rstrip()
