"""Exact numbers as people read them, on pages and in tables. Data (JSON, CSV, API) keeps the plain form."""

from __future__ import annotations

from decimal import Decimal

from engine.core.currency import minor_places


def grouped(number: str | Decimal | int) -> str:
    """`1234567.50` as `1,234,567.50`, with the decimals that it has. What is no number stays as it is."""
    text = format(number, "f") if isinstance(number, Decimal) else str(number)
    whole, point, decimals = text.partition(".")
    digits = whole.lstrip("+-")
    if not (digits.isascii() and digits.isdecimal() and (decimals.isdecimal() or not point)):
        return text
    return f"{whole[: len(whole) - len(digits)]}{int(digits):,}{point}{decimals}"


def money(amount: str | Decimal, currency: str | None = None) -> str:
    """As `grouped`, with the decimals of its currency at least: 7.5 USD is `7.50`. None of them is cut off."""
    text = grouped(amount)
    whole, _, decimals = text.partition(".")
    if currency is None or not whole[-1:].isdecimal():
        return text
    return f"{whole}.{decimals.ljust(minor_places(currency), '0')}".removesuffix(".")


def priced(amount: str | Decimal, currency: str | None) -> str:
    """`1,234,567.50 USD`."""
    return f"{money(amount, currency)} {currency or ''}".rstrip()
