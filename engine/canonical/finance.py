"""Invoices, payments, cost allocation."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from pydantic import Field, model_validator

from engine.canonical.base import Code, Document, Text, Value
from engine.canonical.money import Money, Quantity, total
from engine.canonical.party import Identifier, Party
from engine.canonical.purchasing import Charge, Terms


class InvoiceKind(StrEnum):
    INVOICE = "invoice"
    CREDIT_MEMO = "credit_memo"


class InvoiceLine(Value):
    number: int = Field(ge=1)
    quantity: Quantity
    price: Money
    item_number: Code | None = None
    description: Text | None = None
    identifiers: tuple[Identifier, ...] = ()
    order_line_number: int | None = None
    cost_center: Code | None = None
    natural_account: Code | None = None

    @property
    def extended(self) -> Money:
        return self.price.times(self.quantity.amount).rounded()


class Invoice(Document):
    """A supplier's invoice. `stated_total` is what the supplier wrote; `total` is what the parts add up to."""

    kind: ClassVar[str] = "Invoice"

    invoice_number: Code
    supplier_number: Code
    invoiced_on: date
    stated_total: Money
    lines: tuple[InvoiceLine, ...] = Field(min_length=1)
    invoice_kind: InvoiceKind = InvoiceKind.INVOICE
    order_number: Code | None = None
    ordered_on: date | None = None
    currency: str = "USD"
    parties: tuple[Party, ...] = ()
    references: tuple[Identifier, ...] = ()
    charges: tuple[Charge, ...] = ()
    taxes: tuple[Charge, ...] = ()
    terms: Terms | None = None
    shipped_on: date | None = None

    @property
    def natural_key(self) -> str:
        """Invoice numbers are the supplier's, so they are unique per supplier only."""
        return f"{self.supplier_number}/{self.invoice_number}"

    @property
    def total(self) -> Money:
        parts = [line.extended for line in self.lines]
        parts += [c.amount for c in self.charges] + [t.amount for t in self.taxes]
        return total(parts, self.currency)


class PaymentState(StrEnum):
    UNKNOWN = "unknown"
    OPEN = "open"
    PARTLY_PAID = "partly_paid"
    PAID = "paid"
    CANCELLED = "cancelled"


class PaymentStatus(Document):
    """What the ERP says of an invoice's payment."""

    kind: ClassVar[str] = "PaymentStatus"

    supplier_number: Code
    invoice_number: Code
    state: PaymentState
    amount_due: Money | None = None
    as_of: date

    @property
    def natural_key(self) -> str:
        return f"{self.supplier_number}/{self.invoice_number}"


class CostCenter(Document):
    kind: ClassVar[str] = "CostCenter"

    cost_center: Code
    name: Text
    facility: Code | None = None
    active: bool = True

    @property
    def natural_key(self) -> str:
        return self.cost_center


class JournalLine(Value):
    """Exactly one of debit and credit is above zero."""

    account: Code
    debit: Money | None = None
    credit: Money | None = None
    cost_center: Code | None = None
    description: Text | None = None

    @model_validator(mode="after")
    def _one_side(self) -> JournalLine:
        sides = [m for m in (self.debit, self.credit) if m is not None]
        if len(sides) != 1 or sides[0].amount <= 0:
            raise ValueError("a journal line has a debit or a credit, above zero")
        return self


class JournalEntry(Document):
    """A balanced entry: cost allocation, accrual."""

    kind: ClassVar[str] = "JournalEntry"

    entry_number: Code
    posted_on: date
    lines: tuple[JournalLine, ...] = Field(min_length=2)
    description: Text | None = None
    facility: Code | None = None

    @property
    def natural_key(self) -> str:
        return self.entry_number

    @model_validator(mode="after")
    def _balanced(self) -> JournalEntry:
        debit = sum((line.debit.amount for line in self.lines if line.debit), Decimal(0))
        credit = sum((line.credit.amount for line in self.lines if line.credit), Decimal(0))
        if debit != credit:
            raise ValueError("debits and credits differ")
        return self
