"""What is on its way to a place: ordered with every change that counts, and wished for, less what of it came."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Protocol

from engine.canonical import (
    Item,
    OrderLine,
    PurchaseOrder,
    Quantity,
    Receipt,
    Requisition,
    RequisitionLine,
    RequisitionLineStatus,
)
from engine.procure.decision import World
from engine.procure.matching.order import CANCELS
from engine.procure.orders.changed import as_changed
from engine.procure.papers import Papers

_NONE = Decimal(0)
_OPEN = frozenset({RequisitionLineStatus.OPEN, RequisitionLineStatus.ON_HOLD, RequisitionLineStatus.ORDERED})
_MAY_GROW = timedelta(days=31)  # so old at the most is an order that all came of and that is made larger


class Shelf(Protocol):
    """The item at its place."""

    @property
    def location(self) -> str: ...

    @property
    def item(self) -> Item: ...

    def amount(self, quantity: Quantity) -> Decimal | None: ...


def outstanding(papers: Papers, place: Shelf, world: World) -> Decimal:
    """Orders less what of them came, and wishes that are not part of one of them yet. What a cancelled order or line
    was to bring does not come: it is wished for anew. Standing orders bring nothing themselves, their releases do."""
    orders = papers.newest(PurchaseOrder)
    coming = (one for one in orders if one.purpose not in CANCELS and not one.blanket)
    found = sum((_coming(one, papers, place, world) for one in coming), _NONE)
    have = {(line.requisition_number, line.requisition_line_number) for order in orders for line in order.lines}
    for wish in papers.newest(Requisition):
        for line in _wished(wish, place):
            if (wish.requisition_number, line.number) not in have and line.status in _OPEN:
                found += place.amount(line.quantity) or _NONE
    return found


def _coming(order: PurchaseOrder, papers: Papers, place: Shelf, world: World) -> Decimal:
    """Only of an order that may still bring something its changes are looked up."""
    usual = _less_received(order, order.lines, papers, place)
    if usual <= 0 and order.ordered_on + _MAY_GROW < world.now.date():
        return _NONE
    changed = as_changed(order, world)
    return _less_received(order, changed.lines, papers, place) if changed is not None else _NONE


def _less_received(order: PurchaseOrder, lines: Iterable[OrderLine], papers: Papers, place: Shelf) -> Decimal:
    """Each line by itself: too much of one is not the rest of another."""
    number = place.item.item_number
    here = [line for line in lines if (line.deliver_to, line.item_number) == (place.location, number)]
    came: dict[int, Decimal] = {line.number: _NONE for line in here}  # others may be for another place
    for one in papers.newest(Receipt):
        for part in one.lines if one.order_number == order.order_number else ():
            if part.order_line_number in came:
                came[part.order_line_number] += one.sign * (place.amount(part.quantity) or _NONE)
    return sum((max(_NONE, (place.amount(line.quantity) or _NONE) - came[line.number]) for line in here), _NONE)


def _wished(wish: Requisition, place: Shelf) -> list[RequisitionLine]:
    number = place.item.item_number
    return [
        line
        for line in wish.lines
        if ((line.deliver_to or wish.deliver_to), line.item_number) == (place.location, number)
    ]
