"""What came for the orders of a case and does not name the case: hardly a supplier or a scanner knows its number."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from engine.canonical import Invoice, PurchaseOrder, Receipt
from engine.procure.decision import World
from engine.procure.papers import Papers

D = TypeVar("D", Invoice, Receipt)


def invoices_of(case: str, orders: Iterable[PurchaseOrder], papers: Papers, world: World) -> list[Invoice]:
    """Those that name the case; of those of its orders that name none, the lines for these orders."""
    numbers = {one.order_number for one in orders}
    own, others = papers.newest(Invoice), []
    for one in _beside(Invoice, numbers, own, world):
        lines = tuple(line for line in one.lines if (line.order_number or one.order_number) in numbers)
        if lines and not any(line.case_reference for line in one.lines):
            others.append(one.model_copy(update={"case_reference": case, "lines": lines}))
    return [*own, *others]


def receipts_of(case: str, orders: Iterable[PurchaseOrder], papers: Papers, world: World) -> list[Receipt]:
    """Those that name the case, and those of its orders that name none."""
    numbers, own = {one.order_number for one in orders}, papers.newest(Receipt)
    others = _beside(Receipt, numbers, own, world)
    return [*own, *(one.model_copy(update={"case_reference": case}) for one in others)]


def _beside(kind: type[D], numbers: Iterable[str], own: Iterable[D], world: World) -> list[D]:
    """Of these orders, without a case and not among its own, by key."""
    known = {one.natural_key for one in own}
    found: dict[str, D] = {}
    for number in sorted(numbers):
        found |= {one.natural_key: one for one in world.papers(f"order:{number}").newest(kind)}
    return [one for key, one in sorted(found.items()) if key not in known and one.case_reference is None]
