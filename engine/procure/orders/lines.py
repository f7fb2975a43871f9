"""An order as it stands: what was ordered with every change that counts, answered, shipped and received, line by line.

Its changes count as they do for its invoices; the supplier's only when we agreed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal

import msgspec

from engine.canonical import (
    AcknowledgedLine,
    ChangeBy,
    LineKind,
    OrderAcknowledgement,
    OrderChange,
    OrderLine,
    PurchaseOrder,
    Receipt,
    ReceiptLine,
    ShipmentNotice,
    ShippedLine,
)
from engine.procure.matching.order import CANCELS, answers_of, changed_lines, in_turn
from engine.procure.papers import Papers

_CANCELLED = frozenset({"01", "03"})  # X12 BSN01
_NONE = Decimal(0)


class LineLife(msgspec.Struct, frozen=True):
    """A line with what became of it; amounts in the line's unit. `answer` is the newest one."""

    line: OrderLine
    shipped: Decimal = _NONE
    received: Decimal = _NONE
    answer: AcknowledgedLine | None = None
    answered_on: date | None = None
    expected_on: date | None = None

    @property
    def outstanding(self) -> Decimal:
        return max(_NONE, self.line.quantity.amount - self.received)


class OrderLife(msgspec.Struct, frozen=True):
    order: PurchaseOrder
    lines: tuple[LineLife, ...]
    is_cancelled: bool
    is_rejected: bool
    is_acknowledged: bool
    asked: tuple[OrderChange, ...]  # by the supplier, without our answer
    refused: tuple[OrderChange, ...]  # ours, that the supplier did not take
    unclear: tuple[AcknowledgedLine, ...] = ()  # of lines that nobody ordered


def order_life(papers: Papers) -> OrderLife | None:
    """None: the order itself is not known yet."""
    return papers.once(order_life, lambda: _order_life(papers))


def _order_life(papers: Papers) -> OrderLife | None:
    order = next(iter(papers.newest(PurchaseOrder)), None)
    if order is None:
        return None
    changes = sorted(papers.newest(OrderChange), key=lambda one: (one.sequence, one.natural_key))
    counting = in_turn(changes)
    acknowledgements = answers_of(papers)
    every, gone = changed_lines(order, counting)
    changed = [every[number] for number in sorted(every) if number not in gone]
    return OrderLife(
        order=order,
        lines=tuple(_life(line, order, acknowledgements, papers) for line in changed),
        is_cancelled=order.purpose in CANCELS or any(one.cancels for one in counting) or not changed,
        is_rejected=bool(acknowledgements) and acknowledgements[-1].acknowledgement_type in ("RJ", "RD"),
        is_acknowledged=bool(acknowledgements),
        asked=tuple(one for one in changes if one.changed_by is ChangeBy.SUPPLIER and one.accepted is None),
        unclear=tuple(part for one in acknowledgements for part in one.lines if part.order_line_number not in every),
        refused=tuple(one for one in changes if one.changed_by is ChangeBy.BUYER and one.accepted is False),
    )


def _life(line: OrderLine, order: PurchaseOrder, answers: Iterable[OrderAcknowledgement], papers: Papers) -> LineLife:
    answer, answered_on = None, None
    for one in answers:
        for part in one.lines:
            if part.order_line_number == line.number:
                answer, answered_on = part, one.acknowledged_on
    shipped, arrives = _shipped(line, order, papers)
    promised = [one.expected_on for one in answer.answers if one.expected_on] if answer else []
    wanted = line.needed_by or order.needed_by
    return LineLife(
        line, shipped, _received(line, papers), answer, answered_on,
        expected_on=arrives or max(promised, default=wanted),
    )  # fmt: skip


def _shipped(line: OrderLine, order: PurchaseOrder, papers: Papers) -> tuple[Decimal, date | None]:
    amount, arrives = _NONE, None
    for notice, part in papers.once(_shipped, lambda: _shipped_by_line(papers)).get(line.number, ()):
        if part.order_number not in (None, order.order_number):
            continue
        if part.quantity.unit == line.quantity.unit:
            amount += part.quantity.amount
        arrives = max(filter(None, (arrives, notice.expected_on)), default=None)
    return amount, arrives


def _shipped_by_line(papers: Papers) -> Mapping[int | None, list[tuple[ShipmentNotice, ShippedLine]]]:
    found = defaultdict[int | None, list[tuple[ShipmentNotice, ShippedLine]]](list)
    for notice in papers.newest(ShipmentNotice):
        for part in notice.lines if notice.purpose not in _CANCELLED else ():
            found[part.order_line_number].append((notice, part))
    return found


def _received(line: OrderLine, papers: Papers) -> Decimal:
    parts = papers.once(_received, lambda: _received_by_line(papers)).get(line.number, ())
    return sum((sign * part.quantity.amount for sign, part in parts if part.quantity.unit == line.quantity.unit), _NONE)


def _received_by_line(papers: Papers) -> Mapping[int, list[tuple[Decimal, ReceiptLine]]]:
    found = defaultdict[int, list[tuple[Decimal, ReceiptLine]]](list)
    for receipt in papers.newest(Receipt):
        for part in receipt.lines:
            found[part.order_line_number].append((receipt.sign, part))
    return found


def is_goods(one: LineLife) -> bool:
    """Only goods are shipped and received."""
    return one.line.line_kind is LineKind.GOODS
