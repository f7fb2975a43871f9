"""Items as bought and stocked."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from engine.canonical.base import Code, Document, Text, Value
from engine.canonical.money import Exact, Money, Unit
from engine.canonical.party import Identifier


class Packaging(Value):
    """One step of the packaging ladder: one `unit` holds `contains` of the item's base unit, exactly."""

    unit: Unit
    contains: Exact
    identifier: Identifier | None = None
    price: Money | None = None


class Item(Document):
    """`item_number` is the hospital's number, `unit` its base unit of measure."""

    kind: ClassVar[str] = "Item"

    item_number: Code
    description: Text
    unit: Unit = "EA"
    category: Code | None = None
    supplier_number: Code | None = None
    supplier_item_number: Code | None = None
    manufacturer: Text | None = None
    manufacturer_item_number: Code | None = None
    unspsc: Code | None = None
    identifiers: tuple[Identifier, ...] = ()
    packaging: tuple[Packaging, ...] = ()
    cost_price: Money | None = None
    natural_account: Code | None = None
    chargeable: bool = False
    stocked: bool = True
    tracks_lot: bool = False
    active: bool = Field(default=True, description="False: may not be ordered any more.")

    @property
    def natural_key(self) -> str:
        return self.item_number
