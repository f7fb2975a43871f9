"""Which rows a document makes, by its kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from engine.canonical import (
    ApprovalAction,
    ApprovalVerb,
    CaseAction,
    Invoice,
    InvoiceKind,
    Money,
    PostingResult,
    ReconciliationReport,
    Requisition,
    Supplier,
    total,
)
from engine.ports.measures import Milestone
from engine.procure.milestones.orders import OF_ORDERS, order_rows
from engine.procure.milestones.payments import OF_PAYMENTS
from engine.procure.milestones.rows import IDLE, Rows, day_number, invoice_of_place, money, number, only
from engine.procure.milestones.usage import OF_USAGE, stock_rows
from engine.procure.papers import orders_of, own_dossier


# ------------------------------------------------------------------ wishes
def _requisition(rows: Rows, one: Requisition) -> Iterator[Milestone]:
    yield rows.row(
        "requisition_raised", "requisition", one, day=day_number(one.requested_on), type=one.urgency.value,
        supplier=only(line.supplier_number for line in one.lines), **money(_expected(one)),
    )  # fmt: skip


def _wishes_end(rows: Rows) -> Iterator[Milestone]:
    """Somebody rejected it or took it back, and it was not told anew since."""
    acts = [one for one in rows.papers.latest() if isinstance(one.document, ApprovalAction) and _ends(one.document)]
    for paper in [one for one in rows.papers.latest() if isinstance(one.document, Requisition)]:
        told = [one.record.at_micros for one in acts if one.record.at_micros >= paper.record.at_micros]
        if told and own_dossier(paper.document) == rows.dossier:
            yield rows.row("requisition_ended", "requisition", paper.document, at_micros=min(told))


def _ends(action: ApprovalAction) -> bool:
    is_of_wish = action.approval_number == action.dossier.partition(":")[2]
    return is_of_wish and action.action in (ApprovalVerb.REJECT, ApprovalVerb.WITHDRAW)


def _expected(one: Requisition) -> Money | None:
    """None: not every line says what it will cost, in one currency."""
    parts = [line.anticipated_price.times(line.quantity.amount) for line in one.lines if line.anticipated_price]
    whole = len(parts) == len(one.lines) and len({part.currency for part in parts}) == 1
    return total(parts).rounded() if whole else None


# ------------------------------------------------------------------ invoices
def _invoice(rows: Rows, one: Invoice) -> Iterator[Milestone]:
    stated, orders = one.stated_total, orders_of(one)
    usual = {"day": day_number(one.invoiced_on), "type": one.invoice_kind.value}
    home = orders[0] if orders else None
    yield rows.traded("invoice_received", "invoice", one, **{**usual, "matter": home}, **money(stated))
    for order, amount in _of_orders(one, orders):
        told = {**usual, "detail": order, "matter": order}
        yield rows.traded("invoice_of_order", "invoice", one, **told, **money(amount))
    for version in rows.papers.all:
        record = version.record
        if (record.kind, record.key) == (one.kind, one.natural_key) and record.who:
            told = {"detail": str(record.version), "at_micros": record.at_micros, "who": record.who}
            yield rows.traded("invoice_written", "invoice", one, **{**told, "matter": one.natural_key})
    terms = one.terms if one.invoice_kind is InvoiceKind.INVOICE else None  # a credit offers nothing for being early
    if terms is not None and terms.discount_amount is not None:
        yield rows.traded("discount_offered", "payment", one, **money(terms.discount_amount))
    elif terms is not None and terms.discount_percent:
        offered = stated.times(terms.discount_percent / Decimal(100)).rounded()
        yield rows.traded("discount_offered", "payment", one, **money(offered))


def _of_orders(one: Invoice, orders: Sequence[str]) -> Iterator[tuple[str, Money]]:
    """What it asks for of each of its orders; all that is no line of another one is of the first."""
    rest = one.stated_total
    for order in orders[1:]:
        lines = [line.extended for line in one.lines if (line.order_number or one.order_number) == order]
        part = total(lines, one.stated_total.currency)
        rest -= part
        yield order, part
    if orders:
        yield orders[0], rest


def _case_action(rows: Rows, one: CaseAction) -> Iterator[Milestone]:
    """`person_acted`: decided something; `person_looked`: only wrote a comment, or gave it to somebody else."""
    what = "person_looked" if one.action in IDLE else "person_acted"
    about = invoice_of_place(one.place or "", rows.papers)
    yield rows.traded(
        what, "exception", one, key=one.case_id, detail=one.action_number, matter=about,
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
    "Invoice": _invoice,
    "CaseAction": _case_action,
    "ApprovalAction": _approval_action,
    "Supplier": _supplier,
    "PostingResult": _answer,
    "ReconciliationReport": _compared,
    **OF_ORDERS,
    **OF_PAYMENTS,
    **OF_USAGE,
}


def milestones_of_whole(rows: Rows) -> Iterator[Milestone]:
    """What only all documents of a dossier tell together."""
    if rows.dossier.startswith("order:"):
        yield from order_rows(rows)
    elif rows.dossier.startswith("requisition:"):
        yield from _wishes_end(rows)
    elif rows.dossier.startswith("stock:"):
        yield from stock_rows(rows)
