"""Orders whose number a supplier's system padded with zeros, wrote small or added to: suggested, never taken."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from engine.canonical import PurchaseOrder
from engine.procure.decision import World

_ADDED = re.compile(r"[-/.# ][A-Za-z0-9]{1,4}$")  # a release, a shipment, a year


def alike_orders(numbers: Iterable[str], supplier: str, world: World) -> list[str]:
    """Of the same supplier."""
    every = dict.fromkeys(other for number in numbers for other in _forms(number) if other != number)
    known = [world.find(PurchaseOrder, one) for one in every]
    return [one.order_number for one in known if one is not None and one.supplier_number == supplier]


def _forms(number: str) -> Iterator[str]:
    for one in (number, number.upper()):
        bare = one.lstrip("0") or one
        yield from (one, bare, _ADDED.sub("", one), _ADDED.sub("", bare))
