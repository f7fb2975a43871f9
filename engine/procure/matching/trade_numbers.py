"""Numbers that name an item for everybody: a GTIN of any length, an NDC of any form. Each way of writing is one number.

Those of an item's packages are the item's, too: which package it is, the unit says.
"""

from __future__ import annotations

from collections.abc import Iterable

from engine.canonical import Identifier, Item
from engine.canonical.identifiers import Ndc
from engine.core.errors import DataTypeError

_GTIN = frozenset({"GTIN", "UPC", "EAN"})
_LENGTHS = range(8, 15)


def trade_numbers(identifiers: Iterable[Identifier]) -> frozenset[str]:
    return frozenset(number for one in identifiers if (number := _number(one)) is not None)


def of_item(item: Item | None) -> frozenset[str]:
    """By its master data; none of what nobody knows."""
    if item is None:
        return frozenset()
    packages = [one.identifier for one in item.packaging if one.identifier is not None]
    device = [Identifier(scheme="GTIN", value=item.device_identifier)] if item.device_identifier else []
    return trade_numbers((*item.identifiers, *packages, *device))


def _number(one: Identifier) -> str | None:
    if one.scheme in _GTIN:
        digits = one.value.replace(" ", "").replace("-", "")
        return f"GTIN {digits.zfill(14)}" if digits.isdecimal() and len(digits) in _LENGTHS else None
    if one.scheme != Ndc.scheme:
        return None
    try:
        return f"NDC {Ndc.of(one.value).value}"
    except DataTypeError:  # ten bare digits may be several drugs
        return None
