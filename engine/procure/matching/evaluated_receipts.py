"""Orders that are paid by what is received, without invoices: each receipt is asked for as if it were invoiced.

What is made so is matched like any invoice: not above the order, not to a supplier that may not be paid, not twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from engine.canonical import (
    Invoice,
    InvoiceKind,
    InvoiceLine,
    Money,
    OrderLine,
    PostingResult,
    PurchaseOrder,
    Quantity,
    Receipt,
    ReceiptLine,
)
from engine.channel.policy_parts import Aspects
from engine.core.clock import from_micros
from engine.procure.decision import Finding, World, text_of
from engine.procure.exact import Exact, decimal_of, exact
from engine.procure.matching.book import Book
from engine.procure.matching.ways import FOUR_WAYS, ways_of
from engine.procure.papers import Papers
from engine.procure.waiting import Waiting, waiting_for

ORIGIN = "evaluated_receipt"


class Evaluated(NamedTuple):
    """`made`: what the receipt asks for, None when it asks for nothing. `waiting`: for its inspection."""

    key: str
    made: Invoice | None
    findings: tuple[Finding, ...] = ()
    waiting: Waiting | None = None


def evaluated(papers: Papers, book: Book, world: World, posted: frozenset[str]) -> Iterator[Evaluated]:
    """
    Args:
        posted: keys of the invoices that the ERP was given.
    """
    order = book.order
    if order is None or not order.evaluated_receipt:
        return
    for receipt in papers.newest(Receipt):
        yield _evaluated(receipt, order, papers, book, world, posted)


def _evaluated(
    receipt: Receipt, order: PurchaseOrder, papers: Papers, book: Book, world: World, posted: frozenset[str]
) -> Evaluated:
    key = f"{order.supplier_number}/ERS-{receipt.receipt_number}"
    since = tuple(_changed(receipt, key, order, papers)) if key in posted else ()
    if receipt.cancelled:
        return Evaluated(key, None, since)
    unknown = tuple(_units_unknown(receipt, order, book))
    lines = tuple(_lines(receipt, order, book))
    if not any(line.quantity.amount for line in lines):
        return Evaluated(key, None, (*since, *unknown))
    if key not in posted and (open_lines := _not_inspected(receipt, order, book)):
        seen = from_micros(papers.first(receipt).record.at_micros)
        waiting = waiting_for(world, "inspections", seen)
        faults = () if waiting is not None else (_not_accepted(key, order, open_lines),)
        return Evaluated(key, None, (*unknown, *faults), waiting)
    return Evaluated(key, _invoice(receipt, order, lines), (*since, *unknown))


def _invoice(receipt: Receipt, order: PurchaseOrder, lines: tuple[InvoiceLine, ...]) -> Invoice:
    total = Money(amount=sum(line.extended.amount for line in lines), currency=order.currency)
    return Invoice(
        invoice_number=f"ERS-{receipt.receipt_number}", supplier_number=order.supplier_number,
        invoiced_on=receipt.received_on, stated_total=total, lines=lines, currency=order.currency,
        invoice_kind=InvoiceKind.INVOICE if receipt.sign > 0 else InvoiceKind.CREDIT_MEMO,
        order_number=order.order_number, facility=order.facility, legal_entity=order.legal_entity, origin=ORIGIN,
    )  # fmt: skip


def _lines(receipt: Receipt, order: PurchaseOrder, book: Book) -> Iterator[InvoiceLine]:
    """In the units that the order's prices are per. A unit that nobody can convert is a person's."""
    for count, one in enumerate(receipt.lines, 1):
        line = book.lines.get(one.order_line_number)
        factor = _factor(one, line, receipt, order, book) if line is not None else None
        if line is None or factor is None:
            continue
        amount = decimal_of(exact((one.accepted or one.quantity).amount) * factor)
        yield InvoiceLine(
            number=count, quantity=Quantity(amount=amount, unit=line.price_unit or line.quantity.unit),
            price=line.price, item_number=line.item_number, order_line_number=line.number,
            cost_center=line.cost_center, receipt_number=receipt.receipt_number,
        )  # fmt: skip


def _factor(one: ReceiptLine, line: OrderLine, receipt: Receipt, order: PurchaseOrder, book: Book) -> Exact | None:
    unit, day = line.price_unit or line.quantity.unit, receipt.received_on
    return book.factor(one.quantity.unit, unit, line.item_number, order.supplier_number, day)


# ------------------------------------------------------------------ what stands against it
def _units_unknown(receipt: Receipt, order: PurchaseOrder, book: Book) -> Iterator[Finding]:
    for one in receipt.lines:
        line = book.lines.get(one.order_line_number)
        if line is None or _factor(one, line, receipt, order, book) is not None:
            continue
        title = "Nobody told how the units convert, so the receipt cannot be paid"
        facts = {
            "item": line.item_number,
            "unit": one.quantity.unit,
            "order_unit": line.price_unit or line.quantity.unit,
        }
        yield Finding("unit_unknown", f"{receipt.natural_key}/{one.order_line_number}", title,
                      supplier=receipt.supplier_number, facility=order.facility, facts=facts,
                      flip=f"a conversion for item {line.item_number}")  # fmt: skip


def _not_inspected(receipt: Receipt, order: PurchaseOrder, book: Book) -> list[int]:
    """All of a receipt is paid at once: when each line that must be inspected was."""
    return [one.order_line_number for one in receipt.lines
            if one.accepted is None and receipt.sign > 0 and _is_inspected(one, order, book)]  # fmt: skip


def _is_inspected(received: ReceiptLine, order: PurchaseOrder, book: Book) -> bool:
    line = book.lines.get(received.order_line_number)
    if line is None:
        return False
    item = book.item(line.item_number)
    category = line.category or order.category or (item.category if item else None)
    aspects = Aspects(order.supplier_number, category, None, order.facility, order.legal_entity)
    return ways_of(line, order, aspects, book.policies, item) >= FOUR_WAYS


def _not_accepted(key: str, order: PurchaseOrder, lines: list[int]) -> Finding:
    title, flip = "It was received but not accepted", "what its inspection accepted"
    return Finding("quantity_not_accepted", key, title, supplier=order.supplier_number, facility=order.facility,
                   flip=flip, facts={"lines": lines})  # fmt: skip


def _changed(receipt: Receipt, key: str, order: PurchaseOrder, papers: Papers) -> Iterator[Finding]:
    """It was paid by what the receipt said then."""
    if receipt.cancelled:
        title = "It was paid by a receipt that is cancelled now"
        yield Finding("decided_otherwise_since", key, title, supplier=order.supplier_number,
                      flip="a receipt that stands, or a credit from the supplier")  # fmt: skip
        return
    paid = _paid_by(receipt, key, papers)
    before, now = _goods(paid), _goods(receipt)
    if before != now:
        title = "It was paid by a receipt that says something else now"
        flip = "the receipt as it was, or a credit of the difference"
        yield Finding("decided_otherwise_since", key, title, supplier=order.supplier_number, facility=order.facility,
                      facts={"paid": before, "now": now}, flip=flip)  # fmt: skip


def _paid_by(receipt: Receipt, key: str, papers: Papers) -> Receipt:
    """Its newest version when the ERP answered; before it did, the first."""
    versions = [one for one in papers.all if one.record.kind == "Receipt" and one.record.key == receipt.natural_key]
    answers = [papers.first(one).record.at_micros for one in papers.newest(PostingResult)
               if one.ok and one.command == "post_invoice" and one.subject_key == key]  # fmt: skip
    by_then = [one for one in versions if answers and one.record.at_micros <= min(answers)] or versions[:1]
    paid = by_then[-1].document if by_then else receipt
    return paid if isinstance(paid, Receipt) else receipt


def _goods(receipt: Receipt) -> list[str]:
    return [f"line {one.order_line_number}: {text_of((one.accepted or one.quantity).amount)} {one.quantity.unit}"
            for one in receipt.lines]  # fmt: skip
