"""Which rows a document makes, by its kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from engine.canonical import (
    ApprovalAction,
    CaseAction,
    Invoice,
    Money,
    OrderAcknowledgement,
    PostingResult,
    PurchaseOrder,
    Receipt,
    ReceiptKind,
    ReconciliationReport,
    Requisition,
    Supplier,
    total,
)
from engine.ports.measures import Milestone
from engine.procure.milestone_payments import OF_PAYMENTS
from engine.procure.milestone_rows import IDLE, Rows, day_number, invoice_of_place, money, number, only
from engine.procure.milestone_usage import OF_USAGE, stock_rows
from engine.procure.order_lines import is_goods, order_life

_CANCELLED = frozenset({"01", "03"})  # X12 BEG01


# ------------------------------------------------------------------ wishes and orders
def _requisition(rows: Rows, one: Requisition) -> Iterator[Milestone]:
    yield rows.row(
        "requisition_raised", "requisition", one, day=day_number(one.requested_on), type=one.urgency.value,
        supplier=only(line.supplier_number for line in one.lines), **money(_expected(one)),
    )  # fmt: skip


def _expected(one: Requisition) -> Money | None:
    """None: not every line says what it will cost, in one currency."""
    parts = [line.anticipated_price.times(line.quantity.amount) for line in one.lines if line.anticipated_price]
    whole = len(parts) == len(one.lines) and len({part.currency for part in parts}) == 1
    return total(parts).rounded() if whole else None


def _order(rows: Rows, one: PurchaseOrder) -> Iterator[Milestone]:
    if one.purpose in _CANCELLED:
        return
    usual = {"day": day_number(one.ordered_on), "matter": one.order_number}
    yield rows.traded("order_created", "order", one, **usual, **money(one.total))
    yield rows.traded("order_on_contract", "order", one, **usual, **money(_on_contract(one)))
    days = [line.needed_by or one.needed_by for line in one.lines]
    if promised := [day for day in days if day is not None]:
        yield rows.traded("order_promised", "order", one, matter=one.order_number, day=day_number(max(promised)))
    for wish in one.requisition_numbers:
        yield rows.traded("requisition_ordered", "requisition", one, key=wish, detail=one.order_number, **usual)


def _on_contract(one: PurchaseOrder) -> Money:
    """Lines that name their contract and cost no more than it says."""
    named = [line for line in one.lines if line.contract_number or one.contract_number]
    kept = [line for line in named if line.contract_price is None or line.price.amount <= line.contract_price.amount]
    return total([line.extended for line in kept], one.currency)


def _acknowledgement(rows: Rows, one: OrderAcknowledgement) -> Iterator[Milestone]:
    yield rows.traded(
        "order_acknowledged", "order", one, key=one.order_number, detail=one.natural_key,
        day=day_number(one.acknowledged_on), type=one.acknowledgement_type,
    )  # fmt: skip


def _receipt(rows: Rows, one: Receipt) -> Iterator[Milestone]:
    if not one.cancelled and one.receipt_kind is ReceiptKind.RECEIPT:
        yield rows.traded("receipt_posted", "receipt", one, day=day_number(one.received_on))


def _received_in_full(rows: Rows) -> Iterator[Milestone]:
    """All goods of the order came: dated by the last of its receipts."""
    life, receipts = order_life(rows.papers), [one for one in rows.papers.newest(Receipt) if one.sign > 0]
    goods = [one for one in life.lines if is_goods(one)] if life is not None else []
    if life is None or not goods or not receipts or any(one.outstanding for one in goods) or life.is_cancelled:
        return
    last = max(rows.papers.first(one).record.at_micros for one in (life.order, *receipts))
    yield rows.traded(
        "order_received", "receipt", life.order, matter=life.order.order_number, at_micros=last,
        day=day_number(max(one.received_on for one in receipts)),
    )  # fmt: skip


# ------------------------------------------------------------------ invoices
def _invoice(rows: Rows, one: Invoice) -> Iterator[Milestone]:
    stated, kind = one.stated_total, one.invoice_kind.value
    yield rows.traded(
        "invoice_received", "invoice", one, day=day_number(one.invoiced_on), type=kind, **money(stated)
    )  # fmt: skip
    terms = one.terms
    if terms is not None and terms.discount_amount is not None:
        yield rows.traded("discount_offered", "payment", one, **money(terms.discount_amount))
    elif terms is not None and terms.discount_percent:
        offered = stated.times(terms.discount_percent / Decimal(100)).rounded()
        yield rows.traded("discount_offered", "payment", one, **money(offered))


def _case_action(rows: Rows, one: CaseAction) -> Iterator[Milestone]:
    if one.action in IDLE:
        return
    about = invoice_of_place(one.place or "", rows.papers)
    yield rows.traded(
        "person_acted", "exception", one, key=one.case_id, detail=one.action_number, matter=about,
        type=one.action.value, who=one.who, **rows.about(about), **money(one.amount),
    )  # fmt: skip


def _approval_action(rows: Rows, one: ApprovalAction) -> Iterator[Milestone]:
    yield rows.row(
        "approval_acted", "requisition", one, key=one.approval_number, detail=one.action_number, matter=one.dossier,
        type=one.action.value, who=one.who,
    )  # fmt: skip


# ------------------------------------------------------------------ suppliers, answers, comparisons
def _supplier(rows: Rows, one: Supplier) -> Iterator[Milestone]:
    first = rows.papers.first(one).document
    status = first.status.value if isinstance(first, Supplier) else None
    yield rows.row("supplier_requested", "supplier", one, type=status, category=only(one.categories))


def _answer(rows: Rows, one: PostingResult) -> Iterator[Milestone]:
    """The first good answer and the first refusal of each command and document."""
    versions = [p for p in rows.papers.all if (p.record.kind, p.record.key) == (one.kind, one.natural_key)]
    of = rows.about(one.subject_key if one.subject_kind == Invoice.kind else None)
    for what, good in (("command_answered", True), ("command_refused", False)):
        told = [p.record for p in versions if isinstance(p.document, PostingResult) and p.document.ok is good]
        if told:
            yield rows.traded(
                what, "ledger", one, key=one.subject_key, kind=one.subject_kind, detail=f"{one.command}/{one.system}",
                type=one.command, at_micros=told[0].at_micros, matter=one.dossier, day=day_number(one.posted_on), **of,
            )  # fmt: skip


def _compared(rows: Rows, one: ReconciliationReport) -> Iterator[Milestone]:
    at = rows.papers.paper(one).record.at_micros
    usual = {"type": one.subject_kind, "at_micros": at}
    yield rows.row("compared", "ledger", one, **usual, **number(max(one.count_here, one.count_there)))
    yield rows.row("drifted", "ledger", one, **usual, **number(len(one.drifts) + one.left_out))


Maker = Callable[[Rows, Any], Iterator[Milestone]]
BY_KIND: Mapping[str, Maker] = {
    "Requisition": _requisition,
    "PurchaseOrder": _order,
    "OrderAcknowledgement": _acknowledgement,
    "Receipt": _receipt,
    "Invoice": _invoice,
    "CaseAction": _case_action,
    "ApprovalAction": _approval_action,
    "Supplier": _supplier,
    "PostingResult": _answer,
    "ReconciliationReport": _compared,
    **OF_PAYMENTS,
    **OF_USAGE,
}


def milestones_of_whole(rows: Rows) -> Iterator[Milestone]:
    """What only all documents of a dossier tell together."""
    if rows.dossier.startswith("order:"):
        yield from _received_in_full(rows)
    elif rows.dossier.startswith("stock:"):
        yield from stock_rows(rows)
