"""From the wish to the order: requisition, purchase order."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from pydantic import Field, model_validator

from engine.canonical.base import Code, Document, Text, Value
from engine.canonical.dimension import DimensionValue
from engine.canonical.money import Money, Quantity, Unit, extension, total
from engine.canonical.party import Identifier, Party


class Urgency(StrEnum):
    ROUTINE = "routine"
    URGENT = "urgent"
    STAT = "stat"


class LineKind(StrEnum):
    """What a line of an order or invoice is for; only goods are received."""

    GOODS = "goods"
    SERVICE = "service"
    FREIGHT = "freight"
    HANDLING = "handling"
    TAX = "tax"
    DISCOUNT = "discount"
    OTHER = "other"


class MatchRule(StrEnum):
    """What an invoice must agree with: the order; and its receipts; and what of them was accepted."""

    TWO_WAY = "two_way"
    THREE_WAY = "three_way"
    FOUR_WAY = "four_way"


class RequisitionLineStatus(StrEnum):
    OPEN = "open"
    ON_HOLD = "on_hold"
    ORDERED = "ordered"
    RECEIVED = "received"
    REJECTED = "rejected"
    CANCELLED = "cancelled"


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
    status: RequisitionLineStatus = RequisitionLineStatus.OPEN
    order_number: Code | None = Field(default=None, description="The order that it became part of.")
    contract_number: Code | None = None
    dimensions: tuple[DimensionValue, ...] = ()
    lot: Code | None = Field(default=None, description="Of what was used already, on a bill-only requisition.")
    serial: Code | None = None
    device_identifier: Code | None = None


class Requisition(Document):
    """A department's wish for goods. Sources: HL7 ORM and OMS (RQD, RQ1), X12 850 of type RQ, FHIR SupplyRequest."""

    kind: ClassVar[str] = "Requisition"
    version: ClassVar[str] = "1.1"

    requisition_number: Code
    lines: tuple[RequisitionLine, ...] = Field(min_length=1)
    facility: Code | None = None
    requested_on: date | None = None
    requester: Code | None = None
    urgency: Urgency = Urgency.ROUTINE
    note: Text | None = None
    approval_number: Code | None = Field(default=None, description="The approval that it waits for or has.")
    department: Code | None = None
    cost_center: Code | None = Field(default=None, description="Of lines that name none.")
    case_reference: Code | None = Field(default=None, description="Implant case; no patient.")
    procedure_on: date | None = None
    bill_only: bool = Field(default=False, description="Used already: ordered to be billed, not to be delivered.")
    replenish: bool = Field(default=False, description="Bill and replace: what was used is delivered anew.")
    legal_entity: Code | None = None
    deliver_to: Code | None = None

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
    line_kind: LineKind = LineKind.GOODS
    price_unit: Unit | None = Field(default=None, description="When the price is per another unit than the quantity's.")
    contract_price: Money | None = Field(default=None, description="The contract's, when the order was made.")
    natural_account: Code | None = None
    dimensions: tuple[DimensionValue, ...] = ()
    tax_code: Code | None = None
    category: Code | None = None
    requisition_number: Code | None = None
    requisition_line_number: int | None = Field(default=None, ge=1)
    deliver_to: Code | None = None
    match_rule: MatchRule | None = Field(default=None, description="Of this line, in place of the order's.")
    receipt_required: bool | None = None
    lot: Code | None = Field(default=None, description="Of what was used already, on a bill-only order.")
    serial: Code | None = None
    device_identifier: Code | None = None

    @property
    def extended(self) -> Money:
        """Where the price is per another unit, a conversion comes first."""
        return extension(self.price, self.quantity.amount)


class Terms(Value):
    """Payment terms: `discount_percent` when paid within `discount_days`, else all within `net_days`."""

    net_days: int | None = None
    discount_percent: Decimal | None = None
    discount_days: int | None = None
    discount_amount: Money | None = None
    description: Text | None = None


class PurchaseOrder(Document):
    """What a supplier is to deliver, at which prices. Source: X12 850; changes come as OrderChange (860, 865)."""

    kind: ClassVar[str] = "PurchaseOrder"
    version: ClassVar[str] = "1.1"

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
    requisition_numbers: tuple[Code, ...] = ()
    facility: Code | None = None
    legal_entity: Code | None = None
    requester: Code | None = None
    buyer: Code | None = None
    site: Code | None = Field(default=None, description="`code` of the supplier's site that it is sent to.")
    category: Code | None = None
    match_rule: MatchRule | None = Field(default=None, description="None: what the policies say.")
    evaluated_receipt: bool = Field(default=False, description="Paid by what is received: no invoice is expected.")
    blanket: bool = Field(default=False, description="A standing order that releases draw on.")
    blanket_number: Code | None = Field(default=None, description="Of a release: the standing order's number.")
    limit: Money | None = Field(default=None, description="Of a blanket order: all its invoices together.")
    valid_from: date | None = None
    valid_to: date | None = None
    bill_only: bool = False
    case_reference: Code | None = Field(default=None, description="Implant case; no patient.")
    urgency: Urgency = Urgency.ROUTINE
    approval_number: Code | None = None

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
