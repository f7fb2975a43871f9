"""`Telemetry.emit(event)`: the event becomes a log line and feeds its metrics."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any, NamedTuple, TextIO

from engine.core.clock import Clock, SystemClock
from engine.telemetry.event import Event, Level, Metric
from engine.telemetry.lines import Writer, json_line, text_line
from engine.telemetry.metrics import Counter, Labels, Registry

Feed = Callable[[Event], None]


class _Plan(NamedTuple):
    """What there is to do for one class of events, worked out once."""

    level: int
    feeds: tuple[Feed, ...]


class Telemetry:
    """One a process. Not for other threads than the loop's.

    Args:
        stream: where log lines go; None: nowhere (metrics only).
        level: events below it are not logged, only counted.
        json: lines for machines; None: text when the stream is a terminal.
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        *,
        level: Level = Level.INFO,
        json: bool | None = None,
        clock: Clock | None = None,
        registry: Registry | None = None,
    ) -> None:
        as_json = not stream.isatty() if json is None and stream is not None else bool(json)
        self.registry = registry or Registry()
        self.level = level
        self._clock = clock or SystemClock()
        self._writer = Writer(stream) if stream is not None else None
        self._line = json_line if as_json else text_line
        self._plans: dict[type[Event], _Plan] = {}
        self._listeners: list[Callable[[Event], None]] = []

    def emit(self, event: Event) -> None:
        """Never raises because of a log that cannot be written: work goes on."""
        kind = type(event)
        plan = self._plans.get(kind) or self._prepare(kind)
        for feed in plan.feeds:
            feed(event)
        if plan.level >= self.level and self._writer is not None:
            self._writer.write(self._line(event, self._clock.now()))
        for listener in self._listeners:
            listener(event)

    def listen(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Call `listener` with each event (alerts, live pages). Returns what ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def render(self) -> str:
        """The metrics in Prometheus' text format."""
        return self.registry.render()

    def _prepare(self, kind: type[Event]) -> _Plan:
        plan = _Plan(kind.level, tuple(_feed(self.registry, metric) for metric in kind.metrics))
        self._plans[kind] = plan
        return plan


def _feed(registry: Registry, metric: Metric) -> Feed:
    instrument = registry.instrument(metric)
    add, labels, value = instrument.feed, _labels(metric.labels), metric.value
    if value is None:
        return instrument.counting(labels) if isinstance(instrument, Counter) else lambda event: add(labels(event), 1)
    amount = attrgetter(value)
    return lambda event: add(labels(event), amount(event))


def _labels(fields: tuple[str, ...]) -> Callable[[Any], Labels]:
    if not fields:
        return lambda event: ()
    if len(fields) == 1:
        one = attrgetter(fields[0])
        return lambda event: (one(event),)
    several: Callable[[Any], Labels] = attrgetter(*fields)
    return several
