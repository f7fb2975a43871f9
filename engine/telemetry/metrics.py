"""Counters, gauges and histograms in memory, and their text for Prometheus (exposition format 0.0.4).

They are fed on the event loop's thread; `inc`, `set` and `observe` are a few dictionary operations each.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, TypeVar

from engine.telemetry.event import Metric

T = TypeVar("T")
Labels = tuple[str, ...]
_MOST_SERIES = 2000  # of one metric; more would be an id used as a label
_OTHER = "other"


class Counter:
    """A sum for each set of labels; it only grows."""

    def __init__(self, metric: Metric) -> None:
        self.metric = metric
        self._values: dict[Labels, float] = {}

    def feed(self, labels: Labels, value: float = 1) -> None:
        values = self._values
        try:
            values[labels] += value
        except KeyError:
            labels = _bounded(labels, len(values))
            values[labels] = values.get(labels, 0) + value

    def counting(self, labels: Callable[[Any], Labels]) -> Callable[[Any], None]:
        """`feed` by one for an event, in one call: this runs for every message."""
        values, feed = self._values, self.feed

        def count(event: Any) -> None:
            key = labels(event)
            if key in values:
                values[key] += 1
            else:
                feed(key, 1)

        return count

    def value(self, *labels: str) -> float:
        return self._values.get(labels, 0)

    def lines(self, channels: Collection[str] | None = None) -> Iterator[str]:
        for labels, value in _seen(self.metric, sorted(self._values.items()), channels):
            yield f"{self.metric.name}{_braces(self.metric.labels, labels)} {_number(value)}"


class Gauge(Counter):
    """The last value for each set of labels."""

    def feed(self, labels: Labels, value: float = 0) -> None:
        if labels not in self._values:
            labels = _bounded(labels, len(self._values))
        self._values[labels] = value


class Histogram:
    """How many values fell into each bucket of the metric, and their sum, for each set of labels."""

    def __init__(self, metric: Metric) -> None:
        self.metric, self._bounds = metric, metric.buckets
        self._series: dict[Labels, tuple[list[int], list[float]]] = {}

    def feed(self, labels: Labels, value: float) -> None:
        series = self._series.get(labels)
        if series is None:
            labels = _bounded(labels, len(self._series))
            series = self._series.setdefault(labels, ([0] * (len(self._bounds) + 1), [0.0]))
        series[0][bisect_left(self._bounds, value)] += 1
        series[1][0] += value

    def take(self, labels: Labels, counts: Sequence[int], total: float) -> None:
        """Figures that were counted elsewhere, with the metric's own buckets."""
        self._series[labels] = (list(counts), [total])

    def count(self, *labels: str) -> int:
        return sum(self._series[labels][0]) if labels in self._series else 0

    def lines(self, channels: Collection[str] | None = None) -> Iterator[str]:
        name, names = self.metric.name, self.metric.labels
        for labels, (counts, total) in _seen(self.metric, sorted(self._series.items()), channels):
            below = 0
            for bound, count in zip((*self._bounds, math.inf), counts, strict=True):
                below += count
                yield f"{name}_bucket{_braces((*names, 'le'), (*labels, _number(bound)))} {below}"
            yield f"{name}_sum{_braces(names, labels)} {_number(total[0])}"
            yield f"{name}_count{_braces(names, labels)} {below}"


_KINDS: dict[str, Callable[[Metric], Counter | Histogram]] = {
    "counter": Counter,
    "gauge": Gauge,
    "histogram": Histogram,
}


class Registry:
    """All metrics of a process."""

    def __init__(self) -> None:
        self._instruments: dict[str, Counter | Histogram] = {}
        self._measured: dict[str, tuple[str, Callable[[], float]]] = {}

    def instrument(self, metric: Metric) -> Counter | Histogram:
        """The one with this name, made when new.

        Raises:
            ValueError: the name is taken by a metric that was declared otherwise.
        """
        known = self._instruments.setdefault(metric.name, _KINDS[metric.kind](metric))
        if known.metric != metric:
            raise ValueError(f"the metric {metric.name} is declared twice, differently")
        return known

    def measure(self, name: str, help: str, read: Callable[[], float]) -> None:
        """A gauge that is read when somebody looks (memory, open files)."""
        self._measured[name] = (help, read)

    def render(self, channels: Collection[str] | None = None) -> str:
        """Everything in Prometheus' text format; of metrics by channel only those of `channels`, None: all."""
        lines: list[str] = []
        for name, one in sorted(self._instruments.items()):
            lines += [f"# HELP {name} {_help(one.metric.help)}", f"# TYPE {name} {one.metric.kind}"]
            lines += one.lines(channels)
        for name, (help, read) in sorted(self._measured.items()):
            lines += [f"# HELP {name} {_help(help)}", f"# TYPE {name} gauge", f"{name} {_number(read())}"]
        return "\n".join(lines) + "\n"


def _seen(
    metric: Metric, series: list[tuple[Labels, T]], channels: Collection[str] | None
) -> Iterator[tuple[Labels, T]]:
    """What a person may see who answers for these channels only."""
    if channels is None or "channel" not in metric.labels:
        return iter(series)
    at = metric.labels.index("channel")
    return (one for one in series if one[0][at] in channels)


def _bounded(labels: Labels, series: int) -> Labels:
    """New labels as they are, or, when there are too many, as one common series."""
    return labels if series < _MOST_SERIES else (_OTHER,) * len(labels)


def _braces(names: Labels, values: Labels) -> str:
    if not names:
        return ""
    pairs = (f'{name}="{_escaped(value)}"' for name, value in zip(names, values, strict=True))
    return "{" + ",".join(pairs) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _help(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")


def _number(value: float) -> str:
    if value == math.inf:
        return "+Inf"
    return str(int(value)) if value == int(value) else repr(float(value))
