"""From the wish to the delivery: requisition, purchase order, receipt."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from pydantic import Field, model_validator

from engine.canonical.base import Code, Document, Text, Value
from engine.canonical.money import Money, Quantity, total
from engine.canonical.party import Identifier, Party


class Urgency(StrEnum):
    ROUTINE = "routine"
    URGENT = "urgent"
    STAT = "stat"


class RequisitionLine(Value):
    number: int = Field(ge=1)
    item_number: Code
    quantity: Quantity
    description: Text | None = None
    cost_center: Code | None = None
    natural_account: Code | None = None
    supplier_number: Code | None = None
    anticipated_price: Money | None = None
    needed_by: date | None = None
    deliver_to: Code | None = None
    substitute_allowed: bool | None = None


class Requisition(Document):
    kind: ClassVar[str] = "Requisition"

    requisition_number: Code
    lines: tuple[RequisitionLine, ...] = Field(min_length=1)
    facility: Code | None = None
    requested_on: date | None = None
    requester: Code | None = None
    urgency: Urgency = Urgency.ROUTINE
    note: Text | None = None

    @property
    def natural_key(self) -> str:
        return self.requisition_number


class Charge(Value):
    """Freight, handling, discount or tax beside the lines. A discount is negative. `code`: X12 SAC02 or own."""

    code: Code
    amount: Money
    description: Text | None = None


class OrderLine(Value):
    """`price` is per unit of `quantity`; `identifiers` as the supplier knows the item."""

    number: int = Field(ge=1)
    item_number: Code
    quantity: Quantity
    price: Money
    description: Text | None = None
    identifiers: tuple[Identifier, ...] = ()
    cost_center: Code | None = None
    contract_number: Code | None = None
    needed_by: date | None = None

    @property
    def extended(self) -> Money:
        return self.price.times(self.quantity.amount).rounded()


class Terms(Value):
    """Payment terms: `discount_percent` when paid within `discount_days`, else all within `net_days`."""

    net_days: int | None = None
    discount_percent: Decimal | None = None
    discount_days: int | None = None
    discount_amount: Money | None = None
    description: Text | None = None


class PurchaseOrder(Document):
    kind: ClassVar[str] = "PurchaseOrder"

    order_number: Code
    supplier_number: Code
    ordered_on: date
    lines: tuple[OrderLine, ...] = Field(min_length=1)
    purpose: Code = Field(default="00", description="X12 BEG01: 00 original, 01 cancellation, 05 replace.")
    order_type: Code = Field(default="NE", description="X12 BEG02: NE new, SA stand-alone, CN consigned …")
    currency: str = "USD"
    release_number: Code | None = None
    contract_number: Code | None = None
    department: Code | None = None
    needed_by: date | None = None
    parties: tuple[Party, ...] = ()
    references: tuple[Identifier, ...] = ()
    charges: tuple[Charge, ...] = ()
    terms: Terms | None = None
    notes: tuple[Text, ...] = ()

    @property
    def natural_key(self) -> str:
        return self.order_number

    @property
    def total(self) -> Money:
        parts = [line.extended for line in self.lines] + [c.amount for c in self.charges]
        return total(parts, self.currency)

    @model_validator(mode="after")
    def _one_currency(self) -> PurchaseOrder:
        if any(line.price.currency != self.currency for line in self.lines):
            raise ValueError("every line must be in the order's currency")
        return self


class ReceiptLine(Value):
    order_line_number: int = Field(ge=1)
    item_number: Code
    quantity: Quantity
    lot: Code | None = None
    serial: Code | None = None
    expires_on: date | None = None
    location: Code | None = None


class Receipt(Document):
    kind: ClassVar[str] = "Receipt"

    receipt_number: Code
    order_number: Code
    supplier_number: Code
    received_on: date
    lines: tuple[ReceiptLine, ...] = Field(min_length=1)

    @property
    def natural_key(self) -> str:
        return self.receipt_number
