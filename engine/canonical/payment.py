"""Payments, and what banks and portals say became of them.

A payment's state follows from several tellers (ERP, bank, portal), which may disagree.
Sources: ISO 20022 pain.002, camt.053 and camt.054; BAI2; Nacha return and notification-of-change codes.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import ClassVar

from pydantic import AwareDatetime, Field

from engine.canonical.base import Code, Document, Text, Value
from engine.canonical.guarded import Guarded
from engine.canonical.money import Money


class PaymentMethod(StrEnum):
    ACH = "ach"
    CHECK = "check"
    WIRE = "wire"
    CARD = "card"
    OTHER = "other"


class PaymentProgress(StrEnum):
    """The way of a payment. Settled is not the end: it may be returned days later."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    RELEASED = "released"
    TRANSMITTED = "transmitted"
    ACCEPTED = "accepted"
    SETTLED = "settled"
    RECONCILED = "reconciled"
    REJECTED = "rejected"
    RETURNED = "returned"
    STOPPED = "stopped"
    VOIDED = "voided"
    REISSUED = "reissued"
    STALE = "stale"


class PaidInvoice(Value):
    """`amount` is what the payment pays of the invoice, after `discount`."""

    invoice_number: Code
    amount: Money
    discount: Money | None = None


class Payment(Document):
    """A payment as the ERP has it. `state` is the ERP's word; what banks say comes as BankStatusReport."""

    kind: ClassVar[str] = "Payment"

    payment_number: Code
    supplier_number: Code
    amount: Money
    pay_on: date
    state: PaymentProgress
    invoices: tuple[PaidInvoice, ...] = ()
    method: PaymentMethod = PaymentMethod.ACH
    run_number: Code | None = Field(default=None, description="Payment run that it belongs to.")
    remit_to: Code | None = None
    bank_account: Code | None = Field(default=None, description="`code` of the supplier's bank account.")
    paid_from: Code | None = Field(default=None, description="Our own account, by its name.")
    bank_reference: Code | None = Field(default=None, description="End-to-end id, ACH trace or check number.")
    proposed_by: Code | None = None
    approved_by: Code | None = None
    released_on: date | None = None
    settled_on: date | None = None
    replaces: Code | None = Field(default=None, description="Payment number that this one was issued again for.")
    legal_entity: Code | None = None
    as_of: AwareDatetime | None = None

    @property
    def natural_key(self) -> str:
        return self.payment_number


class PaymentRunLine(Value):
    """An invoice (or a credit, below zero) that the run pays. `why`: `due`, `overdue`, `discount`, `credit`."""

    payment_number: Code
    supplier_number: Code
    invoice_number: Code
    pays: Money
    why: Code
    discount: Money | None = None
    remit_to: Code | None = None


class PaymentRunLeft(Value):
    """An invoice that the run does not pay. `why`: `held`, `not_due`, `credit_is_more`, `no_money_left`."""

    supplier_number: Code
    invoice_number: Code
    amount: Money
    why: Code
    facts: tuple[Code, ...] = ()


class PaymentRun(Document):
    """What is to be paid on a day, and why. Made once: asked for again, the same run is told again."""

    kind: ClassVar[str] = "PaymentRun"

    run_number: Code
    pay_on: date
    next_run: date = Field(description="What is due before it could not wait.")
    lines: tuple[PaymentRunLine, ...] = ()
    left: tuple[PaymentRunLeft, ...] = ()
    left_out: int = Field(default=0, description="Further ones that are not paid and not listed.")

    @property
    def natural_key(self) -> str:
        return self.run_number


class ReportSource(StrEnum):
    PAIN_002 = "pain.002"
    CAMT_053 = "camt.053"
    CAMT_054 = "camt.054"
    BAI2 = "bai2"
    ACH_RETURN = "ach_return"
    ACH_CHANGE = "ach_change"
    POSITIVE_PAY = "positive_pay"
    PORTAL = "portal"
    OTHER = "other"


class BankState(StrEnum):
    """What a teller says. `corrected`: paid, but the account is to be changed (notification of change)."""

    RECEIVED = "received"
    ACCEPTED = "accepted"
    PENDING = "pending"
    SETTLED = "settled"
    REJECTED = "rejected"
    RETURNED = "returned"
    CORRECTED = "corrected"
    STOPPED = "stopped"


class BankStatusReport(Document):
    """One fact about one payment, whichever format told it."""

    kind: ClassVar[str] = "BankStatusReport"

    report_number: Code = Field(description="The file's or message's id with the entry's: the same when told again.")
    source: ReportSource
    state: BankState
    reported_at: AwareDatetime
    bank: Code | None = None
    payment_number: Code | None = Field(default=None, description="Ours, when the bank repeats it.")
    bank_reference: Code | None = Field(default=None, description="End-to-end id, ACH trace or check number.")
    amount: Money | None = None
    happened_on: date | None = Field(default=None, description="Booking or settlement date.")
    reason_code: Code | None = Field(default=None, description="ISO 20022 reason (AC01, AM05 …) or ACH R01, C01 …")
    reason: Text | None = None
    corrected_account: Guarded | None = Field(default=None, description="Of a notification of change.")

    @property
    def natural_key(self) -> str:
        return (
            f"{self.source.value}/{self.bank}/{self.report_number}"
            if self.bank
            else (f"{self.source.value}/{self.report_number}")
        )
