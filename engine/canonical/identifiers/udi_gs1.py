"""GS1 carriers: application identifiers, with brackets for people or with FNC1 as scanners send it.

Source: GS1 General Specifications 3 (identifiers), 7.8 (FNC1), 7.11 (characters), 7.12 (dates).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from engine.canonical.identifiers.numbers import Gtin
from engine.canonical.identifiers.udi import IssuingAgency, Udi, day_of, full_year, number, udi
from engine.core.errors import DataTypeError

FNC1 = "\x1d"

# By their first two digits: digits of the identifier, and length of the data when it is fixed.
_WIDTHS: dict[str, tuple[int, int | None]] = (
    {"00": (2, 18), "01": (2, 14), "02": (2, 14), "03": (2, 14), "04": (2, 16), "20": (2, 2)}
    | {f"1{n}": (2, 6) for n in range(1, 10)}
    | {f"3{n}": (4, 6) for n in range(1, 7)}
    | {"41": (3, 13), "10": (2, None), "21": (2, None), "22": (2, None), "30": (2, None), "37": (2, None)}
    | dict.fromkeys(("23", "24", "25", "40", "42", "71"), (3, None))
    | dict.fromkeys(("39", "43", "70", "72", "80", "81", "82"), (4, None))
    | {str(n): (2, None) for n in range(90, 100)}
)
_LONGEST = {"10": 20, "21": 20, "22": 20, "30": 8, "37": 8}
_LONGEST_OTHER = 90
_DATES = {"11": "manufactured_on", "17": "expires_on"}
_TEXTS = {"10": "lot", "21": "serial"}
_QUANTITIES = ("30", "37")
_SCANNER = re.compile(r"^\][A-Za-z][0-9]")
_BRACKETS = re.compile(r"\((\d{2,4})\)((?:(?!\(\d{2,4}\)).)*)", re.DOTALL)  # a lot may hold brackets of its own
_KEYED = re.compile(r"<GS>|\{GS\}", re.IGNORECASE)  # FNC1 as some scanners type it
# What an identifier's text may hold; anything else is a mark of the scanner's or a slip. Source: table 7.11-1.
_TEXT = re.compile(r"[!\"%-?A-Z_a-z]*").fullmatch


def parse_gs1(text: str, today: int | None = None) -> Udi:
    """The carrier's DI (GTIN-14), lot, serial, dates and count.

    Args:
        today: the year, for GS1's window of centuries; without it every date is of 2000 to 2099.

    Raises:
        DataTypeError: an unknown identifier, a wrong check digit, a date that is none, or two of one kind.
    """
    facts: dict[str, Any] = {}
    for name, value in _elements(_KEYED.sub(FNC1, _SCANNER.sub("", text.strip(" \t\r\n")))):
        read = _fact(name, value, today)
        if read is not None and facts.setdefault(read[0], read[1]) != read[1]:
            raise DataTypeError("given twice, and not alike", where=f"UDI({name})")
    return udi(IssuingAgency.GS1, text, facts)


def _fact(name: str, value: str, today: int | None) -> tuple[str, Any] | None:
    """What of a Udi it is; None for identifiers that say nothing of the device or its production."""
    where = f"UDI({name})"
    if name == "01":
        return "device_identifier", Gtin.of(value, where).value
    if name in _DATES:
        digits = f"{number(value, where):06d}"
        year = full_year(int(digits[:2]), today)
        return _DATES[name], day_of(year, int(digits[2:4]), int(digits[4:]), where)
    if name in _TEXTS:
        return _TEXTS[name], value
    return ("quantity", number(value, where)) if name in _QUANTITIES else None


def _elements(text: str) -> Iterator[tuple[str, str]]:
    found = _bracketed(text) if text.startswith("(") else _scanned(text)
    for name, value in found:
        _check(name, value)
        yield name, value


def _check(name: str, value: str) -> None:
    digits, fixed = _known(name)
    longest = fixed or _LONGEST.get(name, _LONGEST_OTHER)
    if len(name) != digits or not value or len(value) > longest or (fixed is not None and len(value) != fixed):
        remedy = "a variable one ends with FNC1 (GS) when another follows" if fixed is None else None
        raise DataTypeError("not of the length that it must have", where=f"UDI({name})", remedy=remedy)
    if not _TEXT(value):
        remedy = "set the scanner to send FNC1 as GS (hexadecimal 1D)"
        raise DataTypeError("holds a character that GS1 does not have", where=f"UDI({name})", remedy=remedy)


def _known(name: str) -> tuple[int, int | None]:
    try:
        return _WIDTHS[name[:2]]
    except KeyError:
        raise DataTypeError("GS1 has no such application identifier", where=f"UDI({name[:2]})") from None


def _bracketed(text: str) -> Iterator[tuple[str, str]]:
    if _BRACKETS.sub("", text):
        raise DataTypeError("brackets that do not close an application identifier", where="UDI")
    yield from ((name, value.strip()) for name, value in _BRACKETS.findall(text))


def _scanned(text: str) -> Iterator[tuple[str, str]]:
    rest = text.lstrip(FNC1)
    while rest:
        if not (rest[:2].isascii() and rest[:2].isdigit()):
            raise DataTypeError("no application identifier where one must stand", where="UDI")
        digits, fixed = _known(rest[:2])
        name, rest = rest[:digits], rest[digits:]
        end = rest.find(FNC1) if fixed is None else fixed
        end = len(rest) if end < 0 else end
        value, rest = rest[:end], rest[end:].lstrip(FNC1)
        yield name, value
