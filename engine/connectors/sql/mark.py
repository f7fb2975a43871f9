"""How far a source has read, kept in a file below the site between runs.

It spares reading a table from its beginning. What keeps a row from being taken twice is its natural id in the
journal; so an old or missing file costs time, and loses nothing.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

_WITH_SECONDS = len("2026-03-01 10:00:00")
_ANY_ZONE = timedelta(days=1)
_MOST_SEEN = 2000  # rows of the overlap that a file remembers; further ones are the journal's to recognise


class Mark:
    """The highest watermark, and the rows read since the overlap began: natural id to watermark and digest.

    `settled`: so much time has passed that no row up to the watermark can appear any more; the overlap is not read.
    Rows ahead of the time are remembered apart: they must not move the watermark over all that comes in between.
    """

    def __init__(self, path: Path, table: str) -> None:
        self._path, self._table = path, table
        self.value: Any = None
        self.settled = False
        self._seen: dict[str, tuple[Any, str]] = {}
        self._ahead: dict[str, tuple[Any, str]] = {}

    def load(self) -> None:
        """A file of another table, or one that cannot be read, is as none."""
        try:
            found = msgspec.json.decode(self._path.read_bytes())
            if found["table"] == self._table:
                seen, ahead = (_rows(found.get(name, ())) for name in ("seen", "ahead"))
                self.value, self._seen, self._ahead = _decoded(found["value"]), seen, ahead
                self.settled = found["settled"] is True
        except (OSError, ValueError, KeyError, TypeError, ArithmeticError):  # msgspec's errors are ValueErrors
            return

    def knows(self, natural_id: str, digest: str) -> bool:
        """A sequence's row is known by its id alone; with a time, other content is a change within one tick."""
        known = self._seen.get(natural_id) or self._ahead.get(natural_id)
        if known is None:
            return False
        value, before = known
        return before == digest or isinstance(value, int | Decimal | bytes)

    def advance(self, natural_id: str, value: Any, digest: str, floor: Any) -> None:
        """A row is durable. `floor`: what is below is not read again and need not be remembered."""
        if not _goes_back(value, self.value):
            self.value = value
        self.settled = False
        self._seen[natural_id] = (value, digest)
        self._ahead = {name: row for name, row in self._ahead.items() if not _below(row[0], floor)}
        while self._seen:
            oldest = next(iter(self._seen))
            if not _below(self._seen[oldest][0], floor):
                return
            del self._seen[oldest]

    def remember(self, natural_id: str, value: Any, digest: str) -> None:
        """Durable too, but told out of turn: what comes before it may not have been read."""
        self._seen[natural_id] = (value, digest)

    def put_ahead(self, natural_id: str, value: Any, digest: str) -> None:
        """A row is durable whose time has not come: the watermark stays."""
        self._ahead[natural_id] = (value, digest)
        if len(self._ahead) > _MOST_SEEN:
            del self._ahead[next(iter(self._ahead))]

    def settle(self) -> None:
        self.settled, self._seen = True, {}

    def save(self) -> None:
        """Raises OSError."""
        seen, ahead = _written(self._seen), _written(self._ahead)
        facts = {"table": self._table, "value": _encoded(self.value), "settled": self.settled}
        facts |= {"seen": seen, "ahead": ahead}
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = self._path.with_suffix(".part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)  # keys may be a patient's
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(facts))
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, self._path)


def reduced(value: Any, numbers: int, span: timedelta) -> Any:
    """So far back is read again: `value` less the overlap. Texts that are no time have none."""
    if isinstance(value, bool | bytes) or value is None:
        return value
    if isinstance(value, int | Decimal | float):
        return value - numbers
    if isinstance(value, datetime):
        return value - span
    if isinstance(value, date):
        return value - timedelta(days=-(-span // timedelta(days=1)))
    return _reduced_text(value, span) if isinstance(value, str) else value


def is_moment(value: Any) -> bool:
    """A time that passes: not a day, which gets further rows until it ends, and not a number."""
    if isinstance(value, str):
        return len(value) >= _WITH_SECONDS and _reduced_text(value, timedelta(hours=1)) != value
    return isinstance(value, datetime)


def is_ahead(value: Any, now: datetime) -> bool:
    """Tell whether a time is later than any clock's now: by more than a day, since many say no zone."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value) if value[4:5] == "-" else None
        except ValueError:
            return False
    if isinstance(value, datetime):
        return value > (now if value.tzinfo else now.replace(tzinfo=None)) + _ANY_ZONE
    return isinstance(value, date) and value > (now + _ANY_ZONE).date()


def _reduced_text(text: str, span: timedelta) -> str:
    """SQLite keeps times as text, in several forms. The result has the same form, and no more digits than needed."""
    try:
        moment = datetime.fromisoformat(text) if text[4:5] == "-" and span else None
    except ValueError:
        moment = None
    if moment is None:
        return text
    earlier = moment.replace(tzinfo=None) - span
    return earlier.isoformat(sep=text[10], timespec="seconds") if text[10:] else earlier.date().isoformat()


def _goes_back(value: Any, before: Any) -> bool:
    try:
        return bool(value < before)
    except TypeError:  # the first one, or the column has another type now
        return False


def _below(value: Any, floor: Any) -> bool:
    try:
        return bool(value < floor)
    except TypeError:  # another kind than before: forgotten, the journal knows it
        return True


# ------------------------------------------------------------------ in the file
_KINDS: Mapping[str, tuple[type[Any], Callable[[Any], str], Callable[[str], Any]]] = {
    "datetime": (datetime, datetime.isoformat, datetime.fromisoformat),
    "date": (date, date.isoformat, date.fromisoformat),
    "decimal": (Decimal, str, Decimal),
    "uuid": (UUID, str, UUID),
    "bytes": (bytes, lambda value: base64.b64encode(value).decode(), base64.b64decode),
}


def _rows(found: Iterable[tuple[str, Any, str]]) -> dict[str, tuple[Any, str]]:
    return {name: (_decoded(value), digest) for name, value, digest in found}


def _written(rows: Mapping[str, tuple[Any, str]]) -> list[tuple[str, Any, str]]:
    return [(name, _encoded(value), digest) for name, (value, digest) in [*rows.items()][-_MOST_SEEN:]]


def _encoded(value: Any) -> Any:
    for name, (kind, write, _) in _KINDS.items():
        if isinstance(value, kind):
            return [name, write(value)]
    return value


def _decoded(value: Any) -> Any:
    return _KINDS[value[0]][2](value[1]) if isinstance(value, list) else value
