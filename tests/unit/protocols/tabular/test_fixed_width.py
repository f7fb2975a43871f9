"""Fixed-width files: places, record types, and trailers that must be right."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.core.errors import DataTypeError, FieldError, StructureError
from engine.protocols.tabular import TableReader, write
from tests.support.layouts import BANK, layout, reader

FILE = b"H20261120\r\nPann   00001050\r\nPben   -0000050\r\nT   20000001000\r\n"


@pytest.fixture
def bank() -> TableReader:
    return reader("fixed_width", **BANK)


def test_a_file_of_record_types_becomes_messages_with_their_header(bank: TableReader) -> None:
    parts = bank.split(FILE)

    assert [part.body for part in parts] == [b"H20261120\r\nPann   00001050\r\n", b"H20261120\r\nPben   -0000050\r\n"]
    message = bank.parse(parts[1].body, parts[1].line)
    assert (message.row["payee"], message.row["amount"], message.row.where) == ("ben", Decimal("-0.50"), "line 3")
    assert message.get("header.day") == "20261120"


def test_the_whole_file_has_its_trailer(bank: TableReader) -> None:
    message = bank.parse(FILE)

    assert (len(message.rows), message.get("trailer.total")) == (2, "10.00")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"T   20000001000\r\n", b""),
        (b"T   2", b"T   x"),
        (b"T   2", b"T    "),
        (b"T   2", b"T   3"),
        (b"0000001000", b"0000001001"),
        (b"H20261120\r\n", b""),
        (b"Pann", b"H20261120\r\nPann"),
        (b"T   20000001000\r\n", b"T   20000001000\r\nPcid   00000001\r\n"),
    ],
)
def test_a_file_that_is_not_complete_or_in_order_is_refused_whole(
    bank: TableReader, before: bytes, after: bytes
) -> None:
    with pytest.raises(StructureError):
        bank.split(FILE.replace(before, after, 1))
    with pytest.raises((StructureError, FieldError)):
        bank.parse(FILE.replace(before, after, 1))


def test_an_unknown_record_type_is_refused_alone_but_counts(bank: TableReader) -> None:
    parts = bank.split(FILE.replace(b"Pben ", b"Xben ").replace(b"0000001000", b"0000001050"))

    assert [part.problem is None for part in parts] == [True, False]


def test_characters_behind_the_last_column_are_refused_with_their_place(bank: TableReader) -> None:
    parts = bank.split(FILE.replace(b"00001050", b"00001050  9"))

    assert parts[0].problem is not None
    assert parts[0].problem.where == "line 2, character 16"


def test_a_bad_value_is_told_with_its_characters(bank: TableReader) -> None:
    parts = bank.split(FILE.replace(b"00001050", b"0001O.50"))

    assert isinstance(parts[0].problem, DataTypeError)
    assert parts[0].problem.where == "line 2, amount (8-15)"


def test_records_without_line_breaks_are_cut_by_their_length() -> None:
    columns = [{"name": "a", "length": 2}, {"name": "b", "length": 3, "type": "integer"}]
    read = reader("fixed_width", columns=columns, record_length=6)

    rows = [read.parse(part.body, part.line).row for part in read.split(b"x1  5 x2 12 x3  7")]

    assert [(row["a"], row["b"]) for row in rows] == [("x1", 5), ("x2", 12), ("x3", 7)]


def test_rows_are_written_with_filling_counts_and_sums() -> None:
    rows = {"day": "20261120", "rows": [{"payee": "ann", "amount": "10.50"}, {"payee": "ben", "amount": "-0.5"}]}

    assert write(rows, layout("fixed_width", **BANK).table()) == FILE


@pytest.mark.parametrize("row", [{"payee": "toolong"}, {"payee": "a\nb"}, {"payee": "a", "amount": "123456789"}])
def test_what_does_not_fit_its_place_is_not_written(row: dict[str, str]) -> None:
    with pytest.raises(FieldError):
        write({"day": "1", "rows": [row]}, layout("fixed_width", **BANK).table())
