"""Invoices, what the ERP says of their payment, and entries of the general ledger."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from pydantic import Field, model_validator

from engine.canonical.base import Code, Document, Text, Value
from engine.canonical.dimension import DimensionValue
from engine.canonical.guarded import Guarded
from engine.canonical.money import Money, Quantity, Unit, extension, total
from engine.canonical.party import Identifier, Party
from engine.canonical.purchasing import Charge, LineKind, Terms


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
    line_kind: LineKind = LineKind.GOODS
    order_number: Code | None = Field(default=None, description="Of this line, when an invoice has several orders.")
    receipt_number: Code | None = None
    price_unit: Unit | None = Field(default=None, description="When the price is per another unit than the quantity's.")
    tax_amount: Money | None = Field(default=None, description="Of the taxes, what falls to this line.")
    tax_code: Code | None = None
    contract_number: Code | None = None
    dimensions: tuple[DimensionValue, ...] = ()
    facility: Code | None = None
    lot: Code | None = None
    serial: Code | None = None
    udi: Code | None = Field(default=None, description="As it is on the label.")
    device_identifier: Code | None = None
    case_reference: Code | None = Field(default=None, description="Implant case; no patient.")

    @property
    def extended(self) -> Money:
        """Where the price is per another unit, a conversion comes first."""
        return extension(self.price, self.quantity.amount)


class Invoice(Document):
    """A supplier's invoice. `stated_total` is what the supplier wrote; `total` is what the parts add up to."""

    kind: ClassVar[str] = "Invoice"
    version: ClassVar[str] = "1.1"

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
    remit_to: Code | None = Field(default=None, description="`code` of one of the supplier's remit-to's.")
    bank_account_hint: Guarded | None = Field(
        default=None, description="Account that the invoice names; never paid to, only compared."
    )
    received_on: date | None = Field(default=None, description="Day that it came to us.")
    posted_on: date | None = Field(
        default=None, description="Accounting day; none: `invoiced_on`. Later where that period is closed."
    )
    origin: Code | None = Field(default=None, description="How it came: the channel, or edi, mail, portal, paper.")
    original_invoice_number: Code | None = Field(default=None, description="Of a credit memo: what it credits.")
    due_on: date | None = None
    facility: Code | None = None
    legal_entity: Code | None = None
    category: Code | None = None
    case_reference: Code | None = Field(default=None, description="Implant case; no patient.")
    notes: tuple[Text, ...] = ()

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


class JournalEntryType(StrEnum):
    ALLOCATION = "allocation"
    ACCRUAL = "accrual"
    REVERSAL = "reversal"
    OTHER = "other"


class JournalLine(Value):
    """Exactly one of debit and credit is above zero."""

    account: Code
    debit: Money | None = None
    credit: Money | None = None
    cost_center: Code | None = None
    description: Text | None = None
    dimensions: tuple[DimensionValue, ...] = ()
    item_number: Code | None = None

    @model_validator(mode="after")
    def _one_side(self) -> JournalLine:
        sides = [m for m in (self.debit, self.credit) if m is not None]
        if len(sides) != 1 or sides[0].amount <= 0:
            raise ValueError("a journal line has a debit or a credit, above zero")
        return self


class JournalEntry(Document):
    """A balanced entry: cost allocation, accrual."""

    kind: ClassVar[str] = "JournalEntry"
    version: ClassVar[str] = "1.1"

    entry_number: Code
    posted_on: date
    lines: tuple[JournalLine, ...] = Field(min_length=2)
    description: Text | None = None
    facility: Code | None = None
    entry_type: JournalEntryType = JournalEntryType.ALLOCATION
    reverses: Code | None = Field(default=None, description="Of a reversal: the entry that it takes back.")
    reverse_on: date | None = Field(default=None, description="Of an accrual: when it is taken back at the latest.")
    period: Code | None = Field(default=None, description="Fiscal period that it counts in; none: of `posted_on`.")
    legal_entity: Code | None = None
    source_kind: Code | None = Field(default=None, description="Kind of the document that it comes from.")
    source_key: Code | None = None

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
