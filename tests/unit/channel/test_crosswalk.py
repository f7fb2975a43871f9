"""Crosswalk files whose rows have days."""

from __future__ import annotations

import pytest

from engine.channel.crosswalk import CrosswalkFile, DatedRow, read_csv

HEAD = "from,to,valid_from,valid_to\n"


def _codes(text: str) -> list[tuple[str, int]]:
    return [(one.code, one.line) for one in read_csv("c.csv", text)[1]]


def _file(text: str) -> CrosswalkFile:
    file, findings = read_csv("c.csv", text)
    assert findings == []
    return file


def test_two_columns_are_a_table_without_days() -> None:
    file = _file("hospital_code,item_number\na,1\nb,2\n")

    assert (file.table, file.dated) == ({"a": "1", "b": "2"}, {})


def test_a_code_may_change_its_meaning_from_a_day_on() -> None:
    file = _file(HEAD + "a,2,2026-07-01,\na,1,,2026-06-30\nb,9,,\n")

    assert file.dated == {"a": (DatedRow(None, "2026-06-30", "1", 3), DatedRow("2026-07-01", None, "2", 2))}
    assert file.table == {"a": "2", "b": "9"}  # the last value stands for the code


def test_one_date_column_is_enough() -> None:
    assert _file("from,to,valid_from\na,1,2026-01-01\n").dated == {"a": (DatedRow("2026-01-01", None, "1", 2),)}


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ("a,1,,2026-06-30\na,2,2026-06-30,\n", [("C047", 3)]),  # the same day
        ("a,1,,2026-06-30\na,2,2026-07-01,\n", []),
        ("a,1,,\na,2,2026-07-01,\n", [("C047", 3)]),
        ("a,1,2026-01-01,2026-12-31\na,2,2026-03-01,2026-03-01\n", [("C047", 3)]),
        ("a,1,2026-01-01,2026-01-01\na,2,2026-01-03,2026-01-03\na,3,2026-01-02,2026-01-02\n", []),
        ("a,1,,\na,2,,\n", [("C041", 3)]),
        ("a,1,,\nb,1,,\n", []),
        ("a,1,2026-02-30,\n", [("C042", 2)]),
        ("a,1,soon,\n", [("C042", 2)]),
        ("a,1,2026-02-02,2026-02-01\n", [("C042", 2)]),
        ("a,1\n", [("C042", 2)]),
        ("a,1,,,\n", [("C042", 2)]),
    ],
)
def test_rows_that_cannot_hold_together_are_found(rows: str, found: list[tuple[str, int]]) -> None:
    assert _codes(HEAD + rows) == found


@pytest.mark.parametrize("header", ["from", "from,to,valid", "from,to,valid_from,valid_from", "from,to,valid_to,x"])
def test_a_header_with_other_columns_is_found(header: str) -> None:
    assert ("C042", 1) in _codes(header + "\n")


def test_of_rows_that_overlap_the_first_stays() -> None:
    file, _ = read_csv("c.csv", HEAD + "a,1,,\na,2,2026-01-01,\n")

    assert file.table == {"a": "1"}
