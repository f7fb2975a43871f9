"""Log lines: text for people at a terminal, JSON for machines."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TextIO

import msgspec

from engine.core.ids import id_text
from engine.telemetry.event import Event, Level, event_name

_COLOURS = {Level.DEBUG: "\x1b[2m", Level.INFO: "", Level.WARNING: "\x1b[33m", Level.ERROR: "\x1b[31m"}
_PLAIN = "\x1b[0m"
_IDS = frozenset({"message_id", "delivery_id"})
_names: dict[type[Event], str] = {}


def text_line(event: Event, now: datetime) -> str:
    """`12:00:01 warning  stock_requisition: message 1M9K… waits for a person: … (at RQD[2]-5; what to do)`."""
    fields = _fields(event)
    text = _one_line(event.words.format_map(fields))
    extra = [f"at {fields['where']}"] if fields.get("where") and "{where}" not in event.words else []
    extra += [str(fields["remedy"])] if fields.get("remedy") else []
    after = f" ({_one_line('; '.join(extra))})" if extra else ""
    colour = _COLOURS[event.level]
    line = f"{now:%H:%M:%S} {event.level.name.lower():<7} {text}{after}"
    return f"{colour}{line}{_PLAIN}\n" if colour else f"{line}\n"


def json_line(event: Event, now: datetime) -> str:
    """One object a line: at, level, event, then the event's own fields."""
    kind = type(event)
    name = _names.get(kind) or _names.setdefault(kind, event_name(kind))
    head: dict[str, Any] = {"at": now.isoformat(timespec="milliseconds").replace("+00:00", "Z")}
    head |= {"level": kind.level.name.lower(), "event": name}
    fields = {field: value for field, value in _fields(event).items() if value is not None}
    return msgspec.json.encode(head | fields).decode() + "\n"


def _fields(event: Event) -> dict[str, Any]:
    fields = msgspec.structs.asdict(event)
    for name in _IDS & fields.keys():
        fields[name] = id_text(fields[name])
    return fields


def _one_line(text: str) -> str:
    """Without control characters: nobody writes a line, or colours, into our log."""
    return "".join(c if c.isprintable() else " " for c in text)


class Writer:
    """Writes lines to a stream; a stream that cannot take them (full disk, closed pipe) loses them, counted."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.lost = 0

    def write(self, line: str) -> None:
        try:
            self._stream.write(line)
            self._stream.flush()
        except (OSError, ValueError):
            self.lost += 1
