"""Typed rows of records: which cell belongs to which column, and what its text is worth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from engine.core.errors import FieldError, StructureError
from engine.protocols.tabular.layout import Column, RecordType, TableLayout
from engine.protocols.tabular.message import Row
from engine.protocols.tabular.record import Record
from engine.protocols.tabular.values import BadValue, Read, Value, reader


class Cell(NamedTuple):
    """Where a column stands: `position` of the cell in its record, from 0; None: not in this file."""

    column: Column
    position: int | None
    read: Read


Place = Callable[[int, Cell | None], str]
"""Line, or row of a sheet, and cell: the words for people."""


class RowMaker:
    """Rows of one record type in one file."""

    def __init__(self, kind: RecordType, cells: Sequence[Cell], place: Place, width: int | None) -> None:
        self.kind, self._place, self._width = kind, place, width
        self._cells = [(one.column.name, one.position, one.read, one) for one in cells]

    def make(self, record: Record) -> Row:
        """Raises StructureError, FieldError: with the place, never the value."""
        if record.problem is not None:
            raise record.problem
        cells, line = record.cells, record.line
        count = len(cells)
        if self._width is not None and count != self._width:
            self._check_width(count, line)
        values: dict[str, Value] = {}
        for name, position, read, cell in self._cells:
            try:
                values[name] = read(cells[position] if position is not None and position < count else "")
            except BadValue as bad:
                raise bad.at(self._place(line, cell)) from None
        return Row(values, line, self._place(line, None), self.kind.name)

    def value(self, record: Record, name: str) -> Value:
        """One column alone, of a record that has no row. Raises IsthmusError."""
        for found, position, read, cell in self._cells:
            if found == name:
                try:
                    inside = position is not None and position < len(record.cells)
                    return read(record.cells[position] if inside and position is not None else "")
                except BadValue as bad:
                    raise bad.at(self._place(record.line, cell)) from None
        raise FieldError("no such column", where=name)

    def cell(self, record: Record, name: str) -> str:
        """A cell's text as it stands."""
        position = next(at for found, at, _, _ in self._cells if found == name)
        return record.cells[position] if position is not None and position < len(record.cells) else ""

    def _check_width(self, count: int, line: int) -> None:
        remedy = "a separator too many or too few; a value that holds one stands in quotes"
        raise StructureError(
            f"{count} value{'s' * (count != 1)}, not {self._width}", where=self._place(line, None), remedy=remedy
        )


def by_position(kind: RecordType, layout: TableLayout, place: Place, readers: dict[str, Read]) -> RowMaker:
    """Columns in the order of the layout; a record of a delimited file that tells its type has that column, too."""
    shift = 0
    cells = []
    for index, column in enumerate(kind.columns):
        if layout.kind != "fixed_width" and layout.code_start and index + 1 == layout.code_start:
            shift = 1
        cells.append(Cell(column, index + shift, readers[column.name]))
    width = None if layout.kind != "delimited" else len(kind.columns) + (1 if layout.code_start else 0)
    return RowMaker(kind, cells, place, width)


def by_heading(
    kind: RecordType, header: Sequence[str], where: str, place: Place, readers: dict[str, Read], strict: bool
) -> RowMaker:
    """Columns where the file's header has their headings; letters' case and blanks do not count.

    Raises:
        StructureError: a heading that is needed is missing, or stands twice.
    """
    there: dict[str, list[int]] = {}
    for position, text in enumerate(header):
        there.setdefault(_plain(text), []).append(position)
    cells = [Cell(column, _position(column, there, where), readers[column.name]) for column in kind.columns]
    return RowMaker(kind, cells, place, len(header) if strict else None)


def _position(column: Column, there: dict[str, list[int]], where: str) -> int | None:
    found = there.get(_plain(column.heading or column.name), ())
    if len(found) > 1:
        raise StructureError(f"the heading of column '{column.name}' stands twice", where=where)
    if not found and column.required and column.default is None:
        remedy = "compare heading: in the layout with the file's first line"
        raise StructureError(f"the heading of column '{column.name}' is missing", where=where, remedy=remedy)
    return found[0] if found else None


def _plain(text: str) -> str:
    return " ".join(text.replace("\ufeff", "").casefold().split())


def readers_of(layout: TableLayout) -> dict[str, dict[str, Read]]:
    """By record type and column."""
    return {one.name: {c.name: reader(c, layout) for c in one.columns} for one in layout.types}
