"""What a poll knows from one look to the next, kept in a file below the site.

It spares asking for everything again. What keeps an element from acting twice is its natural id in the journal; so
an old or missing file costs time, and loses nothing.
"""

from __future__ import annotations

import os
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

import msgspec


class Known(msgspec.Struct):
    """`url`: what it is of. `validators`: If-None-Match and If-Modified-Since of an answer that was taken in whole.
    `taken`: natural id to digest of the last look's elements. `changes`: how often a whole answer was another one."""

    url: str
    cursor: str | None = None
    asked: str = ""
    validators: dict[str, str] = {}
    taken: dict[str, str] = {}
    changes: int = 0


def load(path: Path, url: str) -> Known:
    """A file of another URL, or one that cannot be read, is as none."""
    try:
        known = msgspec.json.decode(path.read_bytes(), type=Known)
    except (OSError, ValueError):  # msgspec's errors are ValueErrors
        return Known(url)
    return known if known.url == url else Known(url)


def save(path: Path, known: Known) -> None:
    """Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_suffix(".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)  # ids may be a patient's
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(known))
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)


def higher(one: str | None, other: str | None) -> str | None:
    """Of two cursors: by number, by instant, or as text."""
    if one is None or other is None:
        return one if other is None else other
    numbers = _number(one), _number(other)
    if numbers[0] is not None and numbers[1] is not None:
        return one if numbers[0] >= numbers[1] else other
    moments = _moment(one), _moment(other)
    if moments[0] is not None and moments[1] is not None and _comparable(moments[0], moments[1]):
        return one if moments[0] >= moments[1] else other
    return max(one, other)


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _comparable(one: datetime, other: datetime) -> bool:
    return (one.tzinfo is None) == (other.tzinfo is None)
