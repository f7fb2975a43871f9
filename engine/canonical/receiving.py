"""What came in, what of it was accepted, and what went back.

Source: X12 861 receiving advice; four-way match needs what was accepted beside what was received.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from pydantic import Field, model_validator

from engine.canonical.base import Code, Document, Value
from engine.canonical.money import Quantity

_IN, _BACK, _NOTHING = Decimal(1), Decimal(-1), Decimal(0)


class ReceiptKind(StrEnum):
    RECEIPT = "receipt"
    RETURN = "return"


class ReceiptLine(Value):
    """`quantity` is what came; `accepted` and `rejected` what an inspection made of it, in the same unit."""

    order_line_number: int = Field(ge=1)
    item_number: Code
    quantity: Quantity
    lot: Code | None = None
    serial: Code | None = None
    expires_on: date | None = None
    location: Code | None = None
    accepted: Quantity | None = Field(default=None, description="None: not inspected yet, or no need to.")
    rejected: Quantity | None = None
    reject_reason: Code | None = None
    udi: Code | None = Field(default=None, description="As it is on the label.")
    device_identifier: Code | None = None
    substitute_for: Code | None = Field(default=None, description="The item ordered, when another came.")
    package: Code | None = Field(default=None, description="SSCC or other mark of the package.")

    @model_validator(mode="after")
    def _one_unit(self) -> ReceiptLine:
        others = [one for one in (self.accepted, self.rejected) if one is not None]
        if any(one.unit != self.quantity.unit for one in others):
            raise ValueError("accepted and rejected are in the unit of quantity")
        return self


class Receipt(Document):
    """Goods of one order that came at one time. Of a `return`, quantities say what went back."""

    kind: ClassVar[str] = "Receipt"
    version: ClassVar[str] = "1.1"

    receipt_number: Code
    order_number: Code
    supplier_number: Code
    received_on: date
    lines: tuple[ReceiptLine, ...] = Field(min_length=1)
    receipt_kind: ReceiptKind = ReceiptKind.RECEIPT
    facility: Code | None = None
    location: Code | None = Field(default=None, description="Of lines that name none.")
    received_by: Code | None = None
    shipment_number: Code | None = None
    original_receipt_number: Code | None = Field(default=None, description="Of a return: the receipt it came by.")
    reason: Code | None = None
    cancelled: bool = Field(default=False, description="It was booked in error: it counts for nothing.")
    case_reference: Code | None = Field(default=None, description="Implant case; no patient.")

    @property
    def natural_key(self) -> str:
        return self.receipt_number

    @property
    def sign(self) -> Decimal:
        """What a quantity counts: 1, of a return -1, of a cancelled receipt 0."""
        if self.cancelled:
            return _NOTHING
        return _BACK if self.receipt_kind is ReceiptKind.RETURN else _IN
