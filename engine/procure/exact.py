"""Exact numbers of a decision: whole where they are whole, as most quantities are, and fractions where they are not.

Whole numbers and fractions mix freely in sums, differences and products. Quotients are fractions from the start:
`/` of two whole numbers would be a float.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from functools import lru_cache

from engine.core.currency import minor_places

Exact = int | Fraction
_PLACES = Decimal("0.000001")
_REMEMBERED = 16_384  # quantities and prices come again and again; making a fraction costs as much as matching a line

_WHOLE = Context(prec=200)  # products of what documents hold stay exact: the usual context rounds to 28 digits


def product(one: Decimal, other: Decimal) -> Decimal:
    """Exact."""
    return _WHOLE.multiply(one, other)


def minor(amount: Decimal, currency: str) -> Decimal:
    """`rounded` of a decimal number."""
    return amount.quantize(_minor_unit(currency), ROUND_HALF_UP, _WHOLE)


@lru_cache(maxsize=256)
def _minor_unit(currency: str) -> Decimal:
    return Decimal(1).scaleb(-minor_places(currency))


@lru_cache(maxsize=_REMEMBERED)
def exact(value: Decimal) -> Exact:
    """The same number."""
    top, bottom = value.as_integer_ratio()
    return top if bottom == 1 else Fraction(top, bottom)


def as_exact(value: Exact | Decimal) -> Exact:
    """The same number, whichever it is."""
    return exact(value) if isinstance(value, Decimal) else value


def size(value: Exact) -> Exact:
    """Without its sign."""
    return -value if value < 0 else value


def rounded(value: Exact, currency: str) -> Decimal:
    """To the currency's minor unit, half away from zero, as `Money.rounded`; from the exact value at once."""
    places = minor_places(currency)
    whole, rest = divmod(abs(value.numerator) * 10**places, value.denominator)
    whole += 2 * rest >= value.denominator
    return Decimal(whole if value >= 0 else -whole).scaleb(-places)


def decimal_of(value: Exact) -> Decimal:
    """To six places, which is more than any currency or unit has; for amounts that are shown."""
    short = (Decimal(value.numerator) / Decimal(value.denominator)).quantize(_PLACES).normalize()
    return short.quantize(Decimal(1)) if short == short.to_integral_value() else short
