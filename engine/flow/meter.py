"""What a channel has done lately: counts, rates and last errors, for the console; events for log and metrics."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable
from datetime import datetime

from engine.core.errors import IsthmusError
from engine.ports.connector import Reason, Verdict
from engine.ports.journal import PendingDelivery
from engine.ports.ledger import OutboundNumber
from engine.ports.operations import Latency
from engine.telemetry.event import SECONDS

Emit = Callable[[str, str, dict[str, object]], None]
"""Takes (event, channel, facts). Facts are ids, codes and places, never values."""

WINDOW_SECONDS = 10
HISTORY_SECONDS, STEP_SECONDS = 120, 2
_SLOTS = HISTORY_SECONDS + 1


class Rate:
    """Events a second, over the last ten whole seconds and over the last two minutes."""

    __slots__ = ("_counts", "_seconds")

    def __init__(self) -> None:
        self._counts = [0] * _SLOTS
        self._seconds = [0] * _SLOTS

    def add(self, count: int = 1) -> None:
        second = int(time.monotonic())
        slot = second % _SLOTS
        if self._seconds[slot] != second:
            self._seconds[slot], self._counts[slot] = second, 0
        self._counts[slot] += count

    def per_second(self) -> float:
        now = int(time.monotonic())
        return sum(self._at(second) for second in range(now - WINDOW_SECONDS, now)) / WINDOW_SECONDS

    def recent(self) -> list[float]:
        """Events a second in steps of two whole seconds over the last two minutes, oldest first."""
        now = int(time.monotonic())
        steps = range(now - HISTORY_SECONDS, now, STEP_SECONDS)
        return [sum(self._at(step + i) for i in range(STEP_SECONDS)) / STEP_SECONDS for step in steps]

    def _at(self, second: int) -> int:
        slot = second % _SLOTS
        return self._counts[slot] if self._seconds[slot] == second else 0


class Stopwatch:
    """Counts durations by bucket, in well under a microsecond each."""

    __slots__ = ("_counts", "_total")

    def __init__(self) -> None:
        self._counts = [0] * (len(SECONDS) + 1)
        self._total = 0.0

    def add(self, seconds: float) -> None:
        self._counts[bisect_left(SECONDS, seconds)] += 1
        self._total += seconds

    def latency(self) -> Latency:
        return Latency(SECONDS, tuple(self._counts), self._total)


class ChannelMeter:
    """Counts one channel's intake and transforms."""

    def __init__(self, channel: str, emit: Emit | None = None) -> None:
        self.channel = channel
        self.rate, self.delivered_rate = Rate(), Rate()
        self.acknowledged = Stopwatch()
        self.count = 0
        self.last_error: str | None = None
        self.last_received_at: datetime | None = None
        self._emit = emit or (lambda name, channel, facts: None)

    def received(self, verdict: Verdict, message_id: int, reason: Reason | None, at: datetime) -> None:
        self.count += 1
        self.rate.add()
        self.last_received_at = at
        # A wall clock may be set back meanwhile.
        self.acknowledged.add(max(0.0, time.time() - at.timestamp()))
        if verdict is not Verdict.ACCEPTED:
            facts: dict[str, object] = {"message_id": message_id, "verdict": verdict.value}
            if reason is not None:
                facts |= {"code": reason.code, "where": reason.where, "text": reason.text}
            self._emit("refused", self.channel, facts)

    def transformed(self, message_id: int, state: str, reason: Reason | None, micros: int) -> None:
        if state == "HELD" and reason is not None:
            self.last_error = f"{reason.code} {reason.text}"
            where = {"code": reason.code, "where": reason.where, "text": reason.text}
            self._emit("held", self.channel, {"message_id": message_id, **where})

    def source_failed(self, error: Exception) -> None:
        self.last_error = str(error) if isinstance(error, IsthmusError | OSError) else type(error).__name__
        code = getattr(error, "code", type(error).__name__)
        self._emit("source_failed", self.channel, {"error": code, "text": self.last_error})

    def interchange_rejected(self, number: OutboundNumber) -> None:
        """A partner refused what we sent: the goods will not come unless a person acts."""
        facts = {"number": number.number, "transaction_set": number.transaction_set, "message": number.message}
        self._emit("interchange_rejected", number.partner, {**facts, "text": number.note or ""})

    def store_failed(self, error: Exception) -> None:
        self.last_error = str(error)
        self._emit("store_failed", self.channel, {"code": getattr(error, "code", type(error).__name__)})


class DeliveryMeter:
    """The same for one destination."""

    def __init__(self, channel: str, destination: str, emit: Emit | None = None) -> None:
        self.channel, self.destination = channel, destination
        self.rate = Rate()
        self.count = self.errors = 0
        self.last_error: str | None = None
        self._emit = emit or (lambda name, channel, facts: None)

    def delivered(self, delivery: PendingDelivery, attempts: int) -> None:
        self.count += 1
        self.rate.add()

    def failed(self, delivery: PendingDelivery, attempts: int, error: IsthmusError) -> None:
        self.errors += 1
        self.last_error = str(error)
        self._tell("delivery_failed", delivery, attempts=attempts, code=error.code, text=error.what)

    def held(self, delivery: PendingDelivery, reason: Reason) -> None:
        self.errors += 1
        self.last_error = f"{reason.code} {reason.text}"
        self._tell("delivery_held", delivery, code=reason.code, where=reason.where, text=reason.text)

    def circuit_opened(self, error: IsthmusError) -> None:
        self._emit("circuit_opened", self.channel, {"destination": self.destination, "code": error.code})

    def connector_failed(self, error: Exception) -> None:
        self._emit("connector_failed", self.channel, {"destination": self.destination, "error": type(error).__name__})

    def store_failed(self, error: Exception) -> None:
        code = getattr(error, "code", type(error).__name__)
        self._emit("store_failed", self.channel, {"destination": self.destination, "code": code})

    def _tell(self, name: str, delivery: PendingDelivery, **facts: object) -> None:
        known: dict[str, object] = {"destination": self.destination, "message_id": delivery.message_id}
        self._emit(name, self.channel, known | facts)
