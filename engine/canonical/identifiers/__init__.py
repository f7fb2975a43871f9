"""Identifiers of items, places, companies and devices as checked values.

Gtin.of("00312345678906")      the value, or DataTypeError with the place
typed_identifier(Identifier(scheme="GLN", value="…"))
parse_udi("(01)…(17)…(10)…")   GS1, HIBCC or ICCBBA by its first character
"""

from __future__ import annotations

from engine.canonical.identifiers.ndc import Ndc
from engine.canonical.identifiers.numbers import (
    Dea,
    Duns,
    Duns4,
    Gln,
    Gtin,
    Hin,
    Lic,
    Sscc,
    TypedIdentifier,
    Uei,
    Unspsc,
)
from engine.canonical.identifiers.udi import IssuingAgency, Udi
from engine.canonical.identifiers.udi_gs1 import parse_gs1
from engine.canonical.identifiers.udi_hibc import parse_hibc
from engine.canonical.identifiers.udi_isbt import parse_isbt
from engine.canonical.party import Identifier
from engine.core.errors import DataTypeError

# UPC and EAN are GTINs of 12 and 13 digits under X12's names.
SCHEMES: dict[str, type[TypedIdentifier]] = {
    **{cls.scheme: cls for cls in (Dea, Duns, Duns4, Gln, Gtin, Hin, Lic, Ndc, Sscc, Uei, Unspsc)},
    "UPC": Gtin,
    "EAN": Gtin,
}


def typed_identifier(identifier: Identifier, where: str | None = None) -> TypedIdentifier | None:
    """The checked value; None for a list that has no rule (a supplier's own numbers).

    Raises:
        DataTypeError: it breaks the rule of its list.
    """
    cls = SCHEMES.get(identifier.scheme)
    return None if cls is None else cls.of(identifier.value, where)


def identifier_fault(identifier: Identifier) -> str | None:
    """What is wrong with it in words, without its value; None when it is right or has no rule."""
    try:
        typed_identifier(identifier)
    except DataTypeError as error:
        return error.what
    return None


def parse_udi(text: str, today: int | None = None) -> Udi:
    """What a carrier says, by the agency that its first characters name.

    Raises:
        DataTypeError: of no agency, or broken; the place is the part within the carrier.
    """
    lead = text.lstrip("*")[:1]
    if lead == "+":
        return parse_hibc(text)
    if lead in ("=", "&"):
        return parse_isbt(text)
    return parse_gs1(text, today)


__all__ = [
    "SCHEMES",
    "Dea",
    "Duns",
    "Duns4",
    "Gln",
    "Gtin",
    "Hin",
    "IssuingAgency",
    "Lic",
    "Ndc",
    "Sscc",
    "TypedIdentifier",
    "Udi",
    "Uei",
    "Unspsc",
    "identifier_fault",
    "parse_gs1",
    "parse_hibc",
    "parse_isbt",
    "parse_udi",
    "typed_identifier",
]
