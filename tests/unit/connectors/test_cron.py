"""Due times across changes of the clocks. Zones: Chicago changes at 02:00, Lord Howe by half an hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from engine.connectors.cron import Cron, Every, between

CHICAGO = "America/Chicago"


def local_times(expression: str, zone: str, first: datetime, last: datetime) -> list[str]:
    """Due times between two wall times, as the wall clock there shows them with their offset."""
    place = ZoneInfo(zone)
    found = between(Cron(expression, zone), first.replace(tzinfo=place), last.replace(tzinfo=place))
    return [due.astimezone(place).strftime("%m-%d %H:%M %z") for due in found]


def test_daily_run_in_the_missing_hour_is_due_when_the_clocks_moved_on() -> None:
    found = local_times("30 2 * * *", CHICAGO, datetime(2026, 3, 7), datetime(2026, 3, 10))

    assert found == ["03-07 02:30 -0600", "03-08 03:00 -0500", "03-09 02:30 -0500"]


def test_daily_run_in_the_hour_that_comes_twice_is_due_once() -> None:
    found = local_times("30 1 * * *", CHICAGO, datetime(2026, 10, 31), datetime(2026, 11, 3))

    assert found == ["10-31 01:30 -0500", "11-01 01:30 -0500", "11-02 01:30 -0600"]


def test_quarter_hours_of_a_fixed_missing_hour_are_due_once_together() -> None:
    found = local_times("0,30 2 * * *", CHICAGO, datetime(2026, 3, 8), datetime(2026, 3, 9))

    assert found == ["03-08 03:00 -0500"]


@pytest.mark.parametrize(("day", "hours"), [((2026, 3, 8), 23), ((2026, 11, 1), 25), ((2026, 7, 1), 24)])
def test_hourly_run_has_as_many_runs_as_the_day_has_hours(day: tuple[int, int, int], hours: int) -> None:
    start = datetime(*day) - timedelta(seconds=1)
    found = local_times("0 * * * *", CHICAGO, start, start + timedelta(days=1))

    assert len(found) == hours
    assert len(set(found)) == hours


def test_hourly_runs_are_an_hour_apart_when_clocks_go_back() -> None:
    plan = Cron("15 * * * *", CHICAGO)
    due = [*between(plan, datetime(2026, 11, 1, 3, tzinfo=UTC), datetime(2026, 11, 1, 12, tzinfo=UTC))]

    assert {after - before for before, after in pairwise(due)} == {timedelta(hours=1)}


def test_half_hour_change_of_lord_howe_drops_and_repeats_no_run() -> None:
    plan = Cron("*/30 * * * *", "Australia/Lord_Howe")
    due = [*between(plan, datetime(2026, 4, 3, tzinfo=UTC), datetime(2026, 4, 6, tzinfo=UTC))]

    assert {after - before for before, after in pairwise(due)} == {timedelta(minutes=30)}


@pytest.mark.parametrize("expression", ["30 2 * * *", "30 1 * * *", "0 * * * *", "*/7 * * * *", "0 3 * * 0"])
def test_each_due_time_follows_from_the_one_before_whatever_the_start(expression: str) -> None:
    plan = Cron(expression, CHICAGO)
    first, last = datetime(2026, 10, 30, tzinfo=UTC), datetime(2026, 11, 3, tzinfo=UTC)
    whole = [*between(plan, first, last)]

    for due in whole:
        before = due - timedelta(seconds=1)
        assert plan.after(before) == due
    assert whole == sorted(set(whole))


@pytest.mark.parametrize(
    ("weekday", "days"),
    [
        ("mon-fri", "0 1 2 3 4"),
        ("1-5", "0 1 2 3 4"),
        ("0", "6"),
        ("7", "6"),
        ("0-6", "0 1 2 3 4 5 6"),
        ("0-7", "0 1 2 3 4 5 6"),
        ("6,0", "5 6"),
        ("fri-mon", "0 4 5 6"),
        ("*/2", "1 3 5 6"),
    ],
)
def test_weekdays_are_counted_from_sunday(weekday: str, days: str) -> None:
    plan = Cron(f"0 12 * * {weekday}", "UTC")
    due = between(plan, datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 8, tzinfo=UTC))

    assert {one.weekday() for one in due} == {int(day) for day in days.split()}


@pytest.mark.parametrize("expression", ["", "* * * *", "61 * * * *", "* * * * someday", "* * * * 8", "a b c d e"])
def test_wrong_expression_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Cron(expression, "UTC")


def test_interval_keeps_its_instants_after_a_restart() -> None:
    plan = Every(timedelta(minutes=7))
    first = plan.after(datetime(2026, 3, 1, 12, 0, tzinfo=UTC))
    assert first is not None

    assert plan.after(first - timedelta(microseconds=1)) == first
    assert plan.after(first) == first + timedelta(minutes=7)
