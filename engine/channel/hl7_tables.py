"""What HL7 defines over all its versions, for lint: which messages are possible, how long segments can be.

Loading the tables takes a third of a second, so they are loaded only when a channel brings HL7.
"""

from __future__ import annotations

from functools import lru_cache

from engine.protocols.hl7v2.structures import VERSIONS, first_version, messages, segments, table

_OPEN_ENDED = ("QPD", "RDT")
"""Segments whose fields the query or table they belong to defines."""


@lru_cache(maxsize=1)
def segment_lengths() -> dict[str, int]:
    """Segment name to the highest field number it has in any version."""
    lengths: dict[str, int] = dict.fromkeys(_OPEN_ENDED, 9999)
    for version in VERSIONS:
        for name, definition in segments(version).items():
            fields = definition[1] if len(definition) > 1 else ()
            ends = [str(field[0]).rpartition("_")[2] for field in fields if isinstance(field, tuple)]
            numbers = [int(end) for end in ends if end.isdigit()]  # ORO of 2.1 and ANYHL7SEGMENT are no segments
            if numbers:
                lengths[name] = max([lengths.get(name, 0), *numbers])
    return lengths


@lru_cache(maxsize=1)
def message_types() -> tuple[str, ...]:
    """`MFN^M16` and so on, as structures are named, in any version."""
    return tuple(sorted({name.replace("_", "^") for version in VERSIONS for name in messages(version)}))


@lru_cache(maxsize=1)
def _trigger_events() -> frozenset[str]:
    """Table 0003 in any version, and the events that structures are named after."""
    listed = {code for version in VERSIONS for code in table(version, "HL70003")}
    return frozenset(listed | {name.partition("^")[2] for name in message_types()} - {""})


@lru_cache(maxsize=1000)
def is_message_type(message_type: str) -> bool:
    """Whether HL7 has this message with this event in any version. Z messages and Z events are always possible."""
    code, _, event = message_type.partition("^")
    if code.startswith("Z") or event.startswith("Z") or (event and first_version(message_type)):
        return True
    events = {known.partition("^")[2] for known in message_types() if known.partition("^")[0] == code}
    if not event:
        return bool(events)
    # An event of a kind that this message has, although no structure is named after it.
    return event in _trigger_events() and any(event[0] == known[:1] for known in events)
