"""What lies where, and what moved. Levels are counted from movements; a count sets them anew."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import ClassVar

from pydantic import AwareDatetime, Field

from engine.canonical.base import Code, Document, Text
from engine.canonical.money import Exact, Money, Quantity


class MovementKind(StrEnum):
    """`count` says what is there; all others say by how much it changed."""

    RECEIPT = "receipt"
    ISSUE = "issue"
    RETURN = "return"
    TRANSFER = "transfer"
    ADJUSTMENT = "adjustment"
    WASTE = "waste"
    COUNT = "count"


class InventoryMovement(Document):
    """`quantity` is what `location` gains, below zero what it loses; a transfer gives the same to `to_location`.

    Source: HL7 ZUS and DFT usage, FHIR SupplyDelivery, dispensing cabinets' files.
    """

    kind: ClassVar[str] = "InventoryMovement"

    movement_number: Code
    movement_kind: MovementKind
    item_number: Code
    location: Code
    quantity: Quantity
    moved_at: AwareDatetime
    facility: Code | None = None
    to_location: Code | None = Field(
        default=None, description="Of a transfer; its quantity is below zero at `location`."
    )
    lot: Code | None = None
    serial: Code | None = None
    expires_on: date | None = None
    device_identifier: Code | None = None
    unit_cost: Money | None = None
    cost_center: Code | None = None
    case_reference: Code | None = None
    source_kind: Code | None = Field(default=None, description="Kind of the document that it comes from.")
    source_key: Text | None = None
    reason: Code | None = None

    @property
    def natural_key(self) -> str:
        return self.movement_number


class InventoryLevel(Document):
    """What the inventory system says lies there, with its thresholds; all amounts in `on_hand.unit`."""

    kind: ClassVar[str] = "InventoryLevel"

    item_number: Code
    location: Code
    on_hand: Quantity
    as_of: AwareDatetime
    facility: Code | None = None
    on_order: Exact | None = None
    reserved: Exact | None = None
    minimum: Exact | None = None
    maximum: Exact | None = Field(default=None, description="Par: it is filled up to this.")
    order_point: Exact | None = Field(default=None, description="At or below, it is ordered.")
    order_quantity: Exact | None = Field(default=None, description="Ordered at once; none: up to `maximum`.")
    safety_days: int | None = Field(default=None, ge=0)
    daily_use: Exact | None = Field(default=None, description="Mean of the last weeks.")
    supplier_number: Code | None = None
    consignment: bool = False

    @property
    def natural_key(self) -> str:
        return f"{self.location}/{self.item_number}"
