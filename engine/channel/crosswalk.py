"""Crosswalk files: codes of one system to those of another, some only for a time.

from,to                              from,to,valid_from,valid_to
OR-TRO-12,M10001                     OR-TRO-12,M10001,,2026-06-30
                                     OR-TRO-12,M20001,2026-07-01,

Both days are within. A code may have several rows when their days do not overlap.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import NamedTuple

from engine.channel.finding import Finding

_DATES = ("valid_from", "valid_to")
_NAMES = 2  # columns before the dates


class DatedRow(NamedTuple):
    """A value that holds from one day to another, as ISO text; None is without an end."""

    valid_from: str | None
    valid_to: str | None
    value: str
    line: int = 0

    def overlaps(self, other: DatedRow) -> bool:
        return (self.valid_from or "") <= (other.valid_to or "9999") and (other.valid_from or "") <= (
            self.valid_to or "9999"
        )


@dataclass(frozen=True)
class CrosswalkFile:
    """`table` has every code with its value, or the last of its values; `dated` the codes whose rows have days, oldest
    first; `lines` tells where each code stands, for findings."""

    path: str
    table: Mapping[str, str]
    lines: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    dated: Mapping[str, Sequence[DatedRow]] = field(default_factory=lambda: MappingProxyType({}))


def read_csv(path: str, text: str) -> tuple[CrosswalkFile, list[Finding]]:
    """A header row, then two columns, or up to four; lines that start with `#` are remarks."""
    reading = _Reading(path)
    header, *rows = [*reading.rows(text)] or [(1, ["", ""])]
    reading.header(*header)
    for number, row in rows:
        reading.take(number, row)
    return reading.file(), reading.findings


class _Reading:
    def __init__(self, path: str) -> None:
        self._path = path
        self._dates: list[str] = []
        self._rows: defaultdict[str, list[DatedRow]] = defaultdict(list)
        self.findings: list[Finding] = []

    def rows(self, text: str) -> Iterator[tuple[int, list[str]]]:
        """Line number and cells; without empty lines and remarks. Any line end will do."""
        rows = csv.reader(io.StringIO(text.replace("\r\n", "\n").replace("\r", "\n")), strict=True)
        try:
            for row in rows:
                if row and not row[0].lstrip().startswith("#"):
                    yield rows.line_num, row
        except csv.Error as error:
            self._find(max(rows.line_num, 1), "C042", f"not CSV: {error}", "check the quotes in this line")

    def header(self, number: int, row: list[str]) -> None:
        """Names of the first two columns are for people; those of the others say which day it is."""
        dates = [cell.strip() for cell in row[_NAMES:]]
        if len(row) < _NAMES or not set(dates) <= set(_DATES) or len(set(dates)) < len(dates):
            self._columns(number, len(row))
        else:
            self._dates = dates

    def take(self, number: int, row: list[str]) -> None:
        cells = [cell.strip() for cell in row]
        if len(cells) != _NAMES + len(self._dates):
            return self._columns(number, len(cells))
        days = dict(zip(self._dates, cells[_NAMES:], strict=True))
        try:
            first, last = (_day(days.get(name, "")) for name in _DATES)
        except ValueError:
            return self._find(number, "C042", "a date that is none", "write 2026-07-01, or leave it empty")
        if first and last and last < first:
            return self._find(number, "C042", "valid_to is before valid_from", "correct one of the days")
        self._add(cells[0], DatedRow(first, last, cells[1], number))

    def _add(self, key: str, row: DatedRow) -> None:
        other = next((one for one in self._rows[key] if one.overlaps(row)), None)
        if other is None:
            return self._rows[key].append(row)
        if any((row.valid_from, row.valid_to, other.valid_from, other.valid_to)):
            text = f"the code '{key}' has another value on the same days in line {other.line}"
            return self._find(row.line, "C047", text, "end the older row the day before the newer one starts")
        text = f"the code '{key}' is given twice, first in line {other.line}"
        self._find(row.line, "C041", text, "remove one of the rows")

    def file(self) -> CrosswalkFile:
        ordered = {key: sorted(rows, key=lambda row: row.valid_from or "") for key, rows in self._rows.items() if rows}
        dated = {
            key: tuple(rows) for key, rows in ordered.items() if any(row.valid_from or row.valid_to for row in rows)
        }
        table = {key: rows[-1].value for key, rows in ordered.items()}
        return CrosswalkFile(self._path, table, {key: rows[-1].line for key, rows in ordered.items()}, dated)

    def _columns(self, number: int, count: int) -> None:
        wanted = ("two", "three", "four")[min(len(self._dates), len(_DATES))]
        text = f"the row has {count} column{'s' if count != 1 else ''}, not {wanted}"
        self._find(number, "C042", text, "write from,to (and valid_from,valid_to); quote values that hold a comma")

    def _find(self, line: int, code: str, text: str, remedy: str) -> None:
        self.findings.append(Finding(self._path, line, 1, code, text, remedy))


def _day(text: str) -> str | None:
    return date.fromisoformat(text).isoformat() if text else None
