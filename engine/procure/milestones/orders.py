"""Rows of orders as they stand with their changes: what is ordered, promised, received in full and still to be paid."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from engine.canonical import (
    LineKind,
    Money,
    OrderAcknowledgement,
    OrderChange,
    OrderLine,
    PurchaseOrder,
    Receipt,
    ReceiptKind,
    total,
)
from engine.ports.measures import Milestone
from engine.procure.milestones.rows import Rows, day_number, money
from engine.procure.orders.lines import OrderLife, is_goods, order_life
from engine.procure.papers import Papers

_CANCELLED = frozenset({"01", "03"})  # X12 BEG01
_BOUGHT = frozenset({LineKind.GOODS, LineKind.SERVICE})  # freight, tax and charges are under no contract


def _order(rows: Rows, one: PurchaseOrder) -> Iterator[Milestone]:
    if one.purpose in _CANCELLED:
        return
    usual = {"day": day_number(one.ordered_on), "matter": one.order_number}
    yield rows.traded("order_created", "order", one, **usual, **money(one.total))
    for wish in one.requisition_numbers:
        yield rows.traded("requisition_ordered", "requisition", one, key=wish, detail=one.order_number, **usual)


def _acknowledgement(rows: Rows, one: OrderAcknowledgement) -> Iterator[Milestone]:
    yield rows.traded(
        "order_acknowledged", "order", one, key=one.order_number, detail=one.natural_key,
        day=day_number(one.acknowledged_on), type=one.acknowledgement_type,
    )  # fmt: skip


def _receipt(rows: Rows, one: Receipt) -> Iterator[Milestone]:
    if not one.cancelled and one.receipt_kind is ReceiptKind.RECEIPT:
        yield rows.traded("receipt_posted", "receipt", one, day=day_number(one.received_on))


OF_ORDERS: Mapping[str, Callable[[Rows, Any], Iterator[Milestone]]] = {
    "PurchaseOrder": _order,
    "OrderAcknowledgement": _acknowledgement,
    "Receipt": _receipt,
}


def order_rows(rows: Rows) -> Iterator[Milestone]:
    """What only the order with all of its changes and receipts tells."""
    yield from _committed(rows)
    life = order_life(rows.papers)
    if life is None or life.is_cancelled:
        return
    usual = {"day": day_number(life.order.ordered_on), "matter": life.order.order_number}
    if not life.order.blanket:
        yield rows.traded("order_bought", "order", life.order, **usual, **money(_bought(life)))
        yield rows.traded("order_on_contract", "order", life.order, **usual, **money(_bought(life, on_contract=True)))
    days = [one.line.needed_by or life.order.needed_by for one in life.lines if is_goods(one)]
    if promised := [day for day in days if day is not None]:
        yield rows.traded("order_promised", "order", life.order, **{**usual, "day": day_number(max(promised))})
    yield from _received_in_full(rows, life)


# ------------------------------------------------------------------ money
def _bought(life: OrderLife, on_contract: bool = False) -> Money:
    """Goods and services; `on_contract`: of lines that name their contract and cost no more than it says."""
    lines = (one.line for one in life.lines if one.line.line_kind in _BOUGHT)
    return total([one.extended for one in lines if not on_contract or _keeps(one, life.order)], life.order.currency)


def _keeps(line: OrderLine, order: PurchaseOrder) -> bool:
    if not (line.contract_number or order.contract_number):
        return False
    return line.contract_price is None or line.price.amount <= line.contract_price.amount


def _committed(rows: Rows) -> Iterator[Milestone]:
    """What the order promised to cost, and by how much that changed each time that it was changed or cancelled."""
    told = [one for one in rows.papers.all if isinstance(one.document, PurchaseOrder | OrderChange)]
    before, order, is_told = Decimal(0), rows.order, False
    if order is None:
        return
    last = max((one.record.at_micros for one in told), default=0)
    for at in sorted({one.record.at_micros for one in told}):
        known = rows.papers if at == last else Papers.of(one for one in told if one.record.at_micros <= at)
        worth = _worth(known)
        if worth != before or (not is_told and _promises(known)):
            is_told = True
            change = money(Money(amount=worth - before, currency=order.currency))
            usual = {"at_micros": at, "detail": str(at), "matter": order.order_number}
            yield rows.traded("order_committed", "order", order, **usual, **change)
        before = worth


def _promises(papers: Papers) -> bool:
    """Also one that was changed to nothing in the same moment."""
    return any(one.purpose not in _CANCELLED and not one.blanket for one in papers.newest(PurchaseOrder))


def _worth(papers: Papers) -> Decimal:
    """With freight and tax. A standing order promises nothing: its releases do."""
    life = order_life(papers)
    if life is None or life.is_cancelled or life.order.blanket:
        return Decimal(0)
    parts = [one.line.extended for one in life.lines] + [one.amount for one in life.order.charges]
    return total(parts, life.order.currency).amount


# ------------------------------------------------------------------ goods
def _received_in_full(rows: Rows, life: OrderLife) -> Iterator[Milestone]:
    """All goods of the order came: on the day of the receipt that made it whole, in when the last of all came in."""
    goods = [one for one in life.lines if is_goods(one)]
    if not goods or any(one.outstanding for one in goods):
        return
    receipts = [one for one in rows.papers.newest(Receipt) if one.sign]
    wanted = {one.line.number: one.line.quantity for one in goods}
    day, last = _whole_on(receipts, {number: (one.amount, one.unit) for number, one in wanted.items()})
    if day is None:
        return
    at = max(rows.papers.first(one).record.at_micros for one in (life.order, *last))
    yield rows.traded(
        "order_received", "receipt", life.order, matter=life.order.order_number, at_micros=at, day=day_number(day)
    )  # fmt: skip


def _whole_on(
    receipts: Iterable[Receipt], wanted: Mapping[int, tuple[Decimal, str]]
) -> tuple[date | None, list[Receipt]]:
    """The day since which nothing is missing, and the receipts until then. What comes later was too much."""
    got: defaultdict[int, Decimal] = defaultdict(Decimal)
    day, last, so_far = None, list[Receipt](), list[Receipt]()
    for one in sorted(receipts, key=lambda receipt: (receipt.received_on, receipt.sign < 0, receipt.receipt_number)):
        so_far.append(one)
        for part in one.lines:
            if wanted.get(part.order_line_number, (0, ""))[1] == part.quantity.unit:
                got[part.order_line_number] += one.sign * part.quantity.amount
        is_whole = all(got[number] >= amount for number, (amount, _) in wanted.items())
        if not is_whole:
            day = None
        elif day is None:
            day, last = one.received_on, list(so_far)
    return day, last
