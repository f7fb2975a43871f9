"""Documents as delimited files: values by path, quotes, and texts that no spreadsheet runs."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from engine.core.errors import DataTypeError, FieldError, StructureError
from engine.protocols.tabular import write
from tests.support.layouts import layout, reader

ORDER = {
    "order_number": "PO-1",
    "lines": [
        {"item_number": "M1", "quantity": {"amount": "2", "unit": "EA"}},
        {"item_number": "M2", "quantity": {"amount": "0.5", "unit": "BX"}},
    ],
}
LINES: dict[str, Any] = {
    "each": "lines",
    "columns": [
        {"name": "order", "from": "order_number"},
        {"name": "item", "from": "lines.item_number", "required": True},
        {"name": "amount", "from": "lines.quantity.amount", "type": "decimal", "scale": 2},
    ],
}


def test_each_line_of_a_document_is_a_row_with_values_of_the_document() -> None:
    assert write(ORDER, layout(**LINES).table()) == b"order,item,amount\r\nPO-1,M1,2.00\r\nPO-1,M2,0.50\r\n"


def test_values_are_quoted_so_that_any_reader_gets_them_back() -> None:
    texts = ['a"b', "c,d", "e\r\nf", " g ", "", "é"]
    columns = [{"name": "one"}, {"name": "two"}]

    written = write([{"one": text, "two": "x"} for text in texts], layout(columns=columns).table())

    assert [row[0] for row in csv.reader(io.StringIO(written.decode(), newline=""))][1:] == texts


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "+1", "-1+2", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_text_that_begins_like_a_formula_is_made_text(text: str) -> None:
    columns = [{"name": "note"}, {"name": "amount", "type": "decimal"}]
    rows = [{"note": text, "amount": "-1.5"}]

    guarded = write(rows, layout(columns=columns).table())
    plain = write(rows, layout(columns=columns, formulas="as_they_are").table())

    assert next(csv.reader(io.StringIO(guarded.decode(), newline=""))) == ["note", "amount"]
    assert list(csv.reader(io.StringIO(guarded.decode(), newline="")))[1] == [f"'{text}", "-1.5"]
    assert list(csv.reader(io.StringIO(plain.decode(), newline="")))[1] == [text, "-1.5"]


@pytest.mark.parametrize(
    ("row", "where"),
    [
        ({"sku": None}, "rows[1].sku"),
        ({"sku": "A1", "price": "x"}, "rows[1].price"),
        ({"sku": "A1", "price": "1.234"}, "rows[1].price"),
        ({"sku": "A1", "price": True}, "rows[1].price"),
        ({"sku": "A1", "since": "yesterday"}, "rows[1].since"),
        ({"sku": "A1", "unit": "XX"}, "rows[1].unit"),
        ({"sku": {"a": 1}}, "rows[1].sku"),
    ],
)
def test_a_value_that_does_not_fit_is_told_by_row_and_column(row: dict[str, Any], where: str) -> None:
    with pytest.raises(FieldError) as caught:
        write([row], layout().table())

    assert caught.value.where == where


def test_a_character_that_the_encoding_lacks_is_never_replaced() -> None:
    with pytest.raises(StructureError):
        write([{"sku": "Łódź"}], layout(encoding="latin-1").table())


def test_a_separator_in_a_value_without_quotes_is_refused() -> None:
    with pytest.raises(StructureError):
        write([{"sku": "a,b"}], layout(quote="").table())


@pytest.mark.parametrize("document", [{"order_number": "PO-1"}, {"lines": "x"}, {"lines": ["x"]}, [1], "x"])
def test_a_document_without_the_rows_is_refused(document: Any) -> None:
    with pytest.raises((StructureError, DataTypeError)):
        write(document, layout(**LINES).table())


def test_what_is_written_is_read_again() -> None:
    rows = [{"sku": "A1", "price": "1234.5", "since": "2026-11-21", "unit": "BX"}]
    settings: dict[str, Any] = {"separator": "tab", "decimal_mark": ",", "date_formats": ["DD.MM.YYYY"]}

    written = write(rows, layout(**settings).table())

    assert written == b"Item No.\tprice\tsince\tunit\r\nA1\t1234,50\t21.11.2026\tBX\r\n"
    (part,) = reader(**settings).split(written)
    row = reader(**settings).parse(part.body, 2).row
    assert {name: row.get(name) for name in row} == rows[0] | {"price": "1234.50"}
