"""A table as a transform sees it: typed rows, read by the names of the layout's columns."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import NoReturn

from engine.core.errors import DataTypeError, FieldError, RequiredFieldError, StructureError
from engine.protocols.by_path import ByPath
from engine.protocols.tabular.values import Value, text_of

PATH = re.compile(r"(?:rows\[(?P<row>[1-9]\d{0,8})\]\.|(?P<part>header|trailer)\.)?(?P<name>[a-z][a-z0-9_]*)")


class Row(ByPath, Mapping[str, Value]):
    """One record: `row["price"]` is a Decimal, a date, text … or None, as its column says.

    `type` is the name of its record type, `where` its place in the file. `text`, `number`, `date` … give a value of
    that type, or raise with the place: RequiredFieldError when there is none, FieldError for an unknown column.
    """

    __slots__ = ("_values", "_where", "line", "type")

    def __init__(self, values: Mapping[str, Value], line: int, where: str, type_name: str) -> None:
        self._values, self.line, self._where, self.type = values, line, where, type_name

    def __getitem__(self, name: str) -> Value:
        try:
            return self._values[name]
        except KeyError:
            remedy = "name a column of the layout"
            raise FieldError("no such column", where=f"{self._where}, {name[:60]}", remedy=remedy) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, name: object) -> bool:
        return name in self._values

    @property
    def where(self) -> str:
        return self._where

    def get(self, path: str, default: object = None) -> str | None:
        """The value as text; None when it is empty or there is no such column."""
        return text_of(self._values.get(path))

    def text(self, name: str) -> str:
        return text_of(self._given(name)) or ""

    def require(self, path: str) -> str:
        return self.text(path)

    def number(self, path: str) -> Decimal:
        value = self._given(path)
        if isinstance(value, bool) or not isinstance(value, Decimal | int):
            self._other("a number", path)
        return Decimal(value)

    def integer(self, name: str) -> int:
        value = self._given(name)
        if isinstance(value, bool) or not isinstance(value, int):
            self._other("a whole number", name)
        return value

    def date(self, name: str) -> datetime.date:
        value = self._given(name)
        if not isinstance(value, datetime.date):
            self._other("a date", name)
        return value

    def time(self, name: str) -> datetime.time:
        value = self._given(name)
        if not isinstance(value, datetime.time):
            self._other("a time", name)
        return value

    def boolean(self, name: str) -> bool:
        value = self._given(name)
        if not isinstance(value, bool):
            self._other("yes or no", name)
        return value

    def _given(self, name: str) -> str | int | bool | Decimal | datetime.date | datetime.time:
        value = self[name]
        if value is None:
            raise RequiredFieldError("a value is required", where=f"{self._where}, {name}")
        return value

    def _other(self, what: str, name: str) -> NoReturn:
        remedy = "give the column that type in the layout"
        raise DataTypeError(f"not {what}", where=f"{self._where}, {name}", remedy=remedy)


class TabularMessage(ByPath):
    """Rows of a file, or of a part of one: what is one message. `header` and `trailer` are records of those types."""

    __slots__ = ("_body", "header", "rows", "trailer")

    def __init__(self, body: bytes, rows: Sequence[Row], header: Row | None = None, trailer: Row | None = None) -> None:
        self._body, self.rows, self.header, self.trailer = body, tuple(rows), header, trailer

    @property
    def row(self) -> Row:
        """The only row. Raises StructureError: there are several, or none."""
        if len(self.rows) != 1:
            remedy = "use message.rows, or set records: each in the layout"
            raise StructureError(f"{len(self.rows)} rows where one is expected", remedy=remedy)
        return self.rows[0]

    def get(self, path: str) -> str | None:
        """`price` (of the first row), `rows[2].price` (counted from 1), `header.day`, `trailer.total`; as text."""
        found = PATH.fullmatch(path)
        if found is None:
            return None
        row = self._row(int(found["row"] or 1), found["part"])
        return row.get(found["name"]) if row is not None else None

    def _row(self, number: int, part: str | None) -> Row | None:
        if part:
            return self.header if part == "header" else self.trailer
        return self.rows[number - 1] if number <= len(self.rows) else None

    def encode(self) -> bytes:
        return self._body
