"""Items as bought and stocked."""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar

from pydantic import Field

from engine.canonical.base import Code, Document, Effective, Text, Value
from engine.canonical.money import Exact, Money, Unit
from engine.canonical.party import Identifier


class Packaging(Value):
    """One step of the packaging ladder: one `unit` holds `contains` of the item's base unit, exactly."""

    unit: Unit
    contains: Exact
    identifier: Identifier | None = None
    price: Money | None = None


class UnitConversion(Effective):
    """`numerator` / `denominator` of `to_unit` are one `from_unit`, exactly. Never assumed, never 1 by default.

    Source: X12 832 PO4 and CTP, HL7 PKG-4, the GTIN hierarchy; it differs by supplier and packaging level.
    """

    from_unit: Unit
    to_unit: Unit
    numerator: int = Field(ge=1)
    denominator: int = Field(default=1, ge=1)
    supplier_number: Code | None = Field(default=None, description="Holds for this supplier only; none: for all.")
    level: Code | None = Field(default=None, description="Packaging level: each, inner, case, pallet.")
    identifier: Identifier | None = Field(default=None, description="GTIN of the package that `from_unit` is.")

    @property
    def factor(self) -> Fraction:
        """So many `to_unit` are one `from_unit`."""
        return Fraction(self.numerator, self.denominator)


class SupplierItem(Effective):
    """The item as another supplier sells it."""

    supplier_number: Code
    supplier_item_number: Code | None = None
    unit: Unit | None = None
    contract_number: Code | None = None


class Item(Document):
    """`item_number` is the hospital's number, `unit` its base unit of measure."""

    kind: ClassVar[str] = "Item"
    version: ClassVar[str] = "1.1"

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
    conversions: tuple[UnitConversion, ...] = Field(
        default=(), description="Unit conversions by supplier, level and date, beside the packaging ladder."
    )
    contract_numbers: tuple[Code, ...] = Field(default=(), description="Contracts that price it.")
    device_identifier: Code | None = Field(default=None, description="UDI device identifier (DI): what it is.")
    other_suppliers: tuple[SupplierItem, ...] = ()
    substitutes: tuple[Code, ...] = Field(default=(), description="Items that may come in its place.")
    implantable: bool = False
    consignment: bool = Field(default=False, description="The supplier owns it until it is used.")
    tracks_serial: bool = False
    charge_code: Code | None = None
    inspection_required: bool = Field(default=False, description="Receipts are accepted before they are paid.")
    tax_code: Code | None = None

    @property
    def natural_key(self) -> str:
        return self.item_number
