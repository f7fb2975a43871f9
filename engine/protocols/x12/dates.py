"""Dates and times of X12: YYMMDD, CCYYMMDD, HHMM[SS[D[D]]]."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache

_TIME = re.compile(r"(?:[01][0-9]|2[0-3])[0-5][0-9](?:[0-5][0-9][0-9]{0,2})?").fullmatch
# Two-digit years are of this century up to 79. Source: POSIX has 69; X12 began in 1979.
_CENTURY_TURN = 80


@lru_cache(maxsize=4096)
def parse_date(text: str) -> date | None:
    """The day, or None when the text is not a calendar day in YYMMDD or CCYYMMDD."""
    if len(text) not in (6, 8) or not (text.isascii() and text.isdigit()):
        return None
    year, rest = (int(text[:4]), text[4:]) if len(text) == 8 else (_with_century(int(text[:2])), text[2:])
    try:
        return date(year, int(rest[:2]), int(rest[2:]))
    except ValueError:
        return None


def _with_century(year: int) -> int:
    return 2000 + year if year < _CENTURY_TURN else 1900 + year


def is_date(text: str) -> bool:
    return parse_date(text) is not None


def is_time(text: str) -> bool:
    return _TIME(text) is not None
