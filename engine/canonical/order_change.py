"""Changes of an order that has gone out: ours (860), or the supplier's wish (865)."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from engine.canonical.base import Code, Document, Text, Value
from engine.canonical.money import Money, Quantity, Unit
from engine.canonical.party import Identifier
from engine.canonical.purchasing import LineKind


class ChangeBy(StrEnum):
    BUYER = "buyer"
    SUPPLIER = "supplier"


class OrderChangeAction(StrEnum):
    """What happens to a line. Source: X12 element 670 (POC02)."""

    ADD = "add"
    DELETE = "delete"
    CHANGE = "change"
    REPLACE = "replace"
    QUANTITY_INCREASE = "quantity_increase"
    QUANTITY_DECREASE = "quantity_decrease"
    PRICE_CHANGE = "price_change"
    RESCHEDULE = "reschedule"
    NO_CHANGE = "no_change"


class OrderChangeLine(Value):
    """What the line is after the change: what is None stays as it was."""

    order_line_number: int = Field(ge=1)
    action: OrderChangeAction
    code: Code | None = Field(default=None, description="X12 POC02 as it came: AI, DI, QI, QD, PC, RS …")
    quantity: Quantity | None = Field(default=None, description="The whole new quantity, not the difference.")
    price: Money | None = None
    price_unit: Unit | None = None
    item_number: Code | None = None
    description: Text | None = None
    identifiers: tuple[Identifier, ...] = ()
    needed_by: date | None = None
    line_kind: LineKind | None = None
    reason: Code | None = None


class OrderChange(Document):
    """Changes count in the order of `sequence`, whatever comes first. The supplier's hold when we agree to them."""

    kind: ClassVar[str] = "OrderChange"

    order_number: Code
    supplier_number: Code
    change_number: Code
    sequence: int = Field(ge=1, description="Counts the changes of this order from 1, by each side.")
    changed_on: date
    changed_by: ChangeBy = ChangeBy.BUYER
    purpose: Code = Field(default="04", description="X12 BCH01/BCA01: 04 change, 01 cancellation, 05 replace.")
    lines: tuple[OrderChangeLine, ...] = ()
    accepted: bool | None = Field(default=None, description="What the other side said; None: nothing yet.")
    reason: Text | None = None
    currency: str = "USD"

    @property
    def natural_key(self) -> str:
        return f"{self.order_number}/{self.changed_by.value}/{self.change_number}"

    @property
    def cancels(self) -> bool:
        """The whole order."""
        return self.purpose in ("01", "03")
