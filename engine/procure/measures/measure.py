"""What a measure is: a definition in words, who answers for it, and the SQL that it is summed by."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal

import msgspec

from engine.ports.measures import amount_of

Slice = Literal["facility", "supplier", "category", "department", "stage"]
Unit = Literal["percent", "per 100", "per 1000", "seconds", "minutes", "hours", "days", "count", "money"]
BY: tuple[Slice, ...] = ("facility", "supplier", "category", "stage")
COLUMNS = ("dossier", "key", "facility", "supplier", "category", "department", "stage", "currency")

# What a numerator is divided by for one of the unit, when it is measured in microseconds.
_MICROS: Mapping[str, int] = {
    "seconds": 1_000_000,
    "minutes": 60_000_000,
    "hours": 3_600_000_000,
    "days": 86_400_000_000,
}
_TIMES: Mapping[str, int] = {"percent": 100, "per 100": 100, "per 1000": 1000}
_CENT = Decimal("0.01")


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """A figure of the business.

    Args:
        meaning: the definition, in words for people; it says which moment puts something into a period.
        owner: the role that answers for it.
        rows: SELECT of one row a document, with COLUMNS and `numerator` and `denominator`; `:since`, `:until` and
            `:as_of` are microseconds, `:since_id` and `:until_id` the message ids of the same times.
        counted: the numerator counts days or things; else times are in microseconds and money in millionths.
        better: which way is good; empty: neither.
        not_by: why it has no other slices: what the rows would have to name and do not.
        as_of: it tells how things stood at the end of the period, not what happened in it.
    """

    name: str
    title: str
    meaning: str
    owner: str
    unit: Unit
    rows: str
    better: Literal["lower", "higher", ""] = ""
    counted: bool = False
    as_of: bool = False
    slices: tuple[Slice, ...] = BY
    not_by: str = ""

    @property
    def of_nothing(self) -> str:
        """What it says of a period in which nothing happened: never a share of 0 % or 100 %."""
        return "0" if self.unit in ("money", "count") else "no data"

    def value(self, numerator: int, denominator: int) -> Decimal | None:
        """None: there is nothing to divide by. Rounded to hundredths, half to even; money is exact."""
        if self.unit == "money":
            return _exact(amount_of(numerator))
        if self.unit == "count":
            return Decimal(numerator)
        if denominator == 0:
            return None
        whole = Decimal(numerator) * _TIMES.get(self.unit, 1) / Decimal(denominator)
        if not self.counted:
            whole /= _MICROS.get(self.unit, 1)
        return whole.quantize(_CENT, ROUND_HALF_EVEN)


def _exact(amount: Decimal) -> Decimal:
    """With two decimals, or as many as it needs."""
    cents = amount.quantize(_CENT)
    return cents if cents == amount else amount.normalize()


def columns(alias: str, currency: str = "NULL") -> str:
    """The columns that every measure's rows have, of the table that is called so in it."""
    names = ", ".join(f"{alias}.{name}" for name in COLUMNS[:-1])
    return f"{names}, {currency} AS currency"


# Without statistics SQLite prefers the index of times: `+at`, and `what || ''` beside a matter, keep it off where a
# key or a matter finds the rows at once. PostgreSQL does not mind.
def during(what: str, at: str = "at") -> str:
    """Condition: a row of this kind, in the period."""
    return f"x.what = '{what}' AND x.{at} >= :since AND x.{at} < :until"
