"""Rates that the console shows."""

from __future__ import annotations

import pytest

from engine.flow import meter


def test_a_rate_is_of_the_last_ten_whole_seconds_and_its_history_of_two_minutes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, rate = 1000.0, meter.Rate()
    monkeypatch.setattr(meter.time, "monotonic", lambda: now)
    rate.add(40)
    now = 1001.5
    rate.add(20)
    now = 1004.0

    assert rate.per_second() == 6.0
    assert rate.recent() == [0.0] * 58 + [30.0, 0.0]
    now = 1011.0
    assert rate.per_second() == 2.0
    now = 5000.0
    assert rate.per_second() == 0.0
    assert rate.recent() == [0.0] * 60
