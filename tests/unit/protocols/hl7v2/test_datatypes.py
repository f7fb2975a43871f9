"""HL7 data types."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal

import pytest

from engine.core.errors import DataTypeError
from engine.protocols.hl7v2 import datatypes

EAST = timezone(timedelta(hours=-5))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", "1"),
        ("+1.50", "1.50"),
        ("-.05", "-.05"),
        (".5", "0.5"),
        ("5.", "5"),
        (" 7 ", "7"),
        ("0" * 39 + "1", "1"),
    ],
)
def test_numbers_are_exact(text: str, value: str) -> None:
    assert datatypes.read_number(text, "RQD-5") == Decimal(value)


def test_trailing_zeros_of_a_number_are_kept() -> None:
    assert str(datatypes.read_number("10.10", "FT1-11")) == "10.10"


@pytest.mark.parametrize("text", ["", "x", "1e5", "1,000", "NaN", "Infinity", "1 2", "--1", ".", "٣", "9" * 41])
def test_what_is_no_number_is_an_error_with_the_place_and_without_the_value(text: str) -> None:
    with pytest.raises(DataTypeError) as caught:
        datatypes.read_number(text, "RQD-5")

    assert caught.value.where == "RQD-5"
    assert str(caught.value) == "F003 RQD-5: not a number (NM)"


def test_whole_numbers() -> None:
    assert datatypes.read_integer("12", "RQD-1") == 12
    assert datatypes.read_integer("12.0", "RQD-1") == 12
    with pytest.raises(DataTypeError):
        datatypes.read_integer("12.5", "RQD-1")


@pytest.mark.parametrize(
    ("text", "moment", "precision"),
    [
        ("2026", datetime(2026, 1, 1), "year"),
        ("202603", datetime(2026, 3, 1), "month"),
        ("20260305", datetime(2026, 3, 5), "day"),
        ("2026030508", datetime(2026, 3, 5, 8), "hour"),
        ("202603050830", datetime(2026, 3, 5, 8, 30), "minute"),
        ("20260305083015", datetime(2026, 3, 5, 8, 30, 15), "second"),
        ("20260305083015.25", datetime(2026, 3, 5, 8, 30, 15, 250_000), "second"),
        ("20260305083015.0001-0500", datetime(2026, 3, 5, 8, 30, 15, 100), "second"),
    ],
)
def test_every_precision_of_a_timestamp(text: str, moment: datetime, precision: str) -> None:
    stamp = datatypes.read_timestamp(text, "FT1-4")

    assert (stamp.moment, stamp.precision) == (moment, precision)


@pytest.mark.parametrize(
    "text",
    ["", "26", "20261301", "20260230", "2026030524", "202603050860", "20260305+1500", "20260305-0460", "2026-03-05"],
)
def test_impossible_dates_and_times_are_errors(text: str) -> None:
    with pytest.raises(DataTypeError):
        datatypes.read_timestamp(text, "FT1-4")


def test_the_day_of_a_timestamp() -> None:
    assert datatypes.read_date("20260305083015-0500", "RQD-10") == date(2026, 3, 5)
    for text in ("2026", "202603"):
        with pytest.raises(DataTypeError):
            datatypes.read_date(text, "RQD-10")


def test_a_moment_is_utc_and_its_own_offset_comes_first() -> None:
    assert datatypes.read_moment("20260305083015-0500", "MSH-7", UTC) == datetime(2026, 3, 5, 13, 30, 15, tzinfo=UTC)
    assert datatypes.read_moment("20260305083015+0000", "MSH-7", EAST) == datetime(2026, 3, 5, 8, 30, 15, tzinfo=UTC)
    assert datatypes.read_moment("20260305", "MSH-7", EAST) == datetime(2026, 3, 5, 5, tzinfo=UTC)
    with pytest.raises(DataTypeError):
        datatypes.read_moment("20260305083015", "MSH-7")
    with pytest.raises(DataTypeError):
        datatypes.read_moment("202603", "MSH-7", UTC)


def test_times_of_day() -> None:
    assert datatypes.read_time("0830", "X-1") == time(8, 30)
    assert datatypes.read_time("083015.5-0500", "X-1") == time(8, 30, 15, 500_000, EAST)
    for text in ("8", "2430", "08301", "noon"):
        with pytest.raises(DataTypeError):
            datatypes.read_time(text, "X-1")


def test_what_is_written_reads_back() -> None:
    moment = datetime(2026, 3, 5, 8, 30, 15, tzinfo=EAST)

    assert datatypes.read_moment(datatypes.write_moment(moment), "MSH-7") == moment
    assert datatypes.read_date(datatypes.write_date(date(2026, 3, 5)), "X-1") == date(2026, 3, 5)
    with pytest.raises(ValueError, match="zone"):
        datatypes.write_moment(datetime(2026, 3, 5))
