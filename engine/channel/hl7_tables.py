"""What HL7 defines, over all versions, for lint: message types with their first version, segments with their length.

Read from hl7apy's own tables (2.1 to 2.8.2), only when a channel needs them: loading takes a third of a second.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from typing import Any

VERSIONS = ("2.1", "2.2", "2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.8", "2.8.1", "2.8.2")
_OPEN_ENDED = ("QPD", "RDT")
"""Segments whose fields the query or table they belong to defines."""


@lru_cache(maxsize=1)
def segment_lengths() -> dict[str, int]:
    """Segment name to the highest field number it has in any version."""
    lengths: dict[str, int] = dict.fromkeys(_OPEN_ENDED, 9999)
    for version in VERSIONS:
        for name, definition in _table(version, "segments", "SEGMENTS").items():
            fields = definition[1] if len(definition) > 1 else ()
            ends = [str(field[0]).rpartition("_")[2] for field in fields if isinstance(field, tuple)]
            numbers = [int(end) for end in ends if end.isdigit()]  # ORO of 2.1 and ANYHL7SEGMENT are no segments
            if numbers:
                lengths[name] = max([lengths.get(name, 0), *numbers])
    return lengths


@lru_cache(maxsize=1)
def message_structures() -> dict[str, str]:
    """Structure (`MFN_M16`) to the first version that has it."""
    first: dict[str, str] = {}
    for version in reversed(VERSIONS):
        first.update(dict.fromkeys(_table(version, "messages", "MESSAGES"), version))
    return first


@lru_cache(maxsize=1)
def trigger_events() -> frozenset[str]:
    """Table 0003 in any version, and the events that structures are named after."""
    listed = {code for v in VERSIONS for code in _table(v, "tables", "TABLES").get("HL70003", ("", ()))[1]}
    return frozenset(listed | {name.partition("_")[2] for name in message_structures()} - {""})


def first_version(message_type: str) -> str | None:
    """First version with a structure of exactly this type (`MFN^M16`); None also for types that share one."""
    return message_structures().get(message_type.replace("^", "_"))


def is_message_type(message_type: str) -> bool:
    """Whether HL7 has this message with this event in any version. Z messages and Z events are always possible."""
    code, _, event = message_type.partition("^")
    if code.startswith("Z") or event.startswith("Z"):
        return True
    families = [name.partition("_") for name in message_structures()]
    events = {e for c, _, e in families if c == code}
    if not event:
        return bool(events)
    if event in events:
        return True
    # ADT^A08 shares the structure ADT_A01: an event of a kind that this message has.
    return event in trigger_events() and any(event[0] == known[:1] for known in events)


def _table(version: str, module: str, name: str) -> dict[str, Any]:
    try:
        table: dict[str, Any] = getattr(import_module(f"hl7apy.v{version.replace('.', '_')}.{module}"), name)
    except ModuleNotFoundError:
        return {}
    return table
