"""Where an order and its invoices stand: the stages from the requisition to the payment. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, TypeVar

import msgspec

from engine.canonical import (
    ApprovalAction,
    Document,
    Invoice,
    OrderAcknowledgement,
    OrderChange,
    Payment,
    PaymentStatus,
    PurchaseOrder,
    Receipt,
    Requisition,
    ShipmentNotice,
)
from engine.core.clock import from_micros
from engine.ports.p2p_operations import InvoiceStatus, Step
from engine.ports.procure import Case, GivenCommand
from engine.procure.decision import text_of
from engine.procure.papers import Papers

D = TypeVar("D", bound=Document)
Commands = Sequence[tuple[GivenCommand, int]]
_STEP_STATES = {"done": "done", "undone": "done", "refused": "trouble", "not_undone": "trouble"}
_TROUBLE = frozenset({"exception", "unmatched", "rejected", "blocked", "disagreement", "returned", "failed", "stuck"})
_NOT_PAID = frozenset({"rejected", "returned", "stopped", "voided", "stale", "disputed"})


class Known(msgspec.Struct, frozen=True):
    """What is told of an order: its own dossier, and documents of others that name it.

    Args:
        numbers: the ledger's number, by natural key of the invoice that was posted.
        payment_states: where a payment stands by ERP, bank and portal together, by its number.
    """

    papers: Papers
    state: Mapping[str, Any]
    cases: Sequence[Case] = ()
    commands: Commands = ()
    requisitions: Papers = Papers(())
    payments: Papers = Papers(())
    numbers: Mapping[str, str] = {}
    payment_states: Mapping[str, str] = {}


# ------------------------------------------------------------------ invoices
def invoice_status(invoice: Invoice, known: Known) -> InvoiceStatus:
    key = invoice.natural_key
    fact = invoice_state(known.state, key)
    paid, payment = _payment_of(invoice, known)
    return InvoiceStatus(
        supplier=invoice.supplier_number,
        invoice_number=invoice.invoice_number,
        state=_word(key, fact, known),
        amount=text_of(invoice.stated_total.amount),
        currency=invoice.stated_total.currency,
        order_number=invoice.order_number,
        invoiced_on=invoice.invoiced_on.isoformat(),
        facility=invoice.facility,
        waits_for=_text(fact, "for", "waits_for"),
        until=_text(fact, "until"),
        because=_text(fact, "because", "source", "of"),
        cases=sum(one.state == "open" and place_of(one).startswith(key) for one in known.cases),
        payment=paid,
        paid_on=payment.pay_on.isoformat() if payment and paid not in _NOT_PAID else None,
        reference=known.numbers.get(key),
    )


def invoice_state(state: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """What the decider said of one invoice."""
    found = state.get("invoices")
    fact = found.get(key) if isinstance(found, Mapping) else None
    return fact if isinstance(fact, Mapping) else {}


def place_of(case: Case) -> str:
    return case.case_id.removeprefix(f"{case.dossier}#{case.type}#")


def _word(key: str, fact: Mapping[str, Any], known: Known) -> str:
    said = str(fact.get("state", "received"))
    given = any(one.command.name == "post_invoice" and one.command.natural_key == key for one, _ in known.commands)
    if key in known.numbers:
        return "posted"
    return "to be posted" if given and said in {"matched", "received"} else said


def _payment_of(invoice: Invoice, known: Known) -> tuple[str | None, Payment | None]:
    """What ERP, bank and portal say together of its payment; without a payment, the ERP's word on the invoice."""
    key = invoice.natural_key
    said = [one.state.value for one in known.payments.newest(PaymentStatus) if one.natural_key == key]
    paying = [
        one
        for one in known.payments.newest(Payment)
        if one.supplier_number == invoice.supplier_number
        and any(paid.invoice_number == invoice.invoice_number for paid in one.invoices)
    ]
    payment = max(paying, key=lambda one: (one.pay_on, one.payment_number), default=None)
    if payment is None:
        return (said[0] if said else None), None
    return known.payment_states.get(payment.payment_number, payment.state.value), payment


def _text(fact: Mapping[str, Any], *names: str) -> str | None:
    found = next((fact[name] for name in names if fact.get(name)), None)
    if isinstance(found, list):
        return ", ".join(str(one).replace("_", " ") for one in found)
    return None if found is None else str(found)


# ------------------------------------------------------------------ the order
def steps_of(known: Known) -> list[Step]:
    """In the order of the business, whatever came first. A stage that is not there is told as waiting when a later
    one cannot be without it."""
    papers = known.papers
    steps = _requested(known)
    steps += [_step(papers, one, "order", "Ordered", one.ordered_on) for one in papers.newest(PurchaseOrder)]
    steps += _sent(known)
    steps += [_step(papers, one, "change", f"Change {one.change_number}", one.changed_on)
              for one in papers.newest(OrderChange)]  # fmt: skip
    steps += [_acknowledged(papers, one) for one in papers.newest(OrderAcknowledgement)]
    steps += [_step(papers, one, "shipment", f"Shipment {one.shipment_number}", one.shipped_on or one.noticed_on)
              for one in papers.newest(ShipmentNotice)]  # fmt: skip
    steps += [_received(papers, one) for one in papers.newest(Receipt)]
    for invoice in papers.newest(Invoice):
        steps += _invoiced(invoice, known)
    return steps


def _requested(known: Known) -> list[Step]:
    papers = known.requisitions
    steps = [
        _step(papers, one, "requisition", f"Requisition {one.requisition_number}", one.requested_on)
        for one in papers.newest(Requisition)
    ]
    for paper in papers.all:
        if isinstance(paper.document, ApprovalAction):
            action = paper.document
            steps.append(Step("approval", f"Approval: {action.action.value}", "done", action.at, f"by {action.who}"))
    return steps


def _sent(known: Known) -> list[Step]:
    return [
        Step("order", "Given to be sent to the supplier", "done", from_micros(at))
        for one, at in known.commands
        if one.command.name == "send_order"
    ]


def _acknowledged(papers: Papers, answer: OrderAcknowledgement) -> Step:
    state = "trouble" if answer.acknowledgement_type in {"RJ", "RD"} else "done"
    step = _step(papers, answer, "acknowledgement", f"Acknowledged ({answer.acknowledgement_type})",
                 answer.acknowledged_on)  # fmt: skip
    return msgspec.structs.replace(step, state=state)


def _received(papers: Papers, receipt: Receipt) -> Step:
    title = "Returned" if receipt.sign < 0 else "Booked in error" if receipt.cancelled else "Received"
    return _step(papers, receipt, "receipt", f"{title} {receipt.receipt_number}", receipt.received_on)


def _invoiced(invoice: Invoice, known: Known) -> list[Step]:
    status = invoice_status(invoice, known)
    word = status.state
    state = "trouble" if status.cases or word in _TROUBLE else "waiting" if word == "waiting" else "done"
    detail = word if not status.waits_for else f"waits for {status.waits_for}"
    detail += f" until {status.until}" if status.until else ""
    detail += f" because of {status.because}" if status.because else ""
    steps = [msgspec.structs.replace(
        _step(known.papers, invoice, "invoice", f"Invoice {invoice.invoice_number}", invoice.invoiced_on),
        state=state, detail=detail,
    )]  # fmt: skip
    steps += _posted(invoice, known)
    if status.payment:
        bad = status.payment in _NOT_PAID
        when = _noon(date.fromisoformat(status.paid_on)) if status.paid_on else None
        steps.append(Step("payment", f"Payment: {status.payment}", "trouble" if bad else "done", when))
    return steps


def _posted(invoice: Invoice, known: Known) -> list[Step]:
    given = [
        at for one, at in known.commands
        if one.command.name == "post_invoice" and one.command.natural_key == invoice.natural_key
    ]  # fmt: skip
    if not given:
        return []
    number = known.numbers.get(invoice.natural_key)
    title = f"Posted as {number}" if number else "Given to be posted"
    first = Step("posting", title, "done" if number else "waiting", from_micros(given[0]))
    return [first, *_further(invoice.natural_key, known.state)]


def _further(key: str, state: Mapping[str, Any]) -> Iterator[Step]:
    """The steps of a plan of several systems, as far as their answers came."""
    posting = state.get("postings", {}).get(f"post_invoice:{key}", {})
    steps: Sequence[Mapping[str, Any]] = posting.get("steps", ())
    if len(steps) < 2:
        return
    for one in steps:
        word = str(one["state"])
        about = " ".join(str(one[name]) for name in ("reference", "code") if one.get(name))
        title = f"{one['command'].replace('_', ' ')} at {one['system']}: {word.replace('_', ' ')}"
        yield Step("posting", title, _STEP_STATES.get(word, "waiting"), detail=about)


def _step(papers: Papers, document: Document, stage: str, title: str, on: date | None) -> Step:
    """Dated by the business day; the hour is that of its arrival when both are the same day."""
    record = papers.paper(document).record
    came = from_micros(record.at_micros)
    at = came if on is None or came.date() == on else _noon(on)
    return Step(stage, title, "done", at, f"came {came:%Y-%m-%d %H:%M}", record.message_id)


def _noon(on: date) -> datetime:
    """A day without an hour."""
    return from_micros(0).replace(year=on.year, month=on.month, day=on.day, hour=12)
