"""Money, quantities and their arithmetic. Decimal only; a JSON number would be a float, so JSON holds strings."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from functools import cache, lru_cache
from typing import Annotated

from pydantic import BeforeValidator, StringConstraints

from engine.canonical.base import Value
from engine.core.currency import minor_places
from engine.core.errors import CurrencyMismatchError, UnitMismatchError


def _exact(value: object) -> object:
    if isinstance(value, float):
        raise ValueError("a float is not exact: give a string or a Decimal")
    return value


Exact = Annotated[Decimal, BeforeValidator(_exact)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Unit = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=12)]


class Money(Value):
    """An amount in one currency (ISO 4217 letters), any number of decimals until `rounded`."""

    amount: Exact
    currency: Currency = "USD"

    def __add__(self, other: Money) -> Money:
        return Money(amount=self.amount + self._same(other), currency=self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(amount=self.amount - self._same(other), currency=self.currency)

    def times(self, factor: Decimal) -> Money:
        return Money(amount=self.amount * factor, currency=self.currency)

    def rounded(self) -> Money:
        """To the currency's minor unit, half up, as invoices are added."""
        return Money(amount=self.amount.quantize(_quantum(self.currency), ROUND_HALF_UP), currency=self.currency)

    def _same(self, other: Money) -> Decimal:
        if other.currency != self.currency:
            raise CurrencyMismatchError(f"{self.currency} and {other.currency} cannot be added")
        return other.amount


@cache
def _quantum(currency: str) -> Decimal:
    return Decimal(1).scaleb(-minor_places(currency))


def extension(price: Money, amount: Decimal) -> Money:
    """What so many at this price cost, rounded as invoices are added."""
    return _extension(price.amount, price.currency, amount)


@lru_cache(maxsize=8192)  # every part of a decision asks for that of a line again
def _extension(price: Decimal, currency: str, amount: Decimal) -> Money:
    return Money(amount=price, currency=currency).times(amount).rounded()


class Quantity(Value):
    """A number of units. Units are never assumed equal: `EA` and `BX` need a conversion."""

    amount: Exact
    unit: Unit = "EA"

    def __add__(self, other: Quantity) -> Quantity:
        if other.unit != self.unit:
            raise UnitMismatchError(f"{self.unit} and {other.unit} cannot be added without a conversion")
        return Quantity(amount=self.amount + other.amount, unit=self.unit)


def total(parts: list[Money], currency: str = "USD") -> Money:
    """The sum, zero of `currency` when there is none."""
    if not parts:
        return Money(amount=Decimal(0), currency=currency)
    first, amount = parts[0], Decimal(0)
    for part in parts:
        amount += first._same(part)
    return Money(amount=amount, currency=first.currency)
