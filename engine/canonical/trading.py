"""What suppliers answer and announce, and what a payment pays: acknowledgements, shipment notices, remittances."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from engine.canonical.base import Code, Document, Value
from engine.canonical.money import Money, Quantity, total
from engine.canonical.party import Identifier, Party


class LineAction(StrEnum):
    """What a supplier does with a line. Anything but `accepted` is for a person to look at."""

    ACCEPTED = "accepted"
    CHANGED = "changed"
    BACKORDERED = "backordered"
    SUBSTITUTED = "substituted"
    REJECTED = "rejected"
    DELETED = "deleted"
    OTHER = "other"


class LineAnswer(Value):
    """One answer to an order line; a line split between shipment and backorder has two. `code`: X12 ACK01."""

    action: LineAction
    code: Code | None = None
    quantity: Quantity | None = None
    expected_on: date | None = None


class AcknowledgedLine(Value):
    """An order line as the supplier repeats it; `price` is the supplier's, which need not be the order's."""

    order_line_number: int = Field(ge=1)
    answers: tuple[LineAnswer, ...] = Field(min_length=1)
    quantity: Quantity | None = None
    price: Money | None = None
    item_number: Code | None = None
    identifiers: tuple[Identifier, ...] = ()


class OrderAcknowledgement(Document):
    """A supplier's answer to a purchase order, as a whole and line by line."""

    kind: ClassVar[str] = "OrderAcknowledgement"

    order_number: Code
    supplier_number: Code
    acknowledged_on: date
    acknowledgement_type: Code = Field(
        description="X12 BAK02: AC with changes, AD without, AK no detail, RJ rejected …"
    )
    lines: tuple[AcknowledgedLine, ...] = ()
    purpose: Code = Field(default="00", description="X12 BAK01: 00 original, 05 replace …")
    acknowledgement_number: Code | None = Field(default=None, description="The supplier's own number of the order.")
    currency: str = "USD"
    parties: tuple[Party, ...] = ()
    references: tuple[Identifier, ...] = ()

    @property
    def natural_key(self) -> str:
        """A supplier may answer one order several times, each on its day."""
        return f"{self.order_number}/{self.acknowledged_on.isoformat()}"

    @property
    def accepted(self) -> bool:
        """Whether every line was taken as it was ordered."""
        return all(a.action is LineAction.ACCEPTED for line in self.lines for a in line.answers)


class ShippedLine(Value):
    """`package` is the serial shipping container code (SSCC) or other mark of the package that holds it."""

    quantity: Quantity
    order_number: Code | None = None
    order_line_number: int | None = Field(default=None, ge=1)
    item_number: Code | None = None
    identifiers: tuple[Identifier, ...] = ()
    lot: Code | None = None
    serial: Code | None = None
    expires_on: date | None = None
    package: Code | None = None


class ShipmentNotice(Document):
    """What a supplier says is on its way."""

    kind: ClassVar[str] = "ShipmentNotice"

    shipment_number: Code
    supplier_number: Code
    noticed_on: date
    lines: tuple[ShippedLine, ...] = Field(min_length=1)
    shipped_on: date | None = None
    expected_on: date | None = None
    carrier: Code | None = None
    bill_of_lading: Code | None = None
    tracking_number: Code | None = None
    purpose: Code = Field(default="00", description="X12 BSN01: 00 original, 01 cancellation, 05 replace.")
    parties: tuple[Party, ...] = ()
    case_reference: Code | None = Field(default=None, description="Implant case; no patient.")

    @property
    def natural_key(self) -> str:
        """Shipment numbers are the supplier's, so they are unique per supplier only."""
        return f"{self.supplier_number}/{self.shipment_number}"


class Adjustment(Value):
    """What was paid more (positive) or less (negative) than was asked. `reason`: X12 ADX02."""

    amount: Money
    reason: Code
    reference: Identifier | None = None


class RemittanceLine(Value):
    """One invoice or other reference that a payment pays; `scheme` is X12 RMR01, IV for an invoice."""

    scheme: Code
    number: Code
    paid: Money
    invoiced: Money | None = None
    discount: Money | None = None
    dated_on: date | None = None
    adjustments: tuple[Adjustment, ...] = ()


class Remittance(Document):
    """Which invoices a payment pays. It holds no bank account."""

    kind: ClassVar[str] = "Remittance"

    remittance_number: Code
    supplier_number: Code
    paid_on: date
    amount: Money
    lines: tuple[RemittanceLine, ...] = ()
    method: Code = Field(default="ACH", description="X12 BPR04: ACH, CHK, FWT, NON …")
    adjustments: tuple[Adjustment, ...] = Field(default=(), description="Of the payment, not of one invoice.")
    parties: tuple[Party, ...] = ()

    @property
    def natural_key(self) -> str:
        return self.remittance_number

    @property
    def total(self) -> Money:
        """What the lines and the payment's own adjustments add up to; `amount` is what was paid."""
        parts = [line.paid for line in self.lines] + [a.amount for a in self.adjustments]
        return total(parts, self.amount.currency)
