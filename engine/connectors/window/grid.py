"""Where windows begin and end: every day anew at midnight of a zone; no gap or overlap, also when clocks change."""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)


class Window(NamedTuple):
    """Aware UTC; `end` is not part of it."""

    start: datetime
    end: datetime


class Grid(NamedTuple):
    """`every` goes into a day without rest."""

    every: timedelta
    zone: str

    def window_at(self, moment: datetime) -> Window:
        """The window that holds this moment."""
        marks = _around(self.every, self.zone, moment.astimezone(ZoneInfo(self.zone)).date())
        at = bisect_right(marks, moment.astimezone(UTC))
        return Window(marks[at - 1], marks[at])


@lru_cache(maxsize=16)
def _around(every: timedelta, zone: str, today: date) -> tuple[datetime, ...]:
    """When windows begin, from yesterday to the day after tomorrow."""
    days = (today - DAY, today, today + DAY, today + 2 * DAY)
    return tuple(sorted({mark for day in days for mark in _marks(every, zone, day)}))


@lru_cache(maxsize=64)
def _marks(every: timedelta, zone: str, day: date) -> tuple[datetime, ...]:
    """When windows of a day begin. A time that is there twice begins two; one that is left out, when it is skipped."""
    marks = []
    at = datetime.combine(day, time())
    while at.date() == day:
        first, second = (at.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC) for fold in (0, 1))
        marks.append(first)
        if second > first:  # later the second time: twice; earlier: left out
            marks.append(second)
        at += every
    return tuple(marks)
