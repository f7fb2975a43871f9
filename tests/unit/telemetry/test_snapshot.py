"""A scrape: the engine's status as metrics, and the process."""

from __future__ import annotations

import re

import msgspec

from engine.flow.meter import Stopwatch
from engine.ports.operations import ChannelStatus, DestinationStatus
from engine.telemetry import Registry, Telemetry, events
from engine.telemetry.snapshot import exposition, measure_process

LINE = re.compile(r'(# (HELP|TYPE) .*|[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? (-?[0-9.e+-]+|\+Inf))').fullmatch


def status(state: str = "running", circuit: str = "sending") -> ChannelStatus:
    erp = DestinationStatus("erp", "erp", circuit, 3, 40, 2, None, None)
    counts = {"DELIVERED": 40, "HELD": 2}
    return ChannelStatus("orders", "Orders", None, "file", state, 1, 1.5, 42, counts, [erp], None, None)


def test_status_becomes_metrics() -> None:
    text = exposition([status()])

    assert 'isthmus_channel_messages{channel="orders",state="HELD"} 2\n' in text
    assert 'isthmus_destination_queued{channel="orders",destination="erp"} 3\n' in text
    assert 'isthmus_channel_messages_per_second{channel="orders"} 1.5\n' in text


def test_what_is_down_is_zero() -> None:
    text = exposition([status("failed", "open")])

    assert 'isthmus_channel_up{channel="orders",state="failed"} 0\n' in text
    assert 'isthmus_destination_up{channel="orders",destination="erp",state="open"} 0\n' in text


def test_scrape_is_valid_and_declares_each_metric_once() -> None:
    telemetry = Telemetry()
    measure_process(telemetry.registry)
    telemetry.emit(events.QueueMeasured("orders", "erp", 3))
    telemetry.emit(events.JournalFlushed(10, 0.002))
    lines = exposition([status()], telemetry.registry).splitlines()
    declared = [line.split()[2] for line in lines if line.startswith("# TYPE")]

    assert [line for line in lines if not LINE(line)] == []
    assert len(declared) == len(set(declared))


def test_process_has_memory() -> None:
    registry = Registry()
    measure_process(registry)
    found = re.search(r"^process_resident_memory_bytes (\d+)$", registry.render(), re.MULTILINE)

    assert found is not None
    assert int(found[1]) > 1_000_000


def test_who_sees_some_channels_only_sees_their_events_only() -> None:
    telemetry = Telemetry()
    telemetry.emit(events.QueueMeasured("orders", "erp", 3))
    telemetry.emit(events.QueueMeasured("others", "erp", 4))
    telemetry.emit(events.SourceFailed("others", "T001", "no"))
    text = exposition([status()], telemetry.registry, limited=True)

    assert 'isthmus_queue_depth{channel="orders",destination="erp"} 3\n' in text
    assert "others" not in text


def test_acknowledgement_latency_is_a_histogram() -> None:
    watch = Stopwatch()
    watch.add(0.002)
    watch.add(70.0)
    text = exposition([msgspec.structs.replace(status(), acknowledged=watch.latency())])

    assert 'isthmus_acknowledgement_seconds_bucket{channel="orders",le="0.0025"} 1\n' in text
    assert 'isthmus_acknowledgement_seconds_bucket{channel="orders",le="+Inf"} 2\n' in text
    assert 'isthmus_acknowledgement_seconds_sum{channel="orders"} 70.002\n' in text
