"""Suppliers, addresses and identifiers."""

from __future__ import annotations

from typing import ClassVar

from engine.canonical.base import Code, Document, Text, Value


class Identifier(Value):
    """A number with the list it comes from: `GLN`, `DUNS`, `HIN`, `GTIN`, `NDC`, `VENDOR_ITEM`, …"""

    scheme: Code
    value: Code


class Address(Value):
    name: Text | None = None
    street: Text | None = None
    city: Text | None = None
    state: Code | None = None
    postal_code: Code | None = None
    country: Code | None = None


class Supplier(Document):
    """A legal entity that we buy from. `supplier_number` is our number for it, the ERP's party code."""

    kind: ClassVar[str] = "Supplier"

    supplier_number: Code
    name: Text
    tax_identifier: Code | None = None
    identifiers: tuple[Identifier, ...] = ()
    address: Address | None = None
    email: Text | None = None
    payment_terms_days: int | None = None
    active: bool = True

    @property
    def natural_key(self) -> str:
        return self.supplier_number


class Party(Value):
    """A party named in a trading document: buyer, ship-to, remit-to. `role` is the X12 entity code (N101)."""

    role: Code
    name: Text | None = None
    identifier: Identifier | None = None
    address: Address | None = None
