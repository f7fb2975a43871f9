"""What a table looks like, as plain data: what workers get. Analysts write engine/channel/layout.py's form of it."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

import msgspec

MOST_COLUMNS = 500
LONGEST_CELL = 32_767
"""Characters; what a cell of Excel holds at most."""


class Role(StrEnum):
    """What a record is in its file."""

    HEADER = "header"  # the first one, once
    DETAIL = "detail"
    TRAILER = "trailer"  # the last one, once


class Column(msgspec.Struct, frozen=True):
    """One value of a record.

    Args:
        heading: the words in the file's header; `name` when empty.
        start, length: place in a fixed-width record, in characters; start counts from 1.
        scale: most digits after the decimal mark, and as many are written.
        implied: the digits hold no mark, the last `scale` of them stand after it.
        codes: code in the file to the value; empty: any.
        formats: of dates and times; empty: the layout's.
        source: where the value of a document that is written stands; `name` when empty.
    """

    name: str
    kind: Literal["text", "integer", "decimal", "date", "time", "boolean"] = "text"
    heading: str = ""
    start: int = 0
    length: int = 0
    required: bool = False
    pattern: str | None = None
    longest: int = 4000
    trim: bool = True
    default: str | None = None
    scale: int | None = None
    implied: bool = False
    rounded: bool = False
    codes: dict[str, str] = {}
    formats: tuple[str, ...] = ()
    true: tuple[str, ...] = ("true", "yes", "y", "1")
    false: tuple[str, ...] = ("false", "no", "n", "0")
    align: Literal["left", "right"] = "left"
    fill: str = " "
    source: str = ""


class Check(msgspec.Struct, frozen=True):
    """What a trailer says of the file: its `column` is the number of details, or the sum of their column `sums`."""

    column: str
    sums: str | None = None


class RecordType(msgspec.Struct, frozen=True):
    """Records of one kind. `code` None: the only kind there is."""

    columns: tuple[Column, ...]
    name: str = "row"
    code: str | None = None
    role: Role = Role.DETAIL
    checks: tuple[Check, ...] = ()


class TableLayout(msgspec.Struct, frozen=True):
    """A file of one kind.

    Args:
        header: `by_name`: columns are found by their headings; `yes`: a line that is passed over; `no`.
        code_start, code_length: where a record tells its type: character (fixed width) or column (delimited), from 1.
        record_length: characters of a record in a file without line breaks.
        sheet: name, or number from 1.
        header_row: of Excel, from 1; the rows begin below it, or at `first_row`.
        group_by: consecutive rows with one value of this column are one message; with `records` "each".
        most_rows: a file with more is refused.
        guarded: text that a spreadsheet would take for a formula is written as text.
        each: list of a document of which each member is written as a row.
    """

    name: str
    kind: Literal["delimited", "fixed_width", "excel"]
    types: tuple[RecordType, ...]
    encoding: str = "utf-8"
    separator: str = ","
    quote: str = '"'
    header: Literal["by_name", "yes", "no"] = "by_name"
    skip_lines: int = 0
    comment: str = ""
    line_end: str = "\r\n"
    decimal_mark: str = "."
    thousands: str = ""
    date_formats: tuple[str, ...] = ("YYYY-MM-DD",)
    time_formats: tuple[str, ...] = ("HH:MI:SS", "HH:MI")
    code_start: int = 0
    code_length: int = 1
    record_length: int | None = None
    sheet: str | int = 1
    header_row: int = 1
    first_row: int | None = None
    stop_at_blank: bool = False
    records: Literal["file", "each"] = "file"
    group_by: str | None = None
    most_rows: int = 200_000
    guarded: bool = True
    each: str | None = None

    @property
    def detail(self) -> RecordType:
        """The first kind of detail record."""
        return next(one for one in self.types if one.role is Role.DETAIL)
