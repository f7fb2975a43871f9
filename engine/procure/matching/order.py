"""The order as it stands after its changes, whatever came first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engine.canonical import (
    ChangeBy,
    LineAction,
    OrderAcknowledgement,
    OrderChange,
    OrderChangeAction,
    OrderChangeLine,
    OrderLine,
    PurchaseOrder,
)
from engine.procure.papers import Papers

_FIELDS = ("quantity", "price", "price_unit", "item_number", "description", "identifiers", "needed_by", "line_kind")


def order_of(papers: Papers) -> tuple[PurchaseOrder | None, frozenset[int]]:
    """The order and its lines that are deleted; all of them when it is cancelled."""
    return papers.once(order_of, lambda: _order_of(papers))


def _order_of(papers: Papers) -> tuple[PurchaseOrder | None, frozenset[int]]:
    order = next(iter(papers.newest(PurchaseOrder)), None)
    if order is None:
        return None, frozenset()
    lines = {line.number: line for line in order.lines}
    gone: set[int] = set(lines) if order.purpose == "01" else set()
    for change in _holding(papers.newest(OrderChange)):
        if change.cancels:
            gone |= set(lines)
        for one in change.lines:
            _apply(one, lines, gone)
    return order.model_copy(update={"lines": tuple(lines[number] for number in sorted(lines))}), frozenset(gone)


def _holding(changes: Iterable[OrderChange]) -> list[OrderChange]:
    """Ours unless the supplier refused; the supplier's once we agreed."""
    held = [
        one
        for one in changes
        if (one.accepted is not False if one.changed_by is ChangeBy.BUYER else one.accepted is True)
    ]
    return sorted(held, key=lambda one: (one.changed_on, one.sequence, one.changed_by, one.change_number))


def _apply(one: OrderChangeLine, lines: dict[int, OrderLine], gone: set[int]) -> None:
    number = one.order_line_number
    if one.action is OrderChangeAction.DELETE:
        gone.add(number)
        return
    told: dict[str, Any] = {name: value for name in _FIELDS if (value := getattr(one, name)) not in (None, ())}
    if number in lines:
        lines[number] = lines[number].model_copy(update=told)
        gone.discard(number)
    elif one.item_number and one.quantity and one.price:
        lines[number] = OrderLine(number=number, **told)


def substitutes_of(papers: Papers) -> dict[int, frozenset[str]]:
    """Items that the supplier said it sends in place of the ordered ones (855, IS), by order line."""
    found: dict[int, frozenset[str]] = {}
    for answer in papers.newest(OrderAcknowledgement):
        for line in answer.lines:
            if line.item_number and any(one.action is LineAction.SUBSTITUTED for one in line.answers):
                found[line.order_line_number] = found.get(line.order_line_number, frozenset()) | {line.item_number}
    return found
