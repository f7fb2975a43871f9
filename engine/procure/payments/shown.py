"""A payment, its parts and what was told of it, as rows for people. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from engine.canonical import (
    BankStatusReport,
    Invoice,
    PaidInvoice,
    Payment,
    PaymentRunLeft,
    PurchaseOrder,
    ReportSource,
    Supplier,
    total,
)
from engine.core.clock import from_micros
from engine.ports.p2p_operations import Stand, ref_of
from engine.ports.payments import CaseLink, LeftRow, PaidPart, PaymentRow, Told
from engine.ports.procure import Case
from engine.procure.approvals.shown import APPROVALS, number_of
from engine.procure.decision import text_of
from engine.procure.papers import Papers, own_dossier
from engine.procure.payments.words import group_of, left_words, to_do


class Around(msgspec.Struct, frozen=True):
    """What payments speak of: invoices by key, orders and suppliers by number, and why a run pays an invoice."""

    invoices: Mapping[str, Invoice] = {}
    orders: Mapping[str, PurchaseOrder] = {}
    suppliers: Mapping[str, Supplier] = {}
    why: Mapping[tuple[str, str], str] = {}

    def dossier(self, key: str) -> str:
        invoice = self.invoices.get(key)
        return own_dossier(invoice) if invoice is not None else f"invoice:{key}"

    def order(self, key: str) -> str | None:
        kind, _, number = self.dossier(key).partition(":")
        return number if kind == "order" else None

    def facility(self, key: str) -> str | None:
        """The invoice's own; else its order's."""
        invoice, order = self.invoices.get(key), self.orders.get(self.order(key) or "")
        return (invoice.facility if invoice else None) or (order.facility if order else None)


def payment_row(payment: Payment, stand: Stand, cases: Sequence[CaseLink], around: Around) -> PaymentRow:
    state = _decided(stand)
    words: Mapping[str, Any] = state.get("words") or {}
    held, against = tuple(state.get("held_because") or ()), tuple(state.get("against") or ())
    where = str(state.get("state") or payment.state.value)
    supplier, reason = around.suppliers.get(payment.supplier_number), state.get("reason")
    discounts = [one.discount for one in payment.invoices if one.discount is not None]
    return PaymentRow(
        number=payment.payment_number,
        run=payment.run_number,
        supplier=payment.supplier_number,
        supplier_name=supplier.name if supplier else "",
        pay_on=payment.pay_on.isoformat(),
        method=payment.method.value,
        amount=text_of(payment.amount.amount),
        currency=payment.amount.currency,
        discount=text_of(total(discounts).amount) if discounts else None,
        state=where,
        group=group_of(where, held),
        erp=words.get("erp") or payment.state.value,
        bank=words.get("bank"),
        portal=words.get("portal"),
        decided_at=from_micros(stand.changed_micros),
        against=against,
        held_because=held,
        to_do=tuple(to_do(where, held, against, reason)),
        account=_masked(supplier, state.get("account") or payment.bank_account),
        reason=reason,
        parts=tuple(_part(payment, one, around) for one in payment.invoices),
        cases=tuple(cases),
    )


def group_of_stand(stand: Stand) -> str:
    state = _decided(stand)
    return group_of(str(state.get("state", "")), state.get("held_because") or ())


def _decided(stand: Stand) -> Mapping[str, Any]:
    found = msgspec.json.decode(stand.state)
    return found if isinstance(found, dict) else {}


def _masked(supplier: Supplier | None, code: str | None) -> str | None:
    account = supplier.bank_account(code) if supplier is not None and code else None
    number = None if account is None else account.account_number or account.iban
    return None if number is None else number.masked


def _part(payment: Payment, one: PaidInvoice, around: Around) -> PaidPart:
    key = f"{payment.supplier_number}/{one.invoice_number}"
    return PaidPart(
        supplier=payment.supplier_number,
        invoice=one.invoice_number,
        amount=text_of(one.amount.amount),
        currency=one.amount.currency,
        dossier=around.dossier(key),
        discount=text_of(one.discount.amount) if one.discount is not None else None,
        why=around.why.get((payment.payment_number, one.invoice_number)),
        order=around.order(key),
        facility=around.facility(key),
    )


def left_row(one: PaymentRunLeft, around: Around) -> LeftRow:
    key = f"{one.supplier_number}/{one.invoice_number}"
    return LeftRow(
        supplier=one.supplier_number,
        invoice=one.invoice_number,
        amount=text_of(one.amount.amount),
        currency=one.amount.currency,
        why=one.why,
        words=left_words(one.why),
        dossier=around.dossier(key),
        facts=tuple(fact.replace("_", " ") for fact in one.facts),
        order=around.order(key),
        facility=around.facility(key),
    )


def case_link(case: Case) -> CaseLink:
    return CaseLink(ref_of(case.case_id), case.type, case.title, case.type in APPROVALS and bool(number_of(case)))


# ------------------------------------------------------------------ what was told
def told_of(papers: Papers) -> list[Told]:
    """Each word as it came, the oldest first."""
    return sorted(_told(papers), key=lambda one: (one.at, one.system, one.word))


def _told(papers: Papers) -> Iterator[Told]:
    said = None
    for paper in papers.all:
        document, record = paper.document, paper.record
        if isinstance(document, Payment):
            if document.state is not said:  # another version of the same word is no news
                by = record.who or "the ERP"
                yield Told("erp", document.state.value, from_micros(record.at_micros), by, None, record.message_id)
            said = document.state
        elif isinstance(document, BankStatusReport):
            system = "portal" if document.source is ReportSource.PORTAL else "bank"
            yield Told(
                system, document.state.value, document.reported_at, document.source.value, document.reason_code,
                record.message_id,
            )  # fmt: skip
