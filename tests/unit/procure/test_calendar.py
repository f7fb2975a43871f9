"""Business time, discount dates, fiscal periods."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.canonical import Terms
from engine.channel.policies import Policies
from engine.channel.policy_calendars import BusinessCalendar, FiscalYear
from engine.channel.policy_parts import Aspects, WorkTime, parse_work_time
from engine.procure.calendar import Calendar, Roll, is_open, period_of, posting_day, proximo, term_dates
from engine.procure.deadlines import kept, promised_by

NEW_YORK = Calendar(
    BusinessCalendar(zone="America/New_York", holidays={date(2026, 11, 26): "Thanksgiving"})  # 08:00 to 17:00
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("begin", "within", "over"),
    [
        ("2026-11-20T14:00", "4 business hours", "2026-11-20T18:00"),  # Friday 9:00 to 13:00 there
        ("2026-11-20T20:00", "4 business hours", "2026-11-23T15:00"),  # Friday 15:00, two hours go on on Monday
        ("2026-11-21T09:00", "1 business hour", "2026-11-23T14:00"),  # Saturday: Monday's first hour
        ("2026-11-25T21:00", "2 business hours", "2026-11-27T14:00"),  # the day between is Thanksgiving
        ("2026-11-20T14:00", "2 business days", "2026-11-24T14:00"),
        ("2026-11-25T15:00", "1 business day", "2026-11-27T15:00"),
        ("2026-11-22T15:00", "1 business day", "2026-11-24T13:00"),  # Sunday counts from Monday 8:00
        ("2026-11-20T23:00", "24h", "2026-11-21T23:00"),
        ("2026-10-30T19:00", "4 business hours", "2026-11-02T15:00"),  # the clocks go back between
    ],
)
def test_a_time_is_over(begin: str, within: str, over: str) -> None:
    assert NEW_YORK.after(utc(begin), parse_work_time(within)) == utc(over)


def test_a_day_around_the_clock_has_an_hour_more_when_clocks_go_back() -> None:
    always = Calendar(
        BusinessCalendar(
            zone="America/New_York",
            days=("mon", "tue", "wed", "thu", "fri", "sat", "sun"),
            opens="00:00",
            closes="24:00",
        )
    )
    begin = utc("2026-11-01T04:00")  # midnight in New York

    assert always.after(begin, WorkTime("hours", 25)) == begin + timedelta(hours=25)


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 6, 1), timezones=st.just(UTC)),
    st.integers(0, 60),
    st.integers(0, 60),
)
def test_more_time_is_never_over_earlier(begin: datetime, one: int, more: int) -> None:
    for unit in ("hours", "days"):
        short, long = WorkTime(unit, one), WorkTime(unit, one + more)  # type: ignore[arg-type]
        assert begin <= NEW_YORK.after(begin, short) <= NEW_YORK.after(begin, long)


@given(st.dates(date(2026, 1, 1), date(2027, 12, 31)), st.integers(0, 30))
def test_business_days_after_and_between_agree(day: date, number: int) -> None:
    day = NEW_YORK.rolled(day)

    assert NEW_YORK.business_days_between(day, NEW_YORK.business_days_after(day, number)) == number


@pytest.mark.parametrize("text", ["2", "2 days", "two business days", "", "1.5h", "-1h"])
def test_a_time_without_a_known_unit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="business hours"):
        parse_work_time(text)


def test_a_discount_is_taken_before_the_weekend_and_a_due_date_rolls_after_it() -> None:
    terms = Terms(net_days=30, discount_days=10)

    dates = term_dates(terms, date(2026, 11, 11), NEW_YORK)

    assert (dates.discount_by, dates.discount_on) == (date(2026, 11, 21), date(2026, 11, 20))
    assert (dates.due_by, dates.pay_on) == (date(2026, 12, 11), date(2026, 12, 11))
    assert NEW_YORK.rolled(date(2026, 11, 26), Roll.PRECEDING) == date(2026, 11, 25)


def test_terms_without_a_discount_have_no_discount_date() -> None:
    assert term_dates(Terms(net_days=30), date(2026, 11, 1), NEW_YORK).discount_on is None


@pytest.mark.parametrize(
    ("basis", "on", "due"),
    [
        ("2026-11-20", 10, "2026-12-10"),
        ("2026-11-26", 10, "2027-01-10"),
        ("2026-12-05", 31, "2027-01-31"),
        ("2027-01-05", 31, "2027-02-28"),
    ],
)
def test_proximo_terms(basis: str, on: int, due: str) -> None:
    assert proximo(date.fromisoformat(basis), on) == date.fromisoformat(due)


@pytest.mark.parametrize(
    ("day", "first_month", "name"),
    [
        ("2026-06-30", 7, "2026-12"),
        ("2026-07-01", 7, "2027-01"),
        ("2026-01-31", 1, "2026-01"),
        ("2026-12-01", 10, "2027-03"),
    ],
)
def test_the_period_of_a_day(day: str, first_month: int, name: str) -> None:
    period = period_of(date.fromisoformat(day), FiscalYear(first_month=first_month))

    assert period.name == name
    assert period.first <= date.fromisoformat(day) <= period.last


@pytest.mark.parametrize(
    ("day", "posted"),
    [
        ("2026-09-15", "2026-11-01"),  # closed through September, and October is closed by itself
        ("2026-10-02", "2026-11-01"),
        ("2026-11-05", "2026-11-05"),
        ("2026-08-07", "2026-08-07"),  # opened once more
        ("2026-07-31", "2026-08-01"),
    ],
)
def test_a_closed_period_posts_to_the_next_open_one_and_is_flagged(day: str, posted: str) -> None:
    year = FiscalYear(closed_through=date(2026, 9, 30), closed_months=("2026-10",), open_months=("2026-08",))

    found = posting_day(date.fromisoformat(day), year)

    assert (found.day, found.moved) == (date.fromisoformat(posted), day != posted)
    assert is_open(found.day, year)


def test_a_promise_is_in_the_business_time_of_the_facility() -> None:
    policies = Policies.model_validate(
        {
            "calendars": {"calendars": {"usual": {}, "long": {"opens": "06:00"}}, "facilities": {"CLINIC": "long"}},
            "milestones": {
                "milestones": [
                    {"milestone": "invoice_cycle", "within": "2 business days"},
                    {"milestone": "invoice_cycle", "within": "4 business hours", "supplier": "S1"},
                ]
            },
        }
    )
    friday = utc("2026-11-20T16:00")

    assert promised_by(policies, "invoice_cycle", friday, Aspects()) == utc("2026-11-24T16:00")
    assert promised_by(policies, "invoice_cycle", friday, Aspects("S1")) == utc("2026-11-23T11:00")
    assert promised_by(policies, "invoice_cycle", friday, Aspects("S1", facility="CLINIC")) == utc("2026-11-23T09:00")
    assert kept(policies, "invoice_cycle", friday, utc("2026-11-24T16:00"), Aspects())
    assert not kept(policies, "invoice_cycle", friday, utc("2026-11-24T16:01"), Aspects())
    assert kept(policies, "charge_to_erp", friday, friday, Aspects()) is None


def test_a_month_that_is_closed_in_part_is_posted_on_the_day_after() -> None:
    year = FiscalYear(closed_through=date(2026, 11, 10))

    assert posting_day(date(2026, 11, 3), year).day == date(2026, 11, 11)
