"""The daily clean-up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine.flow.housekeeping import Housekeeping, is_due

CHICAGO = "America/Chicago"


@pytest.mark.parametrize(
    ("last", "now", "due"),
    [
        (datetime(2026, 11, 21, 9, 29, 40, tzinfo=UTC), datetime(2026, 11, 21, 9, 30, 10, tzinfo=UTC), True),
        (datetime(2026, 11, 21, 9, 30, 10, tzinfo=UTC), datetime(2026, 11, 21, 9, 30, 40, tzinfo=UTC), False),
        (datetime(2026, 11, 21, 9, 28, 0, tzinfo=UTC), datetime(2026, 11, 21, 9, 29, 59, tzinfo=UTC), False),
        # the machine slept over the time
        (datetime(2026, 11, 20, 22, 0, tzinfo=UTC), datetime(2026, 11, 21, 15, 0, tzinfo=UTC), True),
    ],
)
def test_due_once_when_the_time_passes(last: datetime, now: datetime, due: bool) -> None:
    assert is_due(now, last, "03:30", CHICAGO) is due


def test_due_exactly_once_a_day_over_the_clock_change() -> None:
    moment, end, count = datetime(2026, 10, 31, tzinfo=UTC), datetime(2026, 11, 4, tzinfo=UTC), 0
    while moment < end:
        after = moment + timedelta(seconds=30)
        count += is_due(after, moment, "01:30", CHICAGO)
        moment = after

    assert count == 4


async def test_one_daily_look_that_fails_keeps_no_other_from_being_made(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[datetime] = []

    async def fails(now: datetime) -> None:
        raise ValueError("a value that nobody may see")

    async def sees(now: datetime) -> None:
        seen.append(now)

    nothing: Any = None
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    looks = {"the books": fails, "the figures": sees}
    await Housekeeping(nothing, nothing, nothing, nothing, "UTC", looks=looks).look_at_others(now)

    assert seen == [now]
    assert caplog.messages == ["the daily look at the books failed: ValueError"]
