"""Counters, gauges, histograms and their text."""

from __future__ import annotations

import pytest

from engine.telemetry.event import Metric, counter, gauge, histogram
from engine.telemetry.metrics import Registry


def fed(metric: Metric, *values: tuple[tuple[str, ...], float]) -> str:
    registry = Registry()
    for labels, value in values:
        registry.instrument(metric).feed(labels, value)
    return registry.render()


def test_counter_adds_up_per_label() -> None:
    text = fed(counter("seen_total", "Seen.", "channel"), (("a",), 1), (("a",), 2), (("b",), 1))

    assert (
        text
        == '# HELP seen_total Seen.\n# TYPE seen_total counter\nseen_total{channel="a"} 3\nseen_total{channel="b"} 1\n'
    )


def test_gauge_keeps_the_last_value() -> None:
    text = fed(gauge("depth", "Depth.", value="n"), ((), 5), ((), 2.5))

    assert text.endswith("\ndepth 2.5\n")


def test_histogram_counts_at_the_bound_as_below_and_beyond_the_last_as_infinite() -> None:
    text = fed(histogram("took_seconds", "Took.", value="s", buckets=(0.1, 1.0)), ((), 0.1), ((), 0.5), ((), 7))

    assert text.splitlines()[2:] == [
        'took_seconds_bucket{le="0.1"} 1',
        'took_seconds_bucket{le="1"} 2',
        'took_seconds_bucket{le="+Inf"} 3',
        "took_seconds_sum 7.6",
        "took_seconds_count 3",
    ]


def test_label_values_are_escaped() -> None:
    text = fed(counter("x_total", "X.", "v"), (('a"b\\c\nd',), 1))

    assert r'x_total{v="a\"b\\c\nd"} 1' in text


def test_too_many_series_become_one() -> None:
    metric = counter("x_total", "X.", "id")
    text = fed(metric, *(((str(number),), 1) for number in range(5000)))

    assert len(text.splitlines()) < 2100
    assert 'x_total{id="other"} 3000' in text


def test_same_name_declared_otherwise_is_refused() -> None:
    registry = Registry()
    registry.instrument(counter("x_total", "X."))
    with pytest.raises(ValueError, match="declared twice"):
        registry.instrument(counter("x_total", "Y."))


def test_measured_gauge_is_read_when_rendered() -> None:
    registry, values = Registry(), iter([1.0, 2.0])
    registry.measure("memory_bytes", "Memory.", lambda: next(values))

    assert registry.render() != registry.render()
