"""Time comes in as an argument, so that tests and replays own it. All times are aware UTC."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds; never goes back when the wall clock is set."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970-01-01 UTC: how times are stored."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone cannot be stored")
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def from_micros(micros: int) -> datetime:
    return _EPOCH + timedelta(0, micros // 1_000_000, micros % 1_000_000)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
