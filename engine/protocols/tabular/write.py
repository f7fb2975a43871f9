"""Documents and rows as a file of a layout: quoted, filled, guarded against formulas; the same bytes every time."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

from engine.core.errors import DataTypeError, StructureError
from engine.protocols.tabular.layout import Column, RecordType, Role, TableLayout
from engine.protocols.tabular.values import BadValue, written

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_MISSING = object()
Texts = list[tuple[Column, str]]


def write(document: Any, layout: TableLayout) -> bytes:
    """A file of JSON's values.

    `document`: a canonical document, or `{"rows": [...]}`, or a list of rows; members of `each` are rows, too.

    Raises:
        FieldError: a value does not fit its column; place is `rows[2].price`.
        StructureError: the document has no rows, or a text cannot stand in such a file.
    """
    records = list(_records(document, layout))
    if layout.kind == "excel":
        from engine.protocols.tabular.excel_writer import workbook

        return workbook(layout.detail, records, layout)
    text = _delimited(records, layout) if layout.kind == "delimited" else _fixed_width(records, layout)
    try:
        return text.encode(layout.encoding)
    except UnicodeEncodeError:
        remedy = "choose encoding: utf-8, or let the transform replace the character"
        raise StructureError(f"a character that {layout.encoding} does not have", remedy=remedy) from None


# ------------------------------------------------------------------ values of records
def _records(document: Any, layout: TableLayout) -> Iterator[tuple[RecordType, Texts]]:
    rows = _rows(document, layout)
    by_role = {one.role: one for one in layout.types if one.role is not Role.DETAIL}
    details = {one.name: one for one in layout.types if one.role is Role.DETAIL}
    if Role.HEADER in by_role:
        yield by_role[Role.HEADER], _texts(by_role[Role.HEADER], document, None, layout, "header")
    for number, row in enumerate(rows, 1):
        kind = details.get(str(row.get("type"))) if len(details) > 1 and isinstance(row, Mapping) else layout.detail
        if kind is None:
            remedy = f"give each row a type: {', '.join(details)}"
            raise StructureError("a row without a known record type", where=f"rows[{number}]", remedy=remedy)
        yield kind, _texts(kind, document, row, layout, f"rows[{number}]")
    if Role.TRAILER in by_role:
        kind = by_role[Role.TRAILER]
        yield kind, _texts(kind, _totals(kind, document, rows, layout), None, layout, "trailer")


def _rows(document: Any, layout: TableLayout) -> Sequence[Any]:
    found: Any = document
    if layout.each:
        found = _at(document, layout.each)
        if found is _MISSING or not isinstance(found, list):
            remedy = "name a list of the document in each: of the layout"
            raise StructureError("the document has no such list", where=layout.each, remedy=remedy)
    elif isinstance(document, Mapping):
        found = document["rows"] if isinstance(document.get("rows"), list) else [document]
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        raise StructureError("rows are objects with the columns' names", remedy='return Rows([{"price": price}, …])')
    return found


def _texts(kind: RecordType, document: Any, row: Any, layout: TableLayout, place: str) -> Texts:
    made = []
    for column in kind.columns:
        value = _value(column, document, row, layout)
        try:
            made.append((column, written(None if value is _MISSING else value, column, layout)))
        except BadValue as bad:
            raise bad.at(f"{place}.{column.name}") from None
    return made


def _value(column: Column, document: Any, row: Any, layout: TableLayout) -> Any:
    path = column.source or column.name
    if row is None:
        return _at(document, path)
    if layout.each and path.startswith(layout.each + "."):
        return _at(row, path[len(layout.each) + 1 :])
    found = _at(row, path)
    return _at(document, path) if found is _MISSING else found


def _at(value: Any, path: str) -> Any:
    for step in path.split("."):
        if not isinstance(value, Mapping) or step not in value:
            return _MISSING
        value = value[step]
    return value


def _totals(kind: RecordType, document: Any, rows: Sequence[Any], layout: TableLayout) -> dict[str, Any]:
    """The document with what the trailer counts and sums."""
    totals: dict[str, Any] = dict(document) if isinstance(document, Mapping) else {}
    columns = {column.name: column for one in layout.types for column in one.columns}
    for check in kind.checks:
        total: Any = len(rows)
        if check.sums is not None:
            total = sum((_amount(columns[check.sums], document, row, layout) for row in rows), Decimal(0))
        target = columns[check.column]
        totals[target.source or target.name] = total
    return totals


def _amount(column: Column, document: Any, row: Any, layout: TableLayout) -> Decimal:
    value = _value(column, document, row, layout)
    return Decimal(0) if value is _MISSING or value is None else Decimal(str(value))


# ------------------------------------------------------------------ text
def _delimited(records: Sequence[tuple[RecordType, Texts]], layout: TableLayout) -> str:
    out = io.StringIO(newline="")
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if layout.quote else csv.QUOTE_NONE
    writer = csv.writer(
        out, delimiter=layout.separator, quotechar=layout.quote or None, quoting=quoting, lineterminator=layout.line_end
    )
    try:
        if layout.header != "no":
            writer.writerow([column.heading or column.name for column in layout.detail.columns])
        for kind, texts in records:
            cells = [_guarded(text, column, layout) for column, text in texts]
            if layout.code_start:
                cells.insert(layout.code_start - 1, kind.code or "")
            writer.writerow(cells)
    except csv.Error:
        raise StructureError("a value holds the separator, and the layout has no quote") from None
    return out.getvalue()


def _guarded(text: str, column: Column, layout: TableLayout) -> str:
    """What a spreadsheet would run as a formula begins with an apostrophe, which makes it text."""
    if layout.guarded and column.kind == "text" and text.startswith(_FORMULA):
        return f"'{text}"
    return text


def _fixed_width(records: Sequence[tuple[RecordType, Texts]], layout: TableLayout) -> str:
    return "".join(_record(kind, texts, layout) for kind, texts in records)


def _record(kind: RecordType, texts: Texts, layout: TableLayout) -> str:
    width = max([c.start + c.length - 1 for c in kind.columns] + [layout.record_length or 0])
    record = [" "] * max(width, layout.code_start + layout.code_length - 1 if kind.code else 0)
    if kind.code:
        at = layout.code_start - 1
        record[at : at + layout.code_length] = kind.code.ljust(layout.code_length)
    for column, text in texts:
        place = slice(column.start - 1, column.start - 1 + column.length)
        record[place] = _filled(text, column)
    return "".join(record) + ("" if layout.record_length else layout.line_end)


def _filled(text: str, column: Column) -> str:
    if len(text) > column.length:
        where = f"{column.name} ({column.start}-{column.start + column.length - 1})"
        raise DataTypeError(f"longer than {column.length} characters", where=where)
    if "\n" in text or "\r" in text:
        raise DataTypeError("a line break inside a record", where=column.name)
    if column.align == "left":
        return text.ljust(column.length, column.fill)
    return text.zfill(column.length) if column.fill == "0" else text.rjust(column.length, column.fill)
