"""When a delivery may be tried: backoff, circuit, rate, maintenance windows. Pure but for the dice of jitter."""

from __future__ import annotations

import random
from collections import deque
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from engine.channel.model import Circuit, Rate, Retry, Window

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def wait_before_retry(retry: Retry, attempts: int, asked: float | None, dice: random.Random) -> float:
    """Seconds to wait after `attempts` failures; what the far side asked for (`Retry-After`) is a floor."""
    wait = min(retry.first.total_seconds() * retry.factor ** min(attempts - 1, 60), retry.longest.total_seconds())
    wait *= 1 + retry.jitter * (2 * dice.random() - 1)
    return max(wait, asked or 0.0)


class CircuitBreaker:
    """Closed: sends pass. Open after N failures in a row: nothing passes. Then one probe decides.

    All times are monotonic seconds.
    """

    def __init__(self, settings: Circuit) -> None:
        self.settings = settings
        self._failures = 0
        self._open_until: float | None = None
        self._probing = False

    @property
    def is_open(self) -> bool:
        return self._open_until is not None

    def allows(self, now: float) -> bool:
        if self._open_until is None:
            return True
        return now >= self._open_until and not self._probing

    def opens_again_in(self, now: float) -> float:
        return max(0.0, self._open_until - now) if self._open_until is not None else 0.0

    def began(self) -> None:
        """A send starts; while open it is the probe, and no other starts."""
        self._probing = self._open_until is not None

    def succeeded(self) -> bool:
        """True when this closed the circuit."""
        was_open = self.is_open
        self._failures, self._open_until, self._probing = 0, None, False
        return was_open

    def failed(self, now: float) -> bool:
        """True when this failure opened the circuit."""
        self._failures += 1
        was_open, self._probing = self.is_open, False
        if was_open or self._failures >= self.settings.failures:
            self._open_until = now + self.settings.pause.total_seconds()
        return self.is_open and not was_open

    def ended(self) -> None:
        """A send ended without telling anything about the far side (refused documents do not open circuits)."""
        self._probing = False


class RateLimiter:
    """Never more than `count` starts in any `per`. Shared by all that use one connection."""

    def __init__(self, rate: Rate) -> None:
        self._per = rate.per.total_seconds()
        self._starts: deque[float] = deque(maxlen=rate.count)

    def wait(self, now: float) -> float:
        """Seconds until a send may start; 0: now."""
        if len(self._starts) < (self._starts.maxlen or 0):
            return 0.0
        return max(0.0, self._starts[0] + self._per - now)

    def began(self, now: float) -> None:
        self._starts.append(now)


def window_ends_in(windows: tuple[Window, ...], now: datetime) -> float:
    """Seconds until the maintenance window that holds now ends; 0: no window holds it. `now` is aware UTC."""
    return max((_ends_in(w, now) for w in windows), default=0.0)


def _ends_in(window: Window, now: datetime) -> float:
    local = now.astimezone(ZoneInfo(window.zone))
    # Yesterday's window may reach past midnight into today.
    for day in (local.date(), local.date() - timedelta(days=1)):
        if window.days and _DAYS[day.weekday()] not in window.days:
            continue
        start = datetime.combine(day, _clock(window.start), ZoneInfo(window.zone))
        end = datetime.combine(day, _clock(window.end), ZoneInfo(window.zone))
        if end <= start:
            end = datetime.combine(day + timedelta(days=1), _clock(window.end), ZoneInfo(window.zone))
        # Compared in UTC: local arithmetic across a DST change would be an hour off.
        if start.timestamp() <= now.timestamp() < end.timestamp():
            return end.timestamp() - now.timestamp()
    return 0.0


def _clock(text: str) -> time:
    return datetime.strptime(text, "%H:%M").time()
