"""Values of a database as JSON and back, the mark, and what a database's error means."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from engine.connectors.sql.faults import not_done
from engine.connectors.sql.mapping import read_document, row_of, rows_of
from engine.connectors.sql.mark import Mark, is_moment, reduced
from engine.connectors.sql.settings import LineRows, Rows
from engine.connectors.sql.values import document_of, message_of, value_for
from engine.core.errors import DataTypeError, DestinationError, RequiredFieldError, TransportError
from engine.ports.connector import Outbound

FIVE_MINUTES = timedelta(minutes=5)


# ------------------------------------------------------------------ out of a row
@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Decimal("1E+3"), '"1000"'),
        (Decimal("0.10"), '"0.10"'),
        (Decimal("NaN"), '"NaN"'),
        (float("inf"), '"inf"'),
        (12.1, "12.1"),
        (2**70, f'"{2**70}"'),
        (b"\x00\xff", '"AP8="'),
        (memoryview(b"\x00\xff"), '"AP8="'),
        (date(2026, 3, 1), '"2026-03-01"'),
        (time(9, 5), '"09:05:00"'),
        (datetime(2026, 3, 1, 9), '"2026-03-01T09:00:00"'),
        (datetime(2026, 3, 1, 9, tzinfo=timezone(timedelta(hours=2))), '"2026-03-01T07:00:00Z"'),
        (UUID(int=1), '"00000000-0000-0000-0000-000000000001"'),
        ({"b": [Decimal("1.0")]}, '{"b":["1.0"]}'),
        (None, "null"),
        (True, "true"),
    ],
)
def test_value_of_a_row_is_exact_json(value: Any, shown: str) -> None:
    assert message_of({"v": value}).decode() == f'{{"v":{shown}}}'


# ------------------------------------------------------------------ into a column
@pytest.mark.parametrize(
    ("column", "value", "made"),
    [
        (sa.Numeric(12, 2), "10.50", Decimal("10.50")),
        (sa.Numeric(12, 2), "10.500", Decimal("10.500")),
        (sa.Integer(), "7", 7),
        (sa.Integer(), Decimal("7.0"), 7),
        (sa.Boolean(), "Y", True),
        (sa.Date(), "2026-03-01", date(2026, 3, 1)),
        (sa.DateTime(timezone=False), "2026-03-01T10:00:00+02:00", datetime(2026, 3, 1, 8)),
        (sa.DateTime(timezone=True), "2026-03-01T10:00:00Z", datetime(2026, 3, 1, 10, tzinfo=UTC)),
        (sa.LargeBinary(), "AP8=", b"\x00\xff"),
        (sa.String(), Decimal("0.10"), "0.10"),
        (sa.String(), 7, "7"),
        (sa.JSON(), {"a": Decimal("0.1")}, '{"a": "0.1"}'),
        (None, ["a"], '["a"]'),
        (sa.Integer(), None, None),
    ],
)
def test_field_becomes_the_column_s_type(column: Any, value: Any, made: Any) -> None:
    assert value_for(column, value, "t.c") == made


@pytest.mark.parametrize(
    ("column", "value"),
    [
        (sa.Numeric(12, 2), "10.505"),
        (sa.Numeric(12, 2), "NaN"),
        (sa.Numeric(12, 2), True),
        (sa.Integer(), "7.5"),
        (sa.Integer(), [7]),
        (sa.Boolean(), "perhaps"),
        (sa.Date(), "1.3.2026"),
        (sa.Date(), 20260301),
        (sa.LargeBinary(), "no base64!"),
    ],
)
def test_field_that_the_column_would_change_is_refused_by_place(column: Any, value: Any) -> None:
    with pytest.raises(DataTypeError) as caught:
        value_for(column, value, "invoices.total")

    assert caught.value.where == "invoices.total"
    assert str(value) not in str(caught.value)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4))
def test_decimal_of_a_document_keeps_every_digit(number: Decimal) -> None:
    document = document_of(json.dumps({"a": 0}).replace("0", f"{number:f}").encode())

    assert value_for(sa.Numeric(), document["a"], "t.c") == number
    assert Decimal(value_for(sa.Numeric(), document["a"], "t.c", sqlite=True)) == number


# ------------------------------------------------------------------ documents
def outbound(body: bytes) -> Outbound:
    return Outbound(1, 1, "orders", "correlation", "key", body, natural_key="N-1")


@pytest.mark.parametrize("body", [b"", b"MSH|", b"[1]", b'{"a": NaN}', b"[" * 100_000, b"\xff"])
def test_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(DestinationError, match="JSON objects only"):
        read_document(outbound(body))


def test_paths_reach_into_documents_lists_and_facts() -> None:
    columns = {"a": "total.amount", "b": "lines.1.item", "c": "@natural_key", "d": "lines.9.item", "e": "total.x.y"}
    rows = Rows.model_validate({"table": "t", "key": ["c"], "columns": columns})
    document = {"total": {"amount": "1"}, "lines": [{"item": "x"}, {"item": "y"}]}

    assert row_of(rows, document, outbound(b"")) == {"a": "1", "b": "y", "c": "N-1", "d": None, "e": None}


def test_empty_key_is_told_by_the_element_s_number() -> None:
    settings = {"table": "t", "each": "lines", "key": ["item"], "columns": {"item": "item"}}
    rows = LineRows.model_validate(settings)
    with pytest.raises(RequiredFieldError) as caught:
        rows_of(rows, {"lines": [{"item": "a"}, {"item": ""}]}, outbound(b""))

    assert caught.value.where == "item (element 2)"


def test_list_that_is_none_is_refused() -> None:
    rows = LineRows.model_validate({"table": "t", "each": "lines", "key": ["n"], "columns": {"n": "#"}})
    with pytest.raises(DestinationError, match="no list"):
        rows_of(rows, {"lines": {"item": "a"}}, outbound(b""))


# ------------------------------------------------------------------ the mark
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5000, 4000),
        (Decimal("5000"), Decimal("4000")),
        (datetime(2026, 3, 1, 10), datetime(2026, 3, 1, 9, 55)),
        (date(2026, 3, 1), date(2026, 2, 28)),
        ("2026-03-01 10:00:00", "2026-03-01 09:55:00"),
        ("2026-03-01T10:00:00.123Z", "2026-03-01T09:55:00"),
        ("2026-03-01", "2026-02-28"),
        ("A-17", "A-17"),
        ("20260301", "20260301"),
        (b"\x01", b"\x01"),
        (None, None),
    ],
)
def test_overlap_goes_back_in_the_watermark_s_own_kind(value: Any, expected: Any) -> None:
    assert reduced(value, 1000, FIVE_MINUTES) == expected


@given(st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)), st.sampled_from(["T", " "]))
def test_reduced_text_sorts_before_every_time_within_the_overlap(moment: datetime, separator: str) -> None:
    low = reduced(moment.isoformat(sep=separator), 0, FIVE_MINUTES)

    assert low <= (moment - FIVE_MINUTES).isoformat(sep=separator)
    assert low > (moment - FIVE_MINUTES - timedelta(seconds=2)).isoformat(sep=separator)


MARKS = [7, 2**60, "2026-03-01 10:00:00", datetime(2026, 3, 1, tzinfo=UTC), date(2026, 3, 1), Decimal("7.10"), b"\x01"]


@pytest.mark.parametrize("value", MARKS)
def test_mark_comes_back_as_it_was(tmp_path: Path, value: Any) -> None:
    written, read = Mark(tmp_path / "var/m.json", "t.w"), Mark(tmp_path / "var/m.json", "t.w")
    written.advance("id", value, "digest", value)
    written.save()
    read.load()

    assert (read.value, type(read.value)) == (value, type(value))
    assert read.knows("id", "digest")
    assert (tmp_path / "var/m.json").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"table":"t.w"}', b'{"table":"t.w","value":["x","y"],"seen":[]}']
)
def test_damaged_mark_is_as_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.json").write_bytes(content)
    mark = Mark(tmp_path / "m.json", "t.w")
    mark.load()

    assert mark.value is None


def test_mark_of_another_table_is_not_used(tmp_path: Path) -> None:
    written, read = Mark(tmp_path / "m.json", "t.w"), Mark(tmp_path / "m.json", "other.w")
    written.advance("id", 7, "digest", 7)
    written.save()
    read.load()

    assert read.value is None


def test_mark_forgets_what_is_not_read_again() -> None:
    mark = Mark(Path("unused"), "t.w")
    for number in range(100):
        mark.advance(f"t:{number}", number, "digest", number - 10)

    assert not mark.knows("t:88", "digest")
    assert mark.knows("t:89", "digest")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-03-01 10:00:00", True),
        (datetime(2026, 3, 1), True),
        ("2026-03-01", False),
        ("2026-03-01 10:00", False),
        (date(2026, 3, 1), False),
        (7, False),
        ("a text of nineteen..", False),
    ],
)
def test_only_a_moment_is_over_when_time_has_passed(value: Any, expected: bool) -> None:
    assert is_moment(value) is expected


def test_mark_never_goes_back_and_takes_a_column_s_new_type() -> None:
    mark = Mark(Path("unused"), "t.w")
    values = []
    for value in (7, 5, 9, "2026-03-01"):
        mark.advance(f"t:{value}", value, "digest", 0)
        values.append(mark.value)

    assert values == [7, 7, 9, "2026-03-01"]


def test_change_within_one_tick_of_a_time_is_noticed_and_of_a_sequence_is_not() -> None:
    mark = Mark(Path("unused"), "t.w")
    mark.advance("time", "2026-03-01 10:00:00", "before", None)
    mark.advance("number", 7, "before", 0)

    assert not mark.knows("time", "after")
    assert mark.knows("number", "after")


# ------------------------------------------------------------------ errors
def sqlite_error(name: str, code: int) -> sa.exc.OperationalError:
    original = sqlite3.OperationalError("CANARY")
    original.sqlite_errorcode, original.sqlite_errorname = code, name  # type: ignore[attr-defined]
    return sa.exc.OperationalError("statement CANARY", {}, original)


class _State(Exception):
    def __init__(self, state: str) -> None:
        self.sqlstate = state
        super().__init__("CANARY")


class _Number(Exception):
    sqlstate = "HY000"


@pytest.mark.parametrize(
    ("error", "refused"),
    [
        (sqlite_error("SQLITE_BUSY", 5), False),
        (sqlite_error("SQLITE_FULL", 13), False),
        (sqlite_error("SQLITE_ERROR", 1), True),
        (sqlite_error("SQLITE_CONSTRAINT_UNIQUE", 2067), True),
        (sa.exc.OperationalError("CANARY", {}, _State("40001")), False),
        (sa.exc.OperationalError("CANARY", {}, _State("57P01")), False),
        (sa.exc.ProgrammingError("CANARY", {}, _State("42P01")), True),
        (sa.exc.IntegrityError("CANARY", {}, _State("23505")), True),
        (sa.exc.OperationalError("CANARY", {}, _Number(1205, "CANARY")), False),
        (sa.exc.OperationalError("CANARY", {}, _Number(1213, "CANARY")), False),
        (sa.exc.OperationalError("CANARY", {}, _Number(1364, "CANARY")), True),
        (sa.exc.DataError("CANARY", {}, _Number(1406, "CANARY")), True),
        (sa.exc.DataError("CANARY", {}, Exception("CANARY")), True),
        (sa.exc.OperationalError("CANARY", {}, Exception("CANARY")), False),
        (sa.exc.TimeoutError("CANARY"), False),
    ],
)
def test_database_s_error_is_refused_or_tried_again_unshown(error: Exception, refused: bool) -> None:
    found = not_done(error, "place", committing=False)

    assert isinstance(found, DestinationError if refused else TransportError)
    assert "CANARY" not in str(found)


def test_failed_commit_may_have_been_done() -> None:
    found = not_done(sa.exc.OperationalError("CANARY", {}, _State("08006")), "place", committing=True)

    assert isinstance(found, TransportError)
    assert found.sent
