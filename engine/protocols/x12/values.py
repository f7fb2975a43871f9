"""What is to be written: segments as tuples of texts, before any separator is chosen."""

from __future__ import annotations

from dataclasses import dataclass

# Segment id, then the elements from 01 on; a composite is a tuple of its components.
SegmentValues = tuple[str | tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class OutboundSet:
    """The body of a set, without ST and SE: they are written with the counts and numbers that are right."""

    code: str
    segments: tuple[SegmentValues, ...]


@dataclass(frozen=True, slots=True)
class OutboundGroup:
    functional_id: str
    version: str
    control_number: int
    sets: tuple[OutboundSet, ...]
