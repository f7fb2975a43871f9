"""Rows of payments: what the ERP and the bank say, whichever is first; a portal's word pays nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from engine.canonical import BankState, BankStatusReport, Payment, PaymentState, PaymentStatus, ReportSource
from engine.canonical import PaymentProgress as P
from engine.ports.measures import Milestone
from engine.procure.milestones.rows import Rows, day_number, money
from engine.procure.papers import Paper

_OUT = frozenset({P.RELEASED, P.TRANSMITTED, P.ACCEPTED, P.SETTLED, P.RECONCILED})
_SETTLED = frozenset({P.SETTLED, P.RECONCILED})
_FAILED = frozenset({P.REJECTED, P.RETURNED, P.STOPPED, P.VOIDED})
_BANK_FAILED = frozenset({BankState.REJECTED, BankState.RETURNED, BankState.STOPPED})


def _payment(rows: Rows, one: Payment) -> Iterator[Milestone]:
    usual = {**money(one.amount), "day": day_number(one.pay_on), "type": one.method.value}
    yield rows.row("payment_created", "payment", one, **usual)
    if out := _first(rows, one, _OUT):
        yield rows.row("payment_released", "payment", one, **{**usual, "at_micros": out.record.at_micros})
    failed = _first(rows, one, _FAILED, _BANK_FAILED)
    if failed is not None:
        word = failed.document.state.value  # type: ignore[attr-defined]
        yield rows.row("payment_failed", "payment", one, **{**usual, "at_micros": _at(rows, one, failed), "type": word})
    settled = _first(rows, one, _SETTLED, frozenset({BankState.SETTLED}))
    for part in one.invoices:
        yield rows.row(
            "invoice_in_payment", "payment", one, key=f"{one.supplier_number}/{part.invoice_number}", kind="Invoice",
            detail=one.payment_number, type="live" if failed is None else "ended", matter=one.payment_number,
            **money(part.amount),
        )  # fmt: skip
    if settled is not None:
        at, day = _at(rows, one, settled), day_number(_day(settled) or one.settled_on or one.pay_on)
        yield rows.row("payment_settled", "payment", one, **{**usual, "at_micros": at, "day": day})
        yield from _paid(rows, one, at, day, failed is None)


def _paid(rows: Rows, one: Payment, at: int, day: int | None, stays: bool) -> Iterator[Milestone]:
    """Each invoice that it pays; `type` says whether the money stayed there."""
    for part in one.invoices:
        usual = {
            "key": f"{one.supplier_number}/{part.invoice_number}", "kind": "Invoice", "detail": one.payment_number,
            "at_micros": at, "day": day, "type": "kept" if stays else "came_back", "matter": one.payment_number,
        }  # fmt: skip
        yield rows.row("invoice_paid", "payment", one, **usual, **money(part.amount))
        if part.discount is not None:
            yield rows.row("discount_taken", "payment", one, **usual, **money(part.discount))


def _first(
    rows: Rows, one: Payment, states: frozenset[P], bank: frozenset[BankState] = frozenset()
) -> Paper | None:  # fmt: skip
    """The first to say so: a version of the payment, or a report of the bank."""
    told = [
        paper
        for paper in rows.papers.all
        if (isinstance(paper.document, Payment) and paper.document.state in states)
        or (isinstance(paper.document, BankStatusReport) and _says(paper.document, bank))
    ]
    return min(told, key=lambda paper: (paper.record.at_micros, paper.record.kind, paper.record.key), default=None)


def _says(report: BankStatusReport, states: frozenset[BankState]) -> bool:
    return report.state in states and report.source is not ReportSource.PORTAL


def _at(rows: Rows, one: Payment, told: Paper) -> int:
    """Not before the payment itself was known."""
    return max(told.record.at_micros, rows.papers.first(one).record.at_micros)


def _day(told: Paper) -> Any:
    document = told.document
    return document.happened_on if isinstance(document, BankStatusReport) else None


def _status(rows: Rows, one: PaymentStatus) -> Iterator[Milestone]:
    """The ledger's word alone; without an amount, for payments tell theirs. It may take it back: then it came back."""
    paid = [
        paper.record
        for paper in rows.papers.all
        if isinstance(paper.document, PaymentStatus)
        and paper.record.key == one.natural_key
        and paper.document.state is PaymentState.PAID
    ]
    if paid:
        yield rows.row(
            "invoice_paid", "payment", one, kind="Invoice", detail="ledger", at_micros=paid[0].at_micros,
            day=day_number(one.as_of), type="told" if one.state is PaymentState.PAID else "came_back",
        )  # fmt: skip


OF_PAYMENTS: Mapping[str, Callable[[Rows, Any], Iterator[Milestone]]] = {"Payment": _payment, "PaymentStatus": _status}
