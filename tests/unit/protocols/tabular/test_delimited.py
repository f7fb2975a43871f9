"""Delimited files: what is one record, what its values are, and what a broken line costs."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from engine.core.errors import CharsetError, DataTypeError, RequiredFieldError, SizeLimitError, StructureError
from engine.protocols.tabular import TableReader
from tests.support.layouts import COLUMNS, reader

HEAD = b"Item No.,Price,Since,Unit\r\n"


def values(read: TableReader, body: bytes) -> list[dict[str, Any]]:
    return [dict(row) for part in read.split(body) for row in read.parse(part.body, part.line).rows]


def test_each_row_is_a_message_whose_bytes_are_those_of_the_file() -> None:
    body = HEAD + b'A1,1.50,2026-11-21,BX\r\n\r\n"A""2\r\nb",,,\r\nA3,2,,EA'

    parts = reader().split(body)

    assert [part.line for part in parts] == [2, 4, 6]
    assert HEAD + b"".join(part.body.removeprefix(HEAD) for part in parts) == body.replace(b"\r\n\r\n", b"\r\n")
    assert values(reader(), body) == [
        {"sku": "A1", "price": Decimal("1.50"), "since": date(2026, 11, 21), "unit": "BX"},
        {"sku": 'A"2\r\nb', "price": None, "since": None, "unit": "EA"},
        {"sku": "A3", "price": Decimal(2), "since": None, "unit": "EA"},
    ]


def test_columns_are_found_by_heading_in_any_order_and_others_are_passed_over() -> None:
    body = b"\xef\xbb\xbfpage;PRICE;item  no.\n7;1,5;A1\n"

    assert values(reader(separator="semicolon", decimal_mark=","), body) == [
        {"sku": "A1", "price": Decimal("1.5"), "since": None, "unit": "EA"}
    ]


@pytest.mark.parametrize("head", [b"Price,Since,Unit\r\n", b"Item No.,Item No.,Price\r\n", b"", b'"Item No.\r\n'])
def test_a_file_whose_heading_does_not_fit_is_refused_whole(head: bytes) -> None:
    with pytest.raises(StructureError):
        reader().split(head + b"A1,1,2\r\n")


@pytest.mark.parametrize(
    ("line", "error", "where"),
    [
        (b"A1,1.5O,,", DataTypeError, "line 3, price"),
        (b"A1,1.505,,", DataTypeError, "line 3, price"),
        (b"A1,1e5,,", DataTypeError, "line 3, price"),
        (b"A1,NaN,,", DataTypeError, "line 3, price"),
        (b"A1,\xd9\xa1,,", DataTypeError, "line 3, price"),
        (b"A1,1,2026-02-30,", DataTypeError, "line 3, since"),
        (b"A1,1,,XX", DataTypeError, "line 3, unit"),
        (b" ,1,,", RequiredFieldError, "line 3, sku"),
        (b"A123456789012,1,,", DataTypeError, "line 3, sku"),
        (b"A1,1", StructureError, "line 3"),
        (b"A1,1,,,,", StructureError, "line 3"),
        (b'"A1,1,,', StructureError, "line 3"),
        (b'A1,"1"x,,', StructureError, "line 3"),
    ],
)
def test_a_bad_line_costs_its_own_message_and_never_shows_its_value(
    line: bytes, error: type[Exception], where: str
) -> None:
    body = HEAD + b"A0,1,,\r\n" + line + b"\r\nA2,2,,\r\n"

    parts = reader().split(body)

    assert [part.problem is None for part in parts] == [True, False, True]
    problem = parts[1].problem
    assert isinstance(problem, error)
    assert problem.where == where
    assert "1.5O" not in str(problem)
    assert [row["sku"] for row in (reader().parse(p.body, p.line).row for p in (parts[0], parts[2]))] == ["A0", "A2"]


def test_a_part_names_the_lines_of_the_file_that_it_came_from() -> None:
    parts = reader().split(HEAD + b"A0,1,,\r\nA1,,,\r\n")

    message = reader().parse(parts[1].body, parts[1].line)

    assert (message.row.line, message.row.where) == (3, "line 3")
    with pytest.raises(RequiredFieldError) as caught:
        message.row.number("price")
    assert caught.value.where == "line 3, price"


def test_consecutive_rows_of_one_key_are_one_message_and_a_bad_row_refuses_it() -> None:
    body = HEAD + b"A1,1,,\r\nA1,2,,\r\nA2,x,,\r\nA2,3,,\r\nA1,4,,\r\n"
    read = reader(records=None, group_by="sku")

    parts = read.split(body)

    assert [(part.line, part.problem is None) for part in parts] == [(2, True), (4, False), (6, True)]
    assert [row["price"] for row in read.parse(parts[0].body, 2).rows] == [Decimal(1), Decimal(2)]
    assert parts[1].body == HEAD + b"A2,x,,\r\nA2,3,,\r\n"


def test_a_whole_file_is_read_by_paths() -> None:
    message = reader(records="file").parse(HEAD + b"A1,1.50,,\r\nA2,2,2026-01-02,\r\n")

    assert [message.get(path) for path in ("sku", "rows[2].price", "rows[2].since", "rows[3].sku", "rows[0].sku")] == [
        "A1", "2", "2026-01-02", None, None,
    ]  # fmt: skip
    assert message.get("header.sku") is None
    with pytest.raises(StructureError):
        _ = message.row


@pytest.mark.parametrize(
    ("settings", "text", "value"),
    [
        ({"thousands": ","}, '"1,234,567.80"', "1234567.80"),
        ({"thousands": ","}, "1234.5", "1234.5"),
        ({"thousands": ".", "decimal_mark": ",", "separator": ";"}, "1.234,5", "1234.5"),
        ({}, "12-", "-12"),
        ({}, "+.5", "0.5"),
    ],
)
def test_numbers_are_read_as_the_layout_writes_them(settings: dict[str, Any], text: str, value: str) -> None:
    head = HEAD.replace(b",", settings.get("separator", ",").encode())
    line = f"A1,{text},,".replace(",,", settings.get("separator", ",") * 2)
    if settings.get("separator"):
        line = line.replace("A1,", "A1;")

    assert values(reader(**settings), head + line.encode()) == [
        {"sku": "A1", "price": Decimal(value), "since": None, "unit": "EA"}
    ]


@pytest.mark.parametrize("text", ['"12,34.5"', '"1,2345"', '",123"', '"1,,234"'])
def test_a_mark_of_thousands_in_a_wrong_place_is_no_number(text: str) -> None:
    (part,) = reader(thousands=",").split(HEAD + f"A1,{text},,".encode())

    assert isinstance(part.problem, DataTypeError)


def test_records_of_several_types_are_told_by_a_column() -> None:
    types = [
        {"name": "head", "code": "H", "role": "header", "columns": [{"name": "day"}]},
        {"name": "item", "code": "D", "columns": [{"name": "sku"}, {"name": "amount", "type": "decimal"}]},
        {
            "name": "end", "code": "T", "role": "trailer",
            "columns": [{"name": "lines", "type": "integer"}], "checks": [{"column": "lines"}],
        },
    ]  # fmt: skip
    read = reader(columns=None, header="no", separator="pipe", type_at={"start": 1}, record_types=types)
    body = b"H|monday\nD|A1|1.5\nD|A2|2\nT|2\n"

    parts = read.split(body)

    assert [part.body for part in parts] == [b"H|monday\nD|A1|1.5\n", b"H|monday\nD|A2|2\n"]
    message = read.parse(parts[1].body, parts[1].line)
    assert (message.get("header.day"), message.row.where, message.row.type) == ("monday", "line 3", "item")
    with pytest.raises(StructureError):
        read.split(body.replace(b"T|2", b"T|3"))


def test_remarks_lead_lines_and_blank_lines_are_passed_over_but_kept() -> None:
    body = b"Prices of spring\r\n" + HEAD + b"# all net\r\nA1,1,,\r\n"
    read = reader(skip_lines=1, comment="#")

    (part,) = read.split(body)

    assert part.body == b"Prices of spring\r\n" + HEAD + b"A1,1,,\r\n"
    assert read.parse(part.body, part.line).row.where == "line 4"


@pytest.mark.parametrize(
    ("body", "error"),
    [(HEAD + b"A\xff,1,,\r\n", CharsetError), (HEAD + b"A\x00,1,,\r\n", CharsetError)],
)
def test_bytes_of_another_character_set_refuse_the_file(body: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        reader().split(body)


def test_more_rows_than_allowed_refuse_the_file() -> None:
    with pytest.raises(SizeLimitError):
        reader(most_rows=3).split(HEAD + b"A1,1,,\r\n" * 4)


def test_other_character_sets_are_read_and_kept_verbatim() -> None:
    body = HEAD + "Ä1,1,,\r\n".encode("cp1252")

    (part,) = reader(encoding="cp1252").split(body)

    assert part.body == body
    assert reader(encoding="cp1252").parse(part.body, 2).row["sku"] == "Ä1"


def test_a_quote_that_is_never_closed_costs_one_line_however_long_the_file_is() -> None:
    body = HEAD + b'"A0,1,,\r\n' + b"A1,1,,\r\n" * 500

    parts = reader().split(body)

    assert [part.problem is None for part in parts] == [False] + [True] * 500


def test_columns_without_header_stand_in_their_order() -> None:
    assert values(reader(header="no", columns=COLUMNS), b"A1,2,,BX\n") == [
        {"sku": "A1", "price": Decimal(2), "since": None, "unit": "BX"}
    ]
