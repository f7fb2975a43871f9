"""Message ids tell the UTC day whose partition holds their bodies."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from engine.core.ids import first_id_at, id_time
from engine.store.days import day_of

MOMENTS = st.datetimes(min_value=datetime(2020, 1, 2), max_value=datetime(2120, 1, 1), timezones=st.just(UTC))


@given(MOMENTS)
def test_every_id_lies_within_its_day(moment: datetime) -> None:
    message_id = first_id_at(moment)

    day = day_of(message_id)

    assert day.first <= message_id < day.end
    assert day.name == f"{id_time(message_id):%Y%m%d}"


@given(MOMENTS)
def test_days_follow_one_another_without_gap_or_overlap(moment: datetime) -> None:
    today, tomorrow = (day_of(first_id_at(moment + timedelta(days=n))) for n in (0, 1))

    assert today.end == tomorrow.first
