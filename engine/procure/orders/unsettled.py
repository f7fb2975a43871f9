"""What the two sides still differ about when all goods came: prices, and more that one of them wished for.

It stays until one of them answers, or until what came is invoiced: from then on the invoice's match says what differs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

import msgspec

from engine.canonical import Invoice, InvoiceKind, OrderChange, OrderChangeAction, OrderChangeLine, OrderLine
from engine.procure.decision import Finding
from engine.procure.orders.acknowledgement import change_findings, price_findings
from engine.procure.orders.lines import LineLife, OrderLife
from engine.procure.papers import Papers


def unsettled_findings(life: OrderLife, papers: Papers) -> Iterator[Finding]:
    """
    Args:
        life: of an order of which everything came.
    """
    billed = _billed(life, papers)
    rest = {one.line.number: one for one in life.lines if not _is_invoiced(one, billed)}
    if not rest:
        return
    for one in rest.values():
        yield from price_findings(life, one)
    asked, refused = ([one for one in changes if _matters(one, life, rest)] for changes in (life.asked, life.refused))
    yield from change_findings(msgspec.structs.replace(life, asked=tuple(asked), refused=tuple(refused)))


def _is_invoiced(one: LineLife, billed: Counter[int]) -> bool:
    return billed[one.line.number] >= max(one.received, one.line.quantity.amount)


def _billed(life: OrderLife, papers: Papers) -> Counter[int]:
    """By order line, less what was credited. What is billed in another unit is whole: its match compares units."""
    found: Counter[int] = Counter()
    lines = {one.line.number: one.line for one in life.lines}
    items = {line.item_number: line.number for line in lines.values()}
    for invoice in papers.newest(Invoice):
        sign = Decimal(-1) if invoice.invoice_kind is InvoiceKind.CREDIT_MEMO else Decimal(1)
        for part in invoice.lines:
            if (part.order_number or invoice.order_number) not in (None, life.order.order_number):
                continue
            line = lines.get(part.order_line_number or items.get(part.item_number or "", 0))
            if line is not None:
                amount = part.quantity.amount if part.quantity.unit == line.quantity.unit else line.quantity.amount
                found[line.number] += amount * sign  # type: ignore[assignment]
    return found


def _matters(change: OrderChange, life: OrderLife, rest: dict[int, LineLife]) -> bool:
    """Whether it would change what is owed for goods that came, or wishes for more of them."""
    lines = {one.line.number: one.line for one in life.lines}
    return any(
        _differs(part, lines.get(part.order_line_number))
        for part in change.lines
        if part.order_line_number in rest or part.order_line_number not in lines
    )


def _differs(part: OrderChangeLine, line: OrderLine | None) -> bool:
    """Less of what is there already, or on another day, is of no use any more."""
    if part.action is OrderChangeAction.DELETE:
        return False
    if line is None:
        return True
    told = part.quantity
    is_more = told is not None and (told.unit != line.quantity.unit or told.amount > line.quantity.amount)
    return is_more or (part.price is not None and part.price != line.price)
