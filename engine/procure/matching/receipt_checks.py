"""Receipts that cannot all be right: of lines that nobody ordered, told twice, above the order, below nothing.

What was told twice holds the invoices of its line, for it would be paid twice; the others are told and hold nothing:
what was not ordered, or not received, is not paid in any case.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from engine.canonical import Item, Money, OrderLine, PurchaseOrder, Receipt, ReceiptKind, ReceiptLine, ShipmentNotice
from engine.channel.policy_parts import Aspects
from engine.procure.decision import Finding, World, text_of
from engine.procure.matching.order import order_of
from engine.procure.matching.tolerance import judge
from engine.procure.orders.lines import LineLife, OrderLife, is_goods
from engine.procure.papers import Papers
from engine.procure.policies import policies_of
from engine.procure.units import units_factor

LINE = "order_line"  # fact of a finding: whose invoices are held


def told_twice(papers: Papers) -> Iterator[Finding]:
    """The same goods of one shipment on one day under two numbers, and more than was announced of it."""
    order, _ = order_of(papers)
    alike: defaultdict[tuple[Any, ...], list[Receipt]] = defaultdict(list)
    for receipt in papers.newest(Receipt):
        if receipt.shipment_number and receipt.receipt_kind is ReceiptKind.RECEIPT and not receipt.cancelled:
            alike[_goods_of(receipt)].append(receipt)
    for same in alike.values():
        first, *others = sorted(same, key=lambda one: (papers.first(one).record.at_micros, one.receipt_number))
        for again in others:
            for part in again.lines:
                if order is not None and not _announced(part, again, len(same), papers):
                    yield _again(part, again, first, order)


def _goods_of(receipt: Receipt) -> tuple[Any, ...]:
    """Without prices and places: what a scanner and a clerk both tell."""
    parts = sorted(
        (one.order_line_number, one.item_number, text_of(one.quantity.amount.normalize()), one.quantity.unit,
         one.lot or "", one.serial or "") for one in receipt.lines
    )  # fmt: skip
    return (receipt.shipment_number, receipt.received_on, tuple(parts))


def _announced(part: ReceiptLine, receipt: Receipt, times: int, papers: Papers) -> bool:
    """Whether the supplier shipped so much: then two equal parcels came, and both are real."""
    told = [
        one.quantity.amount
        for notice in papers.newest(ShipmentNotice)
        for one in notice.lines
        if notice.shipment_number == receipt.shipment_number
        and one.order_line_number == part.order_line_number
        and one.quantity.unit == part.quantity.unit
    ]
    return part.serial is None and sum(told, Decimal(0)) >= part.quantity.amount * times


def _again(part: ReceiptLine, again: Receipt, first: Receipt, order: PurchaseOrder) -> Finding:
    line = next((one for one in order.lines if one.number == part.order_line_number), None)
    came = f"{text_of(part.quantity.amount)} {part.quantity.unit}"
    facts = {LINE: part.order_line_number, "item": part.item_number, "came": came, "shipment": again.shipment_number,
             "receipt": again.receipt_number, "like": first.receipt_number}  # fmt: skip
    same_unit = line is not None and line.quantity.unit == part.quantity.unit
    money = line.price.times(part.quantity.amount).rounded() if line is not None and same_unit else None
    title, place = "The same goods were received twice", f"receipt {again.receipt_number} line {part.order_line_number}"
    flip = "its cancellation, a ship notice of that much, or a word that both are real"
    return _found("receipt_told_twice", place, title, order, money, facts, flip)


def receipt_findings(life: OrderLife, papers: Papers, world: World) -> Iterator[Finding]:
    """What the dock told that does not fit the order."""
    lines = {one.line.number: one.line for one in life.lines}
    for receipt in papers.newest(Receipt):
        for part in receipt.lines if not receipt.cancelled else ():
            line = lines.get(part.order_line_number)
            if life.is_cancelled or line is None:
                yield _not_ordered(part, receipt, life.order)
            elif not _converts(part, line, receipt, world):
                yield _unit_unknown(part, line, receipt, life.order)
    for one in life.lines:
        if is_goods(one) and not life.order.blanket:
            yield from _balance(one, life.order, world)


def _not_ordered(part: ReceiptLine, receipt: Receipt, order: PurchaseOrder) -> Finding:
    facts = {"receipt": receipt.receipt_number, "line": part.order_line_number, "item": part.item_number,
             "came": f"{text_of(part.quantity.amount)} {part.quantity.unit}"}  # fmt: skip
    place = f"receipt {receipt.receipt_number} line {part.order_line_number}"
    title, flip = (
        "It came for a line that is not on the order",
        "the right order line, a change of the order, or its return",
    )
    return _found("receipt_line_not_ordered", place, title, order, None, facts, flip)


def _converts(part: ReceiptLine, line: OrderLine, receipt: Receipt, world: World) -> bool:
    unit, to, day = part.quantity.unit, line.quantity.unit, receipt.received_on
    if unit == to:
        return True
    return units_factor(unit, to, world.find(Item, part.item_number), receipt.supplier_number, day) is not None


def _unit_unknown(part: ReceiptLine, line: OrderLine, receipt: Receipt, order: PurchaseOrder) -> Finding:
    """Nobody knows how much came: it counts for nothing until somebody tells."""
    facts = {"receipt": receipt.receipt_number, "item": part.item_number, "unit": part.quantity.unit,
             "order_unit": line.quantity.unit}  # fmt: skip
    place, title = f"receipt {receipt.receipt_number} line {line.number}", "Nobody told how the receipt's unit converts"
    return _found("unit_unknown", place, title, order, None, facts, f"a conversion for item {part.item_number}")


def _balance(one: LineLife, order: PurchaseOrder, world: World) -> Iterator[Finding]:
    line, ordered = one.line, one.line.quantity.amount
    if one.received < 0:
        facts = {"rule": "received", "expected": "0", "actual": text_of(one.received), "item": line.item_number}
        money = line.price.times(-one.received).rounded()
        flip = f"{text_of(-one.received)} {line.quantity.unit} less going back, or a receipt of them"
        title = "More went back than had come"
        yield _found("receipt_return_exceeds", f"line {line.number}", title, order, money, facts, flip)
        return
    if one.received <= ordered:
        return
    of = Aspects(order.supplier_number, line.category or order.category, None, order.facility, order.legal_entity)
    verdict = judge("quantity_ordered", ordered, one.received, policies_of(world), of)
    if not verdict.within:
        money = line.price.times(one.received - ordered).rounded()
        facts = {**verdict.facts, "item": line.item_number, "unit": line.quantity.unit}
        yield _found("receipt_above_ordered", f"line {line.number}", "More came than was ordered", order, money, facts,
                     f"{verdict.flip}; or a return, or a change of the order")  # fmt: skip


def _found(
    type_: str, place: str, title: str, order: PurchaseOrder, money: Money | None, facts: dict[str, Any], flip: str
) -> Finding:
    return Finding(
        type_, place, title, money=money, supplier=order.supplier_number, facility=order.facility,
        department=order.department, category=order.category, urgency=order.urgency.value, flip=flip,
        facts={"rule": type_, **facts},
    )  # fmt: skip
