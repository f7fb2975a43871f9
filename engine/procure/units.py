"""Units of an item, exact: by supplier, packaging level and date. What nobody told of is never assumed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from fractions import Fraction

from engine.canonical import Item
from engine.procure.exact import Exact

_STEPS = 6  # of a packaging ladder: each, inner, box, case, layer, pallet


def units_factor(unit: str, to: str, item: Item | None, supplier: str | None, day: date) -> Exact | None:
    """So many `to` are one `unit`; None: no conversion, or chain of them, holds for this supplier on this day."""
    if unit == to:
        return 1
    if item is None:
        return None
    reached = {unit: Fraction(1)}
    for _ in range(_STEPS):
        for one, other, factor in _steps(item, supplier, day):
            if one in reached:
                reached.setdefault(other, reached[one] * factor)
        if to in reached:
            return reached[to]
    return None


def _steps(item: Item, supplier: str | None, day: date) -> Iterator[tuple[str, str, Fraction]]:
    """Both ways. A supplier's own conversion of a pair hides the one for all, and that the packaging ladder's.

    Where two hold at once that say something else, as of two packages, nobody knows which: there is none.
    """
    seen: set[frozenset[str]] = set()
    for own in dict.fromkeys((supplier, None)):
        told = _told(item, own, day)
        for (one, other), factors in told.items():
            pair = frozenset((one, other))
            if pair in seen:
                continue
            seen.add(pair)
            if len(factors | {1 / factor for factor in told.get((other, one), ())}) == 1:
                (factor,) = factors
                yield one, other, factor
                yield other, one, 1 / factor
    for step in item.packaging:
        pair = frozenset((step.unit, item.unit))
        if pair not in seen and step.contains > 0:
            seen.add(pair)
            yield step.unit, item.unit, Fraction(step.contains)
            yield item.unit, step.unit, 1 / Fraction(step.contains)


def _told(item: Item, own: str | None, day: date) -> dict[tuple[str, str], set[Fraction]]:
    """Of one supplier, or of all: what holds on the day."""
    found: dict[tuple[str, str], set[Fraction]] = {}
    for one in item.conversions:
        if one.supplier_number == own and one.is_valid_on(day):
            found.setdefault((one.from_unit, one.to_unit), set()).add(one.factor)
    return found
