"""Figures that are read when somebody asks: the state of channels and destinations, and of the process.

Counting every message for Prometheus would cost the hot path; the engine's status already has these figures.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from engine.telemetry.event import Metric, gauge, histogram
from engine.telemetry.metrics import Histogram, Registry

_PLACE = ("channel", "destination")

MESSAGES = gauge("isthmus_channel_messages", "Stored messages by state.", "channel", "state", value="n")
RECEIVED = gauge("isthmus_channel_received", "Messages received since start.", "channel", value="n")
RATE = gauge("isthmus_channel_messages_per_second", "Intake over the last ten seconds.", "channel", value="n")
UP = gauge("isthmus_channel_up", "1 while the channel runs.", "channel", "state", value="n")
ACKNOWLEDGED = histogram(
    "isthmus_acknowledgement_seconds", "From arrival to durable, when the answer may leave.", "channel", value="n"
)
QUEUED = gauge("isthmus_destination_queued", "Deliveries queued or being sent.", *_PLACE, value="n")
DELIVERED = gauge("isthmus_destination_delivered", "Deliveries made since start.", *_PLACE, value="n")
ERRORS = gauge("isthmus_destination_errors", "Attempts that failed since start.", *_PLACE, value="n")
REACHED = gauge("isthmus_destination_up", "0 while its circuit is open or it is retried.", *_PLACE, "state", value="n")
_DOWN = frozenset({"open", "retrying"})


class DestinationFigures(Protocol):
    """As `engine.ports.operations.DestinationStatus` has them."""

    @property
    def name(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def queued(self) -> int: ...
    @property
    def delivered(self) -> int: ...
    @property
    def errors(self) -> int: ...


class LatencyFigures(Protocol):
    """As `engine.ports.operations.Latency` has them, in the buckets of `engine.telemetry.event.SECONDS`."""

    @property
    def counts(self) -> Sequence[int]: ...
    @property
    def total_seconds(self) -> float: ...


class ChannelFigures(Protocol):
    """As `engine.ports.operations.ChannelStatus` has them."""

    @property
    def name(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def received(self) -> int: ...
    @property
    def per_second(self) -> float: ...
    @property
    def counts(self) -> Mapping[str, int]: ...
    @property
    def destinations(self) -> Sequence[DestinationFigures]: ...
    @property
    def acknowledged(self) -> LatencyFigures | None: ...


def figures(channels: Sequence[ChannelFigures]) -> Registry:
    """The metrics of a status, for `render()`; made anew each time, so that a channel that is gone is gone."""
    registry = Registry()
    for channel in channels:
        _set(registry, RECEIVED, channel.received, channel.name)
        _set(registry, RATE, channel.per_second, channel.name)
        _set(registry, UP, channel.state == "running", channel.name, channel.state)
        if channel.acknowledged is not None:
            _take(registry, channel.acknowledged, channel.name)
        for state, count in channel.counts.items():
            _set(registry, MESSAGES, count, channel.name, state)
        for one in channel.destinations:
            place = (channel.name, one.name)
            _set(registry, QUEUED, one.queued, *place)
            _set(registry, DELIVERED, one.delivered, *place)
            _set(registry, ERRORS, one.errors, *place)
            _set(registry, REACHED, one.state not in _DOWN, *place, one.state)
    return registry


def exposition(channels: Sequence[ChannelFigures], events: Registry | None = None, *, limited: bool = False) -> str:
    """The whole answer to a scrape: figures of the status, then what events counted.

    `limited`: the asker sees these channels only, so what other channels counted is left out.
    """
    shown = {channel.name for channel in channels} if limited else None
    return figures(channels).render() + (events.render(shown) if events is not None else "")


def measure_process(registry: Registry) -> None:
    """Memory and open files of this process, where the system tells them."""
    if Path("/proc/self/statm").exists():
        registry.measure("process_resident_memory_bytes", "Resident memory.", _resident_bytes)
        registry.measure("process_open_fds", "Open file descriptors.", lambda: len(os.listdir("/proc/self/fd")))


def _resident_bytes() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _take(registry: Registry, latency: LatencyFigures, channel: str) -> None:
    instrument = registry.instrument(ACKNOWLEDGED)
    if isinstance(instrument, Histogram):
        instrument.take((channel,), latency.counts, latency.total_seconds)


def _set(registry: Registry, metric: Metric, value: float, *labels: str) -> None:
    registry.instrument(metric).feed(labels, float(value))
