"""When a delivery may be tried."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from engine.channel.model import Circuit, Rate, Retry, Window
from engine.flow.policy import CircuitBreaker, RateLimiter, wait_before_retry, window_ends_in


def test_backoff_grows_to_its_limit_and_no_further() -> None:
    retry = Retry(first=timedelta(seconds=1), factor=2, longest=timedelta(seconds=10), jitter=0)

    waits = [wait_before_retry(retry, n, None, random.Random(1)) for n in range(1, 8)]

    assert waits == [1, 2, 4, 8, 10, 10, 10]


def test_jitter_stays_within_its_share() -> None:
    retry = Retry(first=timedelta(seconds=10), jitter=0.2)
    dice = random.Random(7)

    waits = [wait_before_retry(retry, 1, None, dice) for _ in range(500)]

    assert 8 <= min(waits) < 8.5
    assert 11.5 < max(waits) <= 12


def test_retry_after_is_a_floor() -> None:
    assert wait_before_retry(Retry(jitter=0), 1, 120.0, random.Random(1)) == 120.0


def test_circuit_opens_after_failures_lets_one_probe_through_and_closes_on_success() -> None:
    circuit = CircuitBreaker(Circuit(failures=3, pause=timedelta(seconds=30)))
    assert [circuit.failed(0.0) for _ in range(3)] == [False, False, True]

    assert not circuit.allows(29.9)
    assert circuit.allows(30.0)
    circuit.began()
    assert not circuit.allows(30.0)
    circuit.succeeded()

    assert circuit.allows(30.0)
    assert not circuit.is_open


def test_a_failed_probe_keeps_the_circuit_open() -> None:
    circuit = CircuitBreaker(Circuit(failures=1, pause=timedelta(seconds=30)))
    circuit.failed(0.0)
    circuit.began()

    assert not circuit.failed(31.0)
    assert not circuit.allows(60.9)
    assert circuit.allows(61.0)


def test_rate_is_never_exceeded_in_any_window() -> None:
    limiter = RateLimiter(Rate(count=5, per=timedelta(seconds=1)))
    now, starts = 0.0, []
    for _ in range(23):
        now += limiter.wait(now)
        limiter.began(now)
        starts.append(now)

    assert all(sum(start <= other < start + 1 for other in starts) <= 5 for start in starts)
    assert starts[-1] == pytest.approx(4.0)
    assert all(a <= b for a, b in pairwise(starts))


NIGHT = Window(days=("fri",), start="22:00", end="02:30", zone="America/Chicago")


@pytest.mark.parametrize(
    ("moment", "seconds"),
    [
        (datetime(2026, 11, 21, 3, 59, tzinfo=UTC), 0),  # Friday 21:59 in Chicago
        (datetime(2026, 11, 21, 4, 0, tzinfo=UTC), 4.5 * 3600),
        (datetime(2026, 11, 21, 8, 29, tzinfo=UTC), 60),  # Saturday 02:29: still Friday's window
        (datetime(2026, 11, 21, 8, 30, tzinfo=UTC), 0),
        (datetime(2026, 11, 22, 5, 0, tzinfo=UTC), 0),  # Saturday evening
    ],
)
def test_window_past_midnight_belongs_to_its_first_day(moment: datetime, seconds: float) -> None:
    assert window_ends_in((NIGHT,), moment) == pytest.approx(seconds)


def test_window_over_a_clock_change_ends_by_the_wall_clock() -> None:
    # 2026-11-01 02:00 becomes 01:00 in Chicago: the window is an hour longer.
    window = Window(start="00:30", end="03:00", zone="America/Chicago")

    assert window_ends_in((window,), datetime(2026, 11, 1, 5, 30, tzinfo=UTC)) == pytest.approx(3.5 * 3600)
