"""Business time and fiscal periods: pure arithmetic over `config/policies/calendars.yaml`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec

from engine.canonical import Terms
from engine.channel.policies import Policies
from engine.channel.policy_calendars import DAYS, BusinessCalendar, FiscalYear
from engine.channel.policy_parts import WorkTime

_DAY = timedelta(days=1)
_LAST_MONTH = 12


class Roll(StrEnum):
    """Where a date goes that is no business day."""

    FOLLOWING = "following"
    PRECEDING = "preceding"


class Calendar:
    """Business days and hours of one place. Days are the place's own, moments are aware UTC."""

    def __init__(self, settings: BusinessCalendar) -> None:
        self._zone = ZoneInfo(settings.zone)
        self._days = frozenset(DAYS.index(day) for day in settings.days)
        self._holidays = frozenset(settings.holidays)
        self._opens, self._closes = _minutes(settings.opens), _minutes(settings.closes)

    def day_of(self, moment: datetime) -> date:
        return moment.astimezone(self._zone).date()

    def is_business_day(self, day: date) -> bool:
        return day.weekday() in self._days and day not in self._holidays

    def rolled(self, day: date, roll: Roll = Roll.FOLLOWING) -> date:
        """The day itself when it is a business day, else the nearest one to that side."""
        step = _DAY if roll is Roll.FOLLOWING else -_DAY
        while not self.is_business_day(day):
            day += step
        return day

    def business_days_after(self, day: date, number: int) -> date:
        """The `number`-th business day after a day; 0: the day, rolled onward."""
        day = self.rolled(day)
        for _ in range(number):
            day = self.rolled(day + _DAY)
        return day

    def business_days_between(self, first: date, last: date) -> int:
        """Business days after `first` up to and with `last`; 0 when `last` is not later."""
        days = (first + n * _DAY for n in range(1, (last - first).days + 1))
        return sum(map(self.is_business_day, days))

    def after(self, moment: datetime, within: WorkTime) -> datetime:
        """The moment when a time is over that begins now; business time begins at the next opening."""
        if within.unit == "plain":
            return moment + within.plain
        if within.unit == "days":
            return self._days_after(moment, within.number)
        return self._hours_after(moment, timedelta(hours=within.number))

    def end_of(self, day: date) -> datetime:
        """Close of business; on other days the end of the day."""
        return self._at(day, self._closes if self.is_business_day(day) else 24 * 60)

    def start_of(self, day: date) -> datetime:
        """Midnight there."""
        return self._at(day, 0)

    def _days_after(self, moment: datetime, number: int) -> datetime:
        begin = self._next_open(moment).astimezone(self._zone)
        last = self.business_days_after(begin.date(), number)
        return datetime.combine(last, begin.time(), self._zone).astimezone(UTC)

    def _hours_after(self, moment: datetime, left: timedelta) -> datetime:
        at = moment
        for opens, closes in self._windows(moment):
            at = max(moment, opens)
            if at + left <= closes:
                break
            left -= closes - at
        return at + left

    def _next_open(self, moment: datetime) -> datetime:
        return max(moment, next(self._windows(moment))[0])

    def _windows(self, moment: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Business hours of each day from now on; absolute times, so that a change of the clocks is counted right."""
        day = self.day_of(moment)
        while True:
            day = self.rolled(day)
            window = (self._at(day, self._opens), self._at(day, self._closes))
            if window[1] > moment:
                yield window
            day += _DAY

    def _at(self, day: date, minutes: int) -> datetime:
        whole, rest = divmod(minutes, 24 * 60)
        local = datetime.combine(day + whole * _DAY, time(rest // 60, rest % 60), self._zone)
        return local.astimezone(UTC)


def _minutes(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


@lru_cache(maxsize=200)
def calendar_of(policies: Policies, facility: str | None = None) -> Calendar:
    """A facility's, or the usual one."""
    rules = policies.calendars
    name = rules.facilities.get(facility or "", rules.usual)
    return Calendar(rules.calendars.get(name) or rules.calendars[rules.usual])


# ------------------------------------------------------------------ payment terms
class TermsBasis(StrEnum):
    """From which day terms count. Source: X12 element 333 (ITD02)."""

    SHIPPED = "1"
    DELIVERED = "2"
    INVOICED = "3"
    INVOICE_RECEIVED = "5"
    GOODS_RECEIVED = "15"


class TermDates(msgspec.Struct, frozen=True):
    """Until when the discount is given and when all is due. `discount_on` and `pay_on` are business days: the last
    on which a payment is still in time, and the day that a due date rolls to."""

    discount_by: date | None
    discount_on: date | None
    due_by: date | None
    pay_on: date | None


def term_dates(terms: Terms, basis: date, calendar: Calendar) -> TermDates:
    """
    Args:
        basis: the day that the terms count from (ITD02 says which one that is).

    A discount is lost on the day after, so it is paid on the business day before; a due date rolls onward.
    """
    discount = None if terms.discount_days is None else basis + timedelta(days=terms.discount_days)
    due = None if terms.net_days is None else basis + timedelta(days=terms.net_days)
    return TermDates(
        discount,
        None if discount is None else calendar.rolled(discount, Roll.PRECEDING),
        due,
        None if due is None else calendar.rolled(due),
    )


def proximo(basis: date, day_of_month: int, cut_off: int = 25) -> date:
    """Due on a day of the next month; of the one after that when the basis is later than the cut-off day.

    A day that the month does not have is its last.
    """
    months = 1 if basis.day <= cut_off else 2
    first = _month(basis.year, basis.month + months)
    last = _month(first.year, first.month + 1) - _DAY
    return first.replace(day=min(day_of_month, last.day))


def _month(year: int, month: int) -> date:
    return date(year + (month - 1) // _LAST_MONTH, (month - 1) % _LAST_MONTH + 1, 1)


# ------------------------------------------------------------------ fiscal periods
class FiscalPeriod(msgspec.Struct, frozen=True, order=True):
    """A month of a fiscal year; the year is named by the calendar year it ends in."""

    year: int
    number: int
    first: date
    last: date

    @property
    def name(self) -> str:
        return f"{self.year}-{self.number:02}"


class PostingDay(msgspec.Struct, frozen=True):
    """`moved`: the day's own period is closed, so it is posted in the next open one and flagged."""

    day: date
    period: FiscalPeriod
    moved: bool = False


def fiscal_year_of(policies: Policies, legal_entity: str | None) -> FiscalYear:
    entities = policies.calendars.legal_entities
    return entities.get(legal_entity or "default") or entities.get("default") or FiscalYear()


def period_of(day: date, year: FiscalYear) -> FiscalPeriod:
    number = (day.month - year.first_month) % _LAST_MONTH + 1
    starts = day.year if day.month >= year.first_month else day.year - 1
    ends = starts if year.first_month == 1 else starts + 1
    first = day.replace(day=1)
    return FiscalPeriod(ends, number, first, _month(first.year, first.month + 1) - _DAY)


def is_open(day: date, year: FiscalYear) -> bool:
    month = f"{day:%Y-%m}"
    if month in year.closed_months:
        return False
    if month in year.open_months:
        return True
    return year.closed_through is None or day > year.closed_through


def posting_day(day: date, year: FiscalYear) -> PostingDay:
    """The day itself, or the first one of the next open period."""
    wanted = day
    while not is_open(day, year):
        day = _next_chance(day, year)
    return PostingDay(day, period_of(day, year), moved=day != wanted)


def _next_chance(day: date, year: FiscalYear) -> date:
    month = f"{day:%Y-%m}"
    closed_here = year.closed_through is not None and day <= year.closed_through and month not in year.closed_months
    if closed_here and year.closed_through is not None and f"{year.closed_through:%Y-%m}" == month:
        return year.closed_through + _DAY
    return _month(day.year, day.month + 1)
