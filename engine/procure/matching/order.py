"""The order as it stands after its changes, whatever came first."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
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

# By name, or as X12 has them (element 235): suppliers write the same number under any of these.
THEIRS = frozenset({"VENDOR_ITEM", "VENDOR_PART", "VENDOR_CATALOG", "VN", "VP", "VC"})
CANCELS = frozenset({"01", "03"})  # X12 BEG01: cancelled, deleted
_REPLACES = frozenset({"05"})  # X12 BAK01
_FIELDS = ("quantity", "price", "price_unit", "item_number", "description", "identifiers", "needed_by", "line_kind")


def order_of(papers: Papers) -> tuple[PurchaseOrder | None, frozenset[int]]:
    """The order and its lines that are deleted; all of them when it is cancelled."""
    return papers.once(order_of, lambda: _order_of(papers))


def _order_of(papers: Papers) -> tuple[PurchaseOrder | None, frozenset[int]]:
    order = next(iter(papers.newest(PurchaseOrder)), None)
    if order is None:
        return None, frozenset()
    changes = in_turn(papers.newest(OrderChange))
    lines, gone = changed_lines(order, changes)
    if order.purpose in CANCELS or any(one.cancels for one in changes):
        gone = set(lines)
    return order.model_copy(update={"lines": tuple(lines[number] for number in sorted(lines))}), frozenset(gone)


def in_turn(changes: Iterable[OrderChange]) -> list[OrderChange]:
    """Those that hold: ours unless the supplier refused; the supplier's once we agreed.

    Each side's in the order of its sequence, whatever their days say; those of both sides by their days.
    """
    turns: list[tuple[date, int, ChangeBy, str, OrderChange]] = []
    latest: dict[ChangeBy, date] = {}
    for one in sorted(changes, key=lambda change: (change.sequence, change.change_number)):
        if one.accepted is not False if one.changed_by is ChangeBy.BUYER else one.accepted is True:
            day = latest[one.changed_by] = max(one.changed_on, latest.get(one.changed_by, date.min))
            turns.append((day, one.sequence, one.changed_by, one.change_number, one))
    return [turn[-1] for turn in sorted(turns, key=lambda turn: turn[:-1])]


def changed_lines(order: PurchaseOrder, changes: Iterable[OrderChange]) -> tuple[dict[int, OrderLine], set[int]]:
    """The order's lines after changes in this order, by number, and those of them that were deleted."""
    lines: dict[int, OrderLine] = {line.number: line for line in order.lines}
    gone: set[int] = set()
    for change in changes:
        for part in change.lines:
            _apply(part, lines, gone)
    return lines, gone


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


def answers_of(papers: Papers) -> list[OrderAcknowledgement]:
    """By day. Of several on one day, which share their key, all count: suppliers answer some lines now and others
    later, and what takes an answer's place says so."""
    found: dict[str, list[OrderAcknowledgement]] = {}
    for one in papers.versions(OrderAcknowledgement):
        before = [] if one.purpose in _REPLACES else found.get(one.natural_key, [])
        found[one.natural_key] = [*before, one]
    days = sorted(found.values(), key=lambda answers: (answers[-1].acknowledged_on, answers[-1].natural_key))
    return [one for answers in days for one in answers]


def substitutes_of(papers: Papers) -> dict[int, frozenset[str]]:
    """Items that the supplier said it sends in place of the ordered ones (855, IS), by order line: our number, and its
    own, by which its invoice may name them."""
    found: dict[int, frozenset[str]] = {}
    for answer in answers_of(papers):
        for line in answer.lines:
            if line.item_number and any(one.action is LineAction.SUBSTITUTED for one in line.answers):
                own = {one.value for one in line.identifiers if one.scheme in THEIRS}
                told = found.get(line.order_line_number, frozenset())
                found[line.order_line_number] = told | own | {line.item_number}
    return found
