"""What the engine tells about itself: one event, from which log line and metric come."""

from __future__ import annotations

from engine.telemetry.emit import Telemetry
from engine.telemetry.event import Event, Level, Metric, counter, gauge, histogram
from engine.telemetry.metrics import Registry

__all__ = ["Event", "Level", "Metric", "Registry", "Telemetry", "counter", "gauge", "histogram"]
