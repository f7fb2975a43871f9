"""What the lines of an invoice ask for, and what those below zero give back of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from engine.canonical import InvoiceLine, OrderLine
from engine.procure.exact import Exact, size


class Asked(NamedTuple):
    """What an invoice line asks for: so much of an order line, in the order's unit."""

    line: InvoiceLine
    ordered: OrderLine
    amount: Exact


class Last(NamedTuple):
    """The line before, and what it counts."""

    number: int
    price: Decimal
    worth: Exact | Decimal
    counted: Decimal


def netted(asked: Sequence[Asked], sign: int) -> Iterator[tuple[Asked, Exact]]:
    """With what each counts: what one line gives back lowers first what the same invoice asks of its order line,
    whichever stands first.

    Args:
        sign: -1 of a credit memo.
    """
    backs = {one.ordered.number for one in asked if one.amount * sign < 0}
    both = backs & {one.ordered.number for one in asked if one.amount * sign > 0}
    left = {number: _least(number, asked) for number in both}  # seldom any
    lowers = {sign: dict(left) for sign in (1, -1)}
    for one in asked:
        amount, way = one.amount * sign, -1 if one.amount * sign < 0 else 1
        lowered = min(lowers[way].get(one.ordered.number, 0), size(amount))
        if lowered:
            lowers[way][one.ordered.number] -= lowered
        yield one, amount - way * lowered


def _least(number: int, asked: Sequence[Asked]) -> Exact:
    """Of what is asked and what is given back of an order line."""
    sums = defaultdict[bool, Exact](int)
    for one in asked:
        if one.ordered.number == number:
            sums[one.amount > 0] += size(one.amount)
    return min(sums.values())
