"""The schedule source: no run twice, none skipped, whatever the clock does."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from engine.connectors.schedule import ScheduleSource, ScheduleSourceSettings
from engine.core.errors import StoreError
from tests.support.connector_doubles import Clock, Door, context

NOON = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)


def scheduled(clock: Clock, **settings: object) -> ScheduleSource:
    return ScheduleSource(ScheduleSourceSettings.model_validate(settings), context(Path(), clock=clock))


def made(door: Door) -> list[str]:
    return [json.loads(one.body)["scheduled_for"][11:16] for one in door.stored]


async def test_each_due_time_makes_one_message() -> None:
    clock, door = Clock(NOON), Door()
    source = scheduled(clock, every="1m", catch_up="0s")
    for _ in range(12):
        await source.look(door)
        clock.advance(timedelta(seconds=20))

    assert made(door) == ["12:01", "12:02", "12:03", "12:04"]


async def test_clock_set_back_an_hour_makes_no_run_twice() -> None:
    clock, door = Clock(NOON), Door()
    source = scheduled(clock, cron="*/10 * * * *", catch_up="0s")
    for step in range(60):
        await source.look(door)
        clock.advance(timedelta(minutes=2))
        if step == 30:
            clock.set(clock.now() - timedelta(hours=1))

    times = made(door)
    assert len(times) == len(set(times))
    assert times == [f"{hour}:{minute}0" for hour in (12, 13) for minute in range(6)][1 : len(times) + 1]


async def test_clock_set_forward_an_hour_skips_no_run() -> None:
    clock, door = Clock(NOON), Door()
    source = scheduled(clock, cron="*/20 * * * *", catch_up="0s")
    await source.look(door)
    clock.set(clock.now() + timedelta(hours=1))
    await source.look(door)

    assert made(door) == ["12:20", "12:40", "13:00"]


async def test_clock_that_was_wrong_for_a_year_does_not_silence_the_schedule() -> None:
    clock, door = Clock(NOON), Door()
    source = scheduled(clock, cron="0 0 * * *", catch_up="0s")
    await source.look(door)
    clock.set(NOON + timedelta(days=365))
    await source.look(door)
    clock.set(NOON)
    before = len(door.stored)
    for _ in range(3):
        await source.look(door)
        clock.advance(timedelta(days=1))

    assert before == 365
    assert len(door.stored) == before
    assert door.asked > before  # made again, and known


async def test_restart_makes_up_for_times_it_was_down_and_repeats_none() -> None:
    clock, door = Clock(NOON), Door()
    await scheduled(clock, every="5m", missed="all").look(door)
    clock.advance(timedelta(minutes=12))
    await scheduled(clock, every="5m", missed="all").look(door)

    assert made(door) == ["11:50", "11:55", "12:00", "12:05", "12:10"]


async def test_start_makes_up_for_the_latest_time_only_unless_told_otherwise() -> None:
    clock, door = Clock(NOON), Door()
    source = scheduled(clock, every="1m")
    await source.look(door)
    clock.advance(timedelta(minutes=2))
    await source.look(door)

    assert made(door) == ["12:00", "12:01", "12:02"]


async def test_time_refused_by_the_store_at_start_stays_due() -> None:
    clock, door = Clock(NOON), Door()
    source = scheduled(clock, every="1h", catch_up="1h")
    door.failure = StoreError("no space")
    await source.look(door)
    door.failure = None
    await source.look(door)

    assert made(door) == ["12:00"]


async def test_time_that_the_store_refused_stays_due() -> None:
    clock, door = Clock(NOON), Door()
    source = scheduled(clock, every="1m", catch_up="0s")
    await source.look(door)
    clock.advance(timedelta(minutes=2))
    door.failure = StoreError("no space")
    await source.look(door)
    door.failure = None
    await source.look(door)

    assert made(door) == ["12:01", "12:02"]


async def test_message_carries_the_settings_and_the_local_time() -> None:
    clock, door = Clock(NOON), Door()
    source = scheduled(clock, cron="0 6 * * *", zone="America/Chicago", catch_up="1h", message={"report": "open"})
    await source.look(door)

    assert json.loads(door.stored[0].body) == {
        "scheduled_for": "2026-03-01T12:00:00Z",
        "local_time": "2026-03-01T06:00:00-06:00",
        "report": "open",
    }
    assert door.stored[0].natural_id == "2026-03-01T12:00:00Z"


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"cron": "* * * * *", "every": "1m"},
        {"every": "500ms"},
        {"every": "0s"},
        {"cron": "61 * * * *"},
        {"cron": "0 0 31 2 *"},
        {"cron": "* * * * *", "zone": "Mars/Olympus"},
        {"every": "1m", "message": {"scheduled_for": "now"}},
    ],
)
def test_senseless_schedule_is_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ScheduleSourceSettings.model_validate(settings)
