"""Dates and times by formats that people read: `YYYY-MM-DD`, `M/D/YYYY`, `DD.MM.YY`, `HH:MI:SS`."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, time
from functools import lru_cache

_FIELDS = {
    "YYYY": r"(?P<year>[0-9]{4})",
    "YY": r"(?P<short>[0-9]{2})",
    "MM": r"(?P<month>[0-9]{2})",
    "DD": r"(?P<day>[0-9]{2})",
    "M": r"(?P<month>[0-9]{1,2})",
    "D": r"(?P<day>[0-9]{1,2})",
    "HH": r"(?P<hour>[0-9]{2})",
    "MI": r"(?P<minute>[0-9]{2})",
    "SS": r"(?P<second>[0-9]{2})",
}
_WORD = re.compile("|".join(_FIELDS))
_CENTURY = 70  # YY from 70 on is of the last century, as POSIX has it


def check_format(text: str, needed: str) -> None:
    """`needed`: letters of fields, `YMD`, or `HI` for a time. Raises ValueError, in words."""
    words = _WORD.findall(text)
    short = ["".join(w) for w in words]
    has = {"Y" if w.startswith("Y") else "I" if w == "MI" else w[0] for w in short}
    if len(short) != len(set(short)) or not set(needed) <= has:
        example = "MM/DD/YYYY" if "Y" in needed else "HH:MI"
        raise ValueError(f"a format names each part once, such as {example}")
    if re.search(r"[A-Za-z0-9]", _WORD.sub("", text)):
        raise ValueError("a format has YYYY YY MM M DD D HH MI SS and signs between them")


@lru_cache(maxsize=256)
def _compiled(text: str) -> Callable[[str], re.Match[str] | None]:
    parts, at = [], 0
    for word in _WORD.finditer(text):
        parts += [re.escape(text[at : word.start()]), _FIELDS[word[0]]]
        at = word.end()
    return re.compile("".join([*parts, re.escape(text[at:])])).fullmatch


@lru_cache(maxsize=20_000)
def read_date(value: str, formats: tuple[str, ...]) -> date | None:
    """None: of none of the formats."""
    for text in formats:
        if match := _compiled(text)(value):
            found = match.groupdict()
            try:
                return date(_year(found), int(found["month"]), int(found["day"]))
            except ValueError:
                continue
    return None


def _year(found: dict[str, str]) -> int:
    if "year" in found:
        return int(found["year"])
    short = int(found["short"])
    return short + (1900 if short >= _CENTURY else 2000)


def read_time(value: str, formats: tuple[str, ...]) -> time | None:
    """None: of none of the formats."""
    for text in formats:
        if match := _compiled(text)(value):
            found = match.groupdict()
            try:
                return time(int(found["hour"]), int(found["minute"]), int(found.get("second") or 0))
            except ValueError:
                continue
    return None


def write_date(value: date, text: str) -> str:
    fields = {
        "YYYY": f"{value.year:04d}",
        "YY": f"{value.year % 100:02d}",
        "MM": f"{value.month:02d}",
        "DD": f"{value.day:02d}",
        "M": str(value.month),
        "D": str(value.day),
    }
    return _WORD.sub(lambda word: fields[word[0]], text)


def write_time(value: time, text: str) -> str:
    fields = {"HH": f"{value.hour:02d}", "MI": f"{value.minute:02d}", "SS": f"{value.second:02d}"}
    return _WORD.sub(lambda word: fields[word[0]], text)
