"""ICCBBA carriers (ISBT 128): data structures of fixed width, each behind its two or three characters.

Source: ICCBBA ST-011, data structures 001, 004, 005, 008, 017, 018, 032, 034, 035; FDA, UDI formats by agency.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

from engine.canonical.identifiers.udi import IssuingAgency, Udi, ordinal_day, udi
from engine.core.errors import DataTypeError

# What stands before the data, its width, and what it is.
_STRUCTURES = (
    ("=/", 16, "device_identifier"),  # processor, product and description: FIN(P), FPC, PDC
    ("=)", 10, "device_identifier"),  # manufacturer and catalog number of a container
    ("=,", 6, "serial"),  # number of the division
    ("=>", 6, "expires_on"),
    ("&>", 10, "expires_on"),  # with hour and minute
    ("=}", 6, "manufactured_on"),
    ("&,1", 18, "lot"),
    ("&)", 10, "lot"),  # of a container
)
_DONATION = re.compile(r"=([A-NP-Z1-9][0-9A-Z]{4}[0-9]{8}[0-9A-Z]{2})")
_DATES = frozenset(("expires_on", "manufactured_on"))


def parse_isbt(text: str) -> Udi:
    """DI, donation number, serial, lot and dates.

    Raises:
        DataTypeError: a structure that a device's label does not have, too short, or with a day that is none.
    """
    facts: dict[str, Any] = {}
    for name, value in _elements(text.strip()):
        if facts.setdefault(name, value) != value:
            raise DataTypeError("given twice, and not alike", where="UDI")
    return udi(IssuingAgency.ICCBBA, text, facts)


def _elements(text: str) -> Iterator[tuple[str, Any]]:
    rest = text
    while rest:
        donation = _DONATION.match(rest)
        if donation:
            yield "donation_number", donation[1]
            rest = rest[donation.end() :]
            continue
        lead, width, name = _structure(rest)
        value, rest = rest[len(lead) : len(lead) + width], rest[len(lead) + width :]
        if not (len(value) == width and value.isascii() and value.isalnum()):
            raise DataTypeError("a data structure is cut off", where=f"UDI {lead}", remedy="scan it again")
        yield name, _day(value, lead) if name in _DATES else value


def _structure(rest: str) -> tuple[str, int, str]:
    found = next((one for one in _STRUCTURES if rest.startswith(one[0])), None)
    if found is None:
        raise DataTypeError("no data structure of a device's label", where="UDI")
    return found


def _day(value: str, lead: str) -> date:
    """cYYJJJ: the third digit of the year, its last two, the day of the year; an hour behind it is not kept."""
    if not value.isdigit():
        raise DataTypeError("not digits", where=f"UDI {lead}")
    return ordinal_day(2000 + 100 * int(value[0]) + int(value[1:3]), int(value[3:6]), f"UDI {lead}")
