"""HIBCC carriers: primary (labeler and product), secondary (lot, serial, dates), both in one, each with its check.

Source: ANSI/HIBC 2, Supplier Labeling Standard, tables of the secondary data structure.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any

from engine.canonical.identifiers.check_digits import HIBC_CHARACTERS, hibc_check_character
from engine.canonical.identifiers.udi import IssuingAgency, Udi, day_of, number, ordinal_day, udi
from engine.core.errors import DataTypeError

_WHERE = "UDI"
# A letter, three letters or digits; 1 to 18 of the product; one digit of the unit of measure.
_PRIMARY = re.compile(r"[A-Z][0-9A-Z]{3}[0-9A-Z]{1,18}[0-9]")
_LONGEST = 200


def _year(two_digits: str) -> int:
    return 2000 + int(two_digits)


# Behind $$ (and a quantity): the flag, digits of the date, and how they are read. An hour at the end is not kept.
_DATES: dict[str, tuple[int, Callable[[str], date]]] = {
    "2": (6, lambda d: day_of(_year(d[4:6]), int(d[:2]), int(d[2:4]), _WHERE)),
    "3": (6, lambda d: day_of(_year(d[:2]), int(d[2:4]), int(d[4:6]), _WHERE)),
    "4": (8, lambda d: day_of(_year(d[:2]), int(d[2:4]), int(d[4:6]), _WHERE)),
    "5": (5, lambda d: ordinal_day(_year(d[:2]), int(d[2:5]), _WHERE)),
    "6": (7, lambda d: ordinal_day(_year(d[:2]), int(d[2:5]), _WHERE)),
}
_MONTH = re.compile(r"(?:0[1-9]|1[0-2])[0-9]{2}")  # MMYY has no flag of its own; anything else is the lot
_QUANTITIES = {"8": 2, "9": 5}
_TEXTS = {"S": "serial", "L": "lot"}
_LATER: dict[str, tuple[str, int]] = {"14D": ("expires_on", 8), "16D": ("manufactured_on", 8)}


def parse_hibc(text: str) -> Udi:
    """A primary, secondary or joined carrier. Stars around it, as people print it, are no part of it.

    Raises:
        DataTypeError: wrong check character, shape or date.
    """
    raw = text.strip("*\r\n")
    if not raw.startswith("+") or len(raw) > _LONGEST or any(c not in HIBC_CHARACTERS for c in raw):
        raise DataTypeError("not of the shape of an HIBC", where=_WHERE)
    if hibc_check_character(raw[:-1]) != raw[-1]:
        raise DataTypeError("the check character of the HIBC is wrong", where=_WHERE, remedy="scan it again")
    body = raw[1:-1]
    first = body[:1]
    if first.isalpha():
        primary, _, secondary = body.partition("/")
        facts: dict[str, Any] = {"device_identifier": _primary(primary)}
        return udi(IssuingAgency.HIBCC, text, facts | (_secondary(secondary) if secondary else {}))
    # Alone on its label, the secondary one ends with the check character of the primary: the link.
    return udi(IssuingAgency.HIBCC, text, _secondary(body[:-1]) | {"link": body[-1:]})


def _primary(text: str) -> str:
    """The DI: labeler, product and unit of measure."""
    if not _PRIMARY.fullmatch(text):
        raise DataTypeError("not a labeler, a product and a unit of measure", where=_WHERE)
    return text


def _secondary(text: str) -> dict[str, Any]:
    head, *more = text.split("/")
    facts = _part(head)
    for part in more:
        for name, value in _part(part).items():
            if facts.setdefault(name, value) != value:
                raise DataTypeError("given twice, and not alike", where=_WHERE)
    return facts


def _part(text: str) -> dict[str, Any]:
    """`$` lot, `$+` serial, `$$` and `$$+` the same with quantity and expiry before it, five digits an ordinal day."""
    if text.startswith("$$"):
        return _dated(text[2:])
    if text.startswith("$"):
        return _lot_or_serial(text[1:])
    if re.match(r"[0-9]{5}", text):
        return {"expires_on": ordinal_day(_year(text[:2]), int(text[2:5]), _WHERE)} | _lot_or_serial(text[5:])
    return _further(text)


def _dated(text: str) -> dict[str, Any]:
    named = "serial" if text.startswith("+") else "lot"
    rest = text.removeprefix("+")
    facts: dict[str, Any] = {}
    if rest[:1] in _QUANTITIES:
        width = _QUANTITIES[rest[0]]
        facts["quantity"], rest = number(rest[1 : 1 + width], _WHERE), rest[1 + width :]
    flag = rest[:1]
    if flag in _DATES:
        width, read = _DATES[flag]
        facts["expires_on"], rest = read(_digits(rest[1:], width)), rest[1 + width :]
    elif _MONTH.match(rest):
        facts["expires_on"], rest = day_of(_year(rest[2:4]), int(rest[:2]), 0, _WHERE), rest[4:]
    else:
        rest = rest.removeprefix("7")  # 7: no date
    return facts | ({named: rest} if rest else {})


def _digits(text: str, width: int) -> str:
    number(text[:width].ljust(width, "?"), _WHERE)
    return text[:width]


def _lot_or_serial(text: str) -> dict[str, Any]:
    value = text.removeprefix("+")
    return {"serial" if text.startswith("+") else "lot": value} if value else {}


def _further(part: str) -> dict[str, Any]:
    """`S` serial, `L` lot, `Q` quantity, `14D` expiry and `16D` manufacture (YYYYMMDD); others say nothing of it."""
    for flag, (name, width) in _LATER.items():
        if part.startswith(flag):
            digits = _digits(part[len(flag) :], width)
            return {name: day_of(int(digits[:4]), int(digits[4:6]), int(digits[6:8]), _WHERE)}
    if part[:1] == "Q":
        return {"quantity": number(part[1:], _WHERE)}
    return {_TEXTS[part[0]]: part[1:]} if part[:1] in _TEXTS and part[1:] else {}
