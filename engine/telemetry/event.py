"""What an event declares once: its level, its words, its metrics.

A field of an event is a name, a place, a code, a number or our own words. Never a value of a message, a natural
id, a file's or patient's name, or a secret: events go to logs that many may read.
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import ClassVar, Literal

import msgspec

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
COUNTS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0)


class Level(IntEnum):
    """As in syslog and Python's logging."""

    DEBUG = 10
    INFO = 20
    WARNING = 30
    ERROR = 40


class Metric(msgspec.Struct, frozen=True):
    """One time series that an event feeds.

    Args:
        labels: fields of the event; few different values only (channel, destination, code), never an id.
        value: the field with the amount; None: each event counts 1.
    """

    kind: Literal["counter", "gauge", "histogram"]
    name: str
    help: str
    labels: tuple[str, ...] = ()
    value: str | None = None
    buckets: tuple[float, ...] = ()


def counter(name: str, help: str, *labels: str, value: str | None = None) -> Metric:
    """Only rises; the name ends in `_total`."""
    return Metric("counter", name, help, labels, value)


def gauge(name: str, help: str, *labels: str, value: str) -> Metric:
    """Is set."""
    return Metric("gauge", name, help, labels, value)


def histogram(name: str, help: str, *labels: str, value: str, buckets: tuple[float, ...] = SECONDS) -> Metric:
    """Distribution; the name ends in its unit."""
    return Metric("histogram", name, help, labels, value, buckets)


class Event(msgspec.Struct, frozen=True):
    """Base of all events. `words` is the log line's text, with fields in braces."""

    level: ClassVar[Level] = Level.INFO
    words: ClassVar[str] = ""
    metrics: ClassVar[tuple[Metric, ...]] = ()


def event_name(kind: type[Event]) -> str:
    """`MessageReceived` as `message_received`, for JSON lines."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()
