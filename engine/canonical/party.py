"""Addresses, identifiers, and parties of trading documents."""

from __future__ import annotations

from engine.canonical.base import Code, Text, Value


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


class Party(Value):
    """A party named in a trading document: buyer, ship-to, remit-to. `role` is the X12 entity code (N101)."""

    role: Code
    name: Text | None = None
    identifier: Identifier | None = None
    address: Address | None = None
