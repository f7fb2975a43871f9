"""A layout of tables in files: `config/layouts/<name>.yaml`, as the analyst writes it."""

from __future__ import annotations

import codecs
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from engine.channel.layout_column import ColumnModel, codes_of, placed
from engine.channel.model import Name, Settings
from engine.protocols.tabular.dates import check_format
from engine.protocols.tabular.layout import MOST_COLUMNS, Check, RecordType, Role, TableLayout
from engine.protocols.tabular.values import BadValue, reader

_NAMES = """ascii utf-8 utf-16-le utf-16-be cp037 cp437 cp500 cp850 cp858 cp1140 cp1250 cp1251 cp1252 cp1253 cp1254
cp1257 iso8859-1 iso8859-2 iso8859-5 iso8859-7 iso8859-9 iso8859-15 mac-roman"""
ENCODINGS = frozenset(_NAMES.split())
_SEPARATORS = {"tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}
_ONLY = {
    "delimited": frozenset({"separator", "quote"}),
    "fixed_width": frozenset({"record_length"}),
    "excel": frozenset({"sheet", "header_row", "first_row", "stop_at_blank"}),
}
_TEXT_ONLY = frozenset({"encoding", "skip_lines", "comment", "line_end", "decimal_mark", "thousands", "type_at"})


def _encoding(text: str) -> str:
    try:
        name = codecs.lookup(text).name
    except LookupError:
        name = ""
    if name not in ENCODINGS:
        raise ValueError(f"an encoding is one of {', '.join(sorted(ENCODINGS))}")
    return name


def _separator(text: str) -> str:
    sign = _SEPARATORS.get(text, text)
    if len(sign) != 1 or sign in "\r\n\"'" or sign.isalnum():
        raise ValueError(f"a separator is one sign, or one of {', '.join(_SEPARATORS)}")
    return sign


class CheckModel(Settings):
    """What a trailer says of the file."""

    column: Name = Field(description="Column of the trailer.", examples=["record_count"])
    sums: Name | None = Field(
        default=None,
        description="Column of the details that it is the sum of; none: their number.",
        examples=["amount"],
    )


class RecordTypeModel(Settings):
    """Records of one kind, told by their code."""

    name: Name = Field(description="Its name: `row.type` in scripts.", examples=["payment"])
    code: str = Field(min_length=1, max_length=20, description="What stands at type_at.", examples=["6"])
    role: Literal["header", "detail", "trailer"] = Field(
        default="detail", description="header: the first record, once; trailer: the last one, once."
    )
    columns: tuple[ColumnModel, ...] = Field(min_length=1, max_length=MOST_COLUMNS, description="Its values.")
    checks: tuple[CheckModel, ...] = Field(default=(), description="trailer: counts and sums that must be right.")


class TypeAt(Settings):
    """Where a record tells its type."""

    start: int = Field(ge=1, le=10_000, description="fixed_width: character; delimited: column; from 1.")
    length: int = Field(default=1, ge=1, le=20, description="fixed_width: characters.")


class Layout(Settings):
    """How a table stands in a file. The same layout reads and writes."""

    layout: Name = Field(description="Name used in channels; the file has the same name.", examples=["supplier_prices"])
    title: str = Field(default="", max_length=200, description="What comes or goes in it, and whose it is.")
    kind: Literal["delimited", "fixed_width", "excel"] = Field(description="What the file is.")
    records: Literal["file", "each"] = Field(
        default="file", description="What is one message: the file, or each row (or group of rows)."
    )
    group_by: Name | None = Field(
        default=None, description="Consecutive rows with the same value in this column are one message.",
        examples=["invoice_number"],
    )  # fmt: skip
    columns: tuple[ColumnModel, ...] = Field(
        default=(), max_length=MOST_COLUMNS, description="The values of a row, when all rows are alike."
    )
    record_types: tuple[RecordTypeModel, ...] = Field(
        default=(), max_length=50, description="Kinds of records, when a code tells them apart."
    )
    type_at: TypeAt | None = Field(default=None, description="Where the code of record_types stands.")
    encoding: Annotated[str, AfterValidator(_encoding)] = Field(default="utf-8", description="Character set.")
    separator: Annotated[str, AfterValidator(_separator)] = Field(
        default=",", description="Between values: one sign, or tab, comma, semicolon, pipe."
    )
    quote: Literal['"', "'", ""] = Field(default='"', description="Around values that hold a separator; empty: none.")
    header: Literal["by_name", "yes", "no"] = Field(
        default="by_name", description="by_name: columns are found by headings; yes: passed over; no: there is none."
    )
    skip_lines: int = Field(default=0, ge=0, le=1000, description="Lines before the header that say nothing.")
    comment: str = Field(default="", max_length=5, description="What a remark's line begins with.", examples=["#"])
    line_end: Literal["crlf", "lf"] = Field(default="crlf", description="Written at the end of lines; all are read.")
    record_length: int | None = Field(
        default=None, ge=1, le=100_000, description="fixed_width: characters of a record in a file without line breaks."
    )
    decimal_mark: Literal[".", ","] = Field(default=".", description="Before the decimals.")
    thousands: Literal["", ",", ".", " ", "'"] = Field(default="", description="Between groups of three digits.")
    date_formats: tuple[str, ...] = Field(
        default=("YYYY-MM-DD",), min_length=1, description="Forms of dates; the first is written.",
        examples=[["MM/DD/YYYY"]],
    )  # fmt: skip
    time_formats: tuple[str, ...] = Field(
        default=("HH:MI:SS", "HH:MI"), min_length=1, description="Forms of times; the first is written."
    )
    sheet: str | int = Field(default=1, description="excel: name of the sheet, or its number from 1.")
    header_row: int = Field(default=1, ge=1, le=1000, description="excel: row with the headings.")
    first_row: int | None = Field(default=None, ge=1, le=1_000_000, description="excel: first row with values.")
    stop_at_blank: bool = Field(default=False, description="excel: nothing below an empty row counts.")
    most_rows: int = Field(default=200_000, ge=1, le=1_000_000, description="A file with more is refused.")
    formulas: Literal["guarded", "as_they_are"] = Field(
        default="guarded",
        description="delimited, written: a text that begins like a formula (= + - @) gets an apostrophe before it, so "
        "that no spreadsheet runs it. as_they_are: only programs read the file.",
    )
    each: Name | None = Field(
        default=None, description="Written: list of the document of which each member is a row.", examples=["lines"]
    )

    @field_validator("date_formats")
    @classmethod
    def _dates(cls, formats: tuple[str, ...]) -> tuple[str, ...]:
        for text in formats:
            check_format(text, "YMD")
        return formats

    @field_validator("time_formats")
    @classmethod
    def _times(cls, formats: tuple[str, ...]) -> tuple[str, ...]:
        for text in formats:
            check_format(text, "HI")
        return formats

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Layout:
        given = self.model_fields_set
        for kind, keys in _ONLY.items():
            if kind != self.kind and given & keys:
                raise ValueError(f"`{min(given & keys)}` belongs to kind: {kind}")
        if self.kind == "excel" and given & _TEXT_ONLY:
            raise ValueError(f"`{min(given & _TEXT_ONLY)}` does not belong to kind: excel")
        if self.kind == "fixed_width" and "header" in given:
            raise ValueError("a fixed_width file has no header line: use skip_lines, or record_types with role: header")
        if self.decimal_mark == self.thousands:
            raise ValueError("decimal_mark and thousands cannot be the same sign")
        if bool(self.columns) == bool(self.record_types):
            raise ValueError("a layout has columns, or record_types with columns")
        if bool(self.record_types) != bool(self.type_at):
            raise ValueError("record_types and type_at belong together")
        if self.record_types and self.kind == "excel":
            raise ValueError("rows of excel are all alike: columns, not record_types")
        if self.record_types and self.kind == "delimited" and self.header == "by_name":
            raise ValueError("record_types have no common heading: set header: no, or yes")
        if self.first_row is not None and self.header != "no" and self.first_row <= self.header_row:
            raise ValueError("first_row is below header_row")
        return self

    @model_validator(mode="after")
    def _records_fit(self) -> Layout:
        for one in self.record_types or (RecordTypeModel.model_construct(name="row", code="", columns=self.columns),):
            names = [column.name for column in one.columns]
            twice = next((name for name in names if names.count(name) > 1), None)
            if twice:
                raise ValueError(f"the column '{twice}' is there twice")
            self._places_fit(one)
        self._roles_fit()
        if self.group_by is not None:
            if any(self.group_by not in {c.name for c in one.columns} for one in self._details()):
                raise ValueError(f"group_by names '{self.group_by}', which is no column of every detail record")
            if "records" in self.model_fields_set and self.records == "file":
                raise ValueError("group_by makes several messages of a file: records: each")
        self._values_fit()
        return self

    def _details(self) -> list[RecordTypeModel]:
        if self.columns:
            return [
                RecordTypeModel.model_construct(name="row", code="", role="detail", columns=self.columns, checks=())
            ]
        return [one for one in self.record_types if one.role == "detail"]

    def _roles_fit(self) -> None:
        types = self.record_types
        if types and not self._details():
            raise ValueError("one of the record_types is a detail")
        for what in ("code", "name"):
            values = [getattr(one, what) for one in types]
            if len(set(values)) != len(values):
                raise ValueError(f"two record_types have the same {what}")
        for role in ("header", "trailer"):
            if sum(one.role == role for one in types) > 1:
                raise ValueError(f"only one of the record_types is the {role}")
        for one in types:
            if one.checks and one.role != "trailer":
                raise ValueError("checks belong to role: trailer")
            for check in one.checks:
                self._check_fits(one, check)

    def _check_fits(self, trailer: RecordTypeModel, check: CheckModel) -> None:
        column = next((c for c in trailer.columns if c.name == check.column), None)
        if column is None or column.type not in ("integer", "decimal"):
            raise ValueError(f"checks name '{check.column}', which is no number of the trailer")
        summed = [next((c for c in one.columns if c.name == check.sums), None) for one in self._details()]
        if check.sums and any(c is None or c.type not in ("integer", "decimal") for c in summed):
            raise ValueError(f"checks sum '{check.sums}', which is no number of every detail record")

    def _places_fit(self, kind: RecordTypeModel) -> None:
        if self.kind != "fixed_width":
            if any(column.start or column.length for column in kind.columns):
                raise ValueError("start and length belong to kind: fixed_width")
            return
        taken = [(self.type_at.start, self.type_at.start + self.type_at.length, "type_at")] if self.type_at else []
        for start, column in placed(kind.columns):
            if column.length is None:
                raise ValueError(f"the column '{column.name}' needs a length")
            end = start + column.length
            other = next((name for first, last, name in taken if start < last and first < end), None)
            if other and other != "type_at":
                raise ValueError(f"the columns '{other}' and '{column.name}' share characters")
            if self.record_length and end - 1 > self.record_length:
                raise ValueError(f"the column '{column.name}' ends behind record_length")
            taken.append((start, end, column.name))

    def _values_fit(self) -> None:
        """Defaults, and what codes mean, must be values of their columns."""
        made = self.table()
        for kind in made.types:
            for column in kind.columns:
                try:
                    reader(column, made)
                except BadValue as bad:
                    raise ValueError(f"the default of '{column.name}' does not fit: {bad.what}") from None

    def table(self) -> TableLayout:
        """As plain data for readers and writers."""
        types = tuple(
            RecordType(
                columns=tuple(c.column(start, codes_of(c.codes)) for start, c in placed(one.columns)),
                name=one.name,
                code=one.code or None,
                role=Role(one.role),
                checks=tuple(Check(check.column, check.sums) for check in one.checks),
            )
            for one in (self.record_types or self._details())
        )
        return TableLayout(
            name=self.layout,
            kind=self.kind,
            types=types,
            encoding=self.encoding,
            separator=self.separator,
            quote=self.quote,
            header=self.header if self.kind != "fixed_width" else "no",
            skip_lines=self.skip_lines,
            comment=self.comment,
            line_end={"crlf": "\r\n", "lf": "\n"}[self.line_end],
            decimal_mark=self.decimal_mark,
            thousands=self.thousands,
            date_formats=self.date_formats,
            time_formats=self.time_formats,
            code_start=self.type_at.start if self.type_at else 0,
            code_length=self.type_at.length if self.type_at else 1,
            record_length=self.record_length,
            sheet=self.sheet,
            header_row=self.header_row,
            first_row=self.first_row,
            stop_at_blank=self.stop_at_blank,
            records="each" if self.group_by else self.records,
            group_by=self.group_by,
            most_rows=self.most_rows,
            guarded=self.formulas == "guarded",
            each=self.each,
        )
