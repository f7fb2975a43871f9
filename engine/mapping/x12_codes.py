"""Which X12 qualifier says what, in both directions. Source: X12 elements 66, 235, 639; GS1 Healthcare order-to-cash.

A qualifier that is not listed keeps its own letters as the scheme, so that nothing is lost on the way through.
"""

from __future__ import annotations

from decimal import Decimal

from engine.core.errors import DataTypeError

PARTY_SCHEMES = {
    "UL": "GLN",
    "21": "HIN",
    "11": "DEA",
    "1": "DUNS",
    "9": "DUNS4",
    "91": "SUPPLIER_ASSIGNED",
    "92": "BUYER_ASSIGNED",
}
ITEM_SCHEMES = {
    "UK": "GTIN",
    "UP": "UPC",
    "EN": "EAN",
    "VC": "VENDOR_CATALOG",
    "VN": "VENDOR_ITEM",
    "VP": "VENDOR_PART",
    "BP": "BUYER_PART",
    "MG": "MANUFACTURER_PART",
    "N4": "NDC",
    "LT": "LOT",
    "SN": "SERIAL",
}
BUYER_ITEM = "IN"
# Without the buyer's own number an item is named by the first of these that is given.
ITEM_NUMBER_FALLBACKS = ("BP", "PI", "SK", "VN", "VP", "VC", "VX", "UK", "UP", "UA", "EN", "N4", "MG")

_PARTY_QUALIFIERS = {scheme: qualifier for qualifier, scheme in PARTY_SCHEMES.items()}
_ITEM_QUALIFIERS = {scheme: qualifier for qualifier, scheme in ITEM_SCHEMES.items()}

# How many units a price stands for. Prices by weight, length or time are per unit of measure, and so per 1.
_PRICE_PER = (
    dict.fromkeys(("PN",), 10)
    | dict.fromkeys(("HP", "LC", "QH", "RC", "TC", "WC"), 100)
    | dict.fromkeys(("TP", "LM", "QS", "RM", "TM", "WM"), 1000)
    | dict.fromkeys(("TT",), 10_000)
    | dict.fromkeys(("HT",), 100_000)
)
_PER_DOZEN = frozenset(("PD", "LD", "RD", "TD", "WD"))
_EXACT_PLACES = 8  # a longer price has no end
_PER_EACH = frozenset(("PE", "LE", "QE", "RE", "TE", "WE"))
_OF_FEET = {"HF": 100, "TF": 1000}
_FEET = frozenset(("FT", "LF"))


def party_scheme(qualifier: str) -> str:
    return PARTY_SCHEMES.get(qualifier, qualifier)


def party_qualifier(scheme: str, where: str) -> str:
    return _qualifier(_PARTY_QUALIFIERS, scheme, where, 2)


def item_scheme(qualifier: str) -> str:
    return ITEM_SCHEMES.get(qualifier, qualifier)


def item_qualifier(scheme: str, where: str) -> str:
    return _qualifier(_ITEM_QUALIFIERS, scheme, where, 2)


def _qualifier(table: dict[str, str], scheme: str, where: str, longest: int) -> str:
    qualifier = table.get(scheme, scheme)
    if len(qualifier) > longest:
        raise DataTypeError("X12 has no qualifier for this kind of identifier", where=where)
    return qualifier


def unit_price(price: Decimal, basis: str, unit: str, where: str) -> Decimal:
    """The price of one unit, exactly.

    Raises:
        DataTypeError: a price per dozen for goods that are not counted in dozens has no exact unit price, nor has one
            by length of goods that are not measured in feet.
    """
    if basis in _PER_DOZEN and unit != "DZ":
        return _of_a_dozen(price, unit, where)
    if basis in _OF_FEET and unit not in _FEET:
        raise DataTypeError("a price by length for goods not measured in feet", where=where, remedy="agree on FT")
    per = _OF_FEET.get(basis) or _PRICE_PER.get(basis, 1)
    return price if per == 1 else price / per


def _of_a_dozen(price: Decimal, unit: str, where: str) -> Decimal:
    each = price / 12
    if unit != "EA" or each * 12 != price or -int(each.as_tuple().exponent) > _EXACT_PLACES:
        raise DataTypeError("a price per dozen for goods not counted in dozens", where=where, remedy="agree on DZ")
    return each


def is_per_each(basis: str, unit: str) -> bool:
    """Whether it says that the price is of one each, though the goods are counted in another unit. Many write so of any
    unit: what adds up must tell."""
    return basis in _PER_EACH and unit != "EA"
