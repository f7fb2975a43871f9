"""When a schedule is due, also when clocks change: pure, on instants in UTC.

A schedule with fixed hours (`30 2 * * *`) is due once a day by the wall clock: a time that does not exist is
due when the clocks have moved on, one that comes twice is due the first time. A schedule for every hour
(`*/15 * * * *`) follows the passing of time: 23 or 25 hours have their runs.
APScheduler's triggers know the fields of cron; they count wall time here, and this module maps it to instants,
because its own arithmetic repeats or drops runs when an hour comes twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Protocol
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger

_TICK = timedelta(microseconds=1)
_FIELDS = 5  # minute hour day month weekday
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_ACCURACY = timedelta(seconds=1)  # zone changes fall on whole seconds
_ORIGIN = datetime(2020, 1, 1, tzinfo=UTC)


class Plan(Protocol):
    def after(self, moment: datetime) -> datetime | None:
        """The first due instant later than this one, in UTC; None: never again."""
        ...


def between(plan: Plan, after: datetime, until: datetime) -> Iterator[datetime]:
    """Due instants later than `after` up to and with `until`."""
    due = plan.after(after)
    while due is not None and due <= until:
        yield due
        due = plan.after(due)


class Every:
    """A fixed interval, counted from 2020-01-01 UTC: the same instants after every restart."""

    def __init__(self, interval: timedelta) -> None:
        self._interval = interval

    def after(self, moment: datetime) -> datetime | None:
        return _ORIGIN + ((moment - _ORIGIN) // self._interval + 1) * self._interval


class Cron:
    """Five fields of cron in a zone.

    Raises:
        ValueError: not a cron expression; the words are for the analyst.
    """

    def __init__(self, expression: str, zone: str) -> None:
        fields = expression.split()
        if len(fields) != _FIELDS:
            raise ValueError("write five fields: minute hour day month weekday, for example 30 2 * * mon-fri")
        self._fields, self._zone = fields, ZoneInfo(zone)
        self._follows_time = fields[1].startswith("*")
        self._wall = self._trigger(UTC)

    def after(self, moment: datetime) -> datetime | None:
        return self._by_passing_time(moment) if self._follows_time else self._by_wall_clock(moment)

    def _trigger(self, zone: tzinfo) -> CronTrigger:
        minute, hour, day, month, weekday = self._fields
        return CronTrigger(minute=minute, hour=hour, day=day, month=month, day_of_week=_by_name(weekday), timezone=zone)

    def _by_wall_clock(self, moment: datetime) -> datetime | None:
        # An hour that comes twice can hide a due time just before the repeated wall time: look from a day before.
        wall = (moment.astimezone(self._zone) - timedelta(days=1)).replace(tzinfo=UTC)
        while (due := _next(self._wall, wall)) is not None:
            instant = self._instant(due)
            if instant > moment:
                return instant
            wall = due
        return None

    def _instant(self, wall: datetime) -> datetime:
        """The first instant whose wall clock shows this time, or the end of the gap that swallows it."""
        local = wall.replace(tzinfo=self._zone, fold=0)
        instant = local.astimezone(UTC)
        if instant.astimezone(self._zone).replace(tzinfo=None) == wall.replace(tzinfo=None):
            return instant
        before = wall.replace(tzinfo=self._zone, fold=1).astimezone(UTC)
        return self._change(min(before, instant), max(before, instant))

    def _by_passing_time(self, moment: datetime) -> datetime | None:
        while True:
            offset = moment.astimezone(self._zone).utcoffset() or timedelta()
            due = _next(self._trigger(timezone(offset)), moment)
            if due is None:
                return None
            if due.astimezone(self._zone).utcoffset() == offset:
                return due
            moment = self._change(moment, due) - _TICK  # on in the new offset, its first instant included
            if (again := self._first_at(moment + _TICK)) is not None:
                return again
            moment += _TICK

    def _first_at(self, moment: datetime) -> datetime | None:
        """This instant, when it is due itself by the wall clock that begins with it."""
        offset = moment.astimezone(self._zone).utcoffset() or timedelta()
        due = _next(self._trigger(timezone(offset)), moment - _TICK)
        return due if due == moment else None

    def _change(self, low: datetime, high: datetime) -> datetime:
        """The instant in (low, high] at which the zone's offset changes."""
        before = low.astimezone(self._zone).utcoffset()
        while high - low > _ACCURACY:
            middle = low + (high - low) / 2
            if middle.astimezone(self._zone).utcoffset() == before:
                low = middle
            else:
                high = middle
        return high.replace(microsecond=0)


def _next(trigger: CronTrigger, after: datetime) -> datetime | None:
    due: datetime | None = trigger.get_next_fire_time(None, after + _TICK)
    return None if due is None else due.astimezone(UTC)


def _by_name(weekday: str) -> str:
    """Cron counts days from Sunday (0 and 7), APScheduler from Monday: as a list of names both mean the same."""
    if weekday == "*":
        return weekday
    days = {day for part in weekday.lower().split(",") for day in _days_of(part)}
    return ",".join(name for number, name in enumerate(_DAYS) if number in days)


def _days_of(part: str) -> list[int]:
    days, _, step = part.partition("/")
    first, dash, last = ("0", "-", "6") if days == "*" else days.partition("-")
    low, high = _day(first), _day(last if dash else first)
    length = high - low + 1 if high >= low else high - low + 8
    return [(low + ahead) % 7 for ahead in range(0, length, int(step or 1))]


def _day(text: str) -> int:
    if text in _DAYS:
        return _DAYS.index(text)
    if text.isdigit() and int(text) <= len(_DAYS):
        return int(text)
    raise ValueError("write weekdays as mon, tue, wed, thu, fri, sat, sun or as 0 to 7 from Sunday")
