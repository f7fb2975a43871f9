"""Excel: exact values of a sheet, against workbooks that openpyxl writes; and what openpyxl reads of ours."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import openpyxl
import pytest

from engine.core.errors import DataTypeError, FramingError, MessageError, SizeLimitError, StructureError
from engine.protocols.tabular import write
from tests.support.layouts import COLUMNS, layout, reader

HEADINGS = ["Item No.", "Price", "Since", "Unit"]


def book(*rows: list[Any], title: str = "Prices") -> bytes:
    made = openpyxl.Workbook()
    sheet = made.active
    assert sheet is not None
    sheet.title = title
    for row in rows:
        sheet.append(row)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def changed(content: bytes, name: str, before: bytes, after: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.namelist():
            body = old.read(entry)
            new.writestr(entry, body.replace(before, after) if entry == name else body)
    return out.getvalue()


def test_values_are_exact_and_typed() -> None:
    content = book(
        HEADINGS, ["A1", 19.99, date(2026, 11, 21), "BX"], [4711, 0.1 + 0.2, datetime(2026, 11, 21), None], ["A3", 1e-2]
    )

    rows = reader("excel", records="file").parse(content).rows

    assert [tuple(row.values()) for row in rows] == [
        ("A1", Decimal("19.99"), date(2026, 11, 21), "BX"),
        ("4711", Decimal("0.3"), date(2026, 11, 21), "EA"),
        ("A3", Decimal("0.01"), None, "EA"),
    ]


def test_a_code_that_is_shown_with_leading_zeros_has_them() -> None:
    made = openpyxl.Workbook()
    sheet = made.active
    assert sheet is not None
    for row in (HEADINGS, [42, 7], [1234567, 7], ["042", 7], [4.5, 7]):
        sheet.append(row)
    for row in sheet.iter_rows(min_row=2, max_col=2):
        row[0].number_format, row[1].number_format = "00000", "000.00"
    out = io.BytesIO()
    made.save(out)
    parts = [reader("excel").parse(part.body) for part in reader("excel").split(out.getvalue())]

    assert [part.require("sku") for part in parts] == ["00042", "1234567", "042", "4.5"]
    assert {str(part.number("price")) for part in parts} == {"7"}


@pytest.mark.parametrize("code", [1234567890123456, 100123456789012345, 1.2e18])
def test_a_code_of_more_digits_than_excel_keeps_is_refused_and_not_made_up(code: float) -> None:
    columns = [{"name": "sku", "heading": "Item No.", "required": True}]
    (part,) = reader("excel", columns=columns).split(book(["Item No."], [code]))

    assert part.problem is not None
    assert "more than 15 digits" in part.problem.what
    assert part.problem.where == "row 2, sku"


def test_a_row_becomes_a_message_that_reads_alone_and_knows_its_row() -> None:
    read = reader("excel")
    content = book(["A title"], [], HEADINGS, ["A1", 1.5, None, None], ["A2", 'say "x", y\nz', None, None], ["A3", 2])
    parts = reader("excel", header_row=3).split(content)

    assert [(part.line, part.problem is None) for part in parts] == [(4, True), (5, False), (6, True)]
    assert parts[0].body == b"#,Item No.,price,since,unit\r\n4,A1,1.5,,\r\n"
    assert read.parse(parts[2].body, parts[2].line).row.where == "row 6"
    assert parts[1].problem is not None
    assert parts[1].problem.where == "row 5, price"


def test_a_price_with_more_decimals_than_agreed_is_refused_unless_rounding_is_agreed() -> None:
    content = book(HEADINGS, ["A1", 21.3893])
    rounded = [COLUMNS[0], COLUMNS[1] | {"rounded": True}]

    assert isinstance(reader("excel").split(content)[0].problem, DataTypeError)
    assert reader("excel", records="file", columns=rounded).parse(content).row["price"] == Decimal("21.39")


def test_a_formula_counts_as_its_result_and_without_one_it_is_refused() -> None:
    read = reader("excel", records="file")
    without = book(HEADINGS, ["A1", "=1+1"])

    with pytest.raises(DataTypeError):
        read.parse(without)
    assert read.parse(changed(without, "xl/worksheets/sheet1.xml", b"<v></v>", b"<v>2</v>")).row["price"] == Decimal(2)


@pytest.mark.parametrize("sheet", ["Prices", "prices", 2])
def test_a_sheet_is_found_by_name_or_number(sheet: str | int) -> None:
    made = openpyxl.Workbook()
    made.create_sheet("Prices").append(HEADINGS)
    made["Prices"].append(["A1", 5])
    out = io.BytesIO()
    made.save(out)

    assert reader("excel", records="file", sheet=sheet).parse(out.getvalue()).row["price"] == Decimal(5)
    with pytest.raises(StructureError):
        reader("excel", records="file", sheet="Costs").parse(out.getvalue())


def test_days_since_1904_and_styles_of_the_sites_own_are_dates() -> None:
    made = openpyxl.Workbook()
    made.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    sheet = made.active
    assert sheet is not None
    sheet.append(HEADINGS)
    sheet.append(["A1", 1, date(2026, 1, 2)])
    sheet["C2"].number_format = 'dd"d"/mm/yyyy'
    out = io.BytesIO()
    made.save(out)

    assert reader("excel", records="file").parse(out.getvalue()).row["since"] == date(2026, 1, 2)


def test_a_text_that_shows_an_error_is_refused() -> None:
    assert isinstance(reader("excel").split(book(HEADINGS, ["#N/A", 1]))[0].problem, DataTypeError)


def test_rows_below_a_blank_one_may_be_left_out() -> None:
    content = book(HEADINGS, ["A1", 1], [], ["call us", None])

    assert len(reader("excel", stop_at_blank=True).split(content)) == 1
    assert len(reader("excel").split(content)) == 2


BOMB = b"<sheetData>" + b" " * 40_000_000
DOCTYPE = b'<!DOCTYPE x [<!ENTITY a "b">]><worksheet'


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", MessageError),
        (b"PK\x03\x04 no", FramingError),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 100, FramingError),
        (b"Item No.,Price\r\nA1,1\r\n", MessageError),
        (changed(book(HEADINGS), "xl/worksheets/sheet1.xml", b"<worksheet", DOCTYPE), StructureError),
        (changed(book(HEADINGS), "xl/worksheets/sheet1.xml", b"</sheetData>", b""), StructureError),
        (changed(book(HEADINGS), "xl/_rels/workbook.xml.rels", b"worksheets/", b"../../"), StructureError),
        (changed(book(HEADINGS), "xl/worksheets/sheet1.xml", b"<sheetData>", BOMB), SizeLimitError),
    ],
)
def test_what_is_no_honest_workbook_is_refused(content: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        reader("excel").split(content)


def test_openpyxl_reads_what_is_written_and_texts_stay_texts() -> None:
    rows = [{"sku": "=1+1", "price": "5.5", "since": "2026-11-21"}, {"sku": "0012", "price": "-1", "unit": "BX"}]

    content = write(rows, layout("excel", sheet="P & L").table())

    sheet = openpyxl.load_workbook(io.BytesIO(content))["P & L"]
    assert [[cell.value for cell in row] for row in sheet.iter_rows()] == [
        ["Item No.", "price", "since", "unit"],
        ["=1+1", 5.5, datetime(2026, 11, 21), "EA"],
        ["0012", -1, None, "BX"],
    ]
    assert sheet["A2"].data_type == "s"
    assert content == write(rows, layout("excel", sheet="P & L").table())
    assert [row.get("sku") for row in reader("excel", records="file", sheet=1).parse(content).rows] == ["=1+1", "0012"]
