"""What is to be written: segments as tuples of texts, before any separator is chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeGuard

# Segment id, then the elements from 01 on. A composite is a tuple of its components; a repeated element is a tuple of
# its repeats, each of them a tuple, too: `(("A",), ("B",))`.
ElementValue = str | tuple[str | tuple[str, ...], ...]
SegmentValues = tuple[ElementValue, ...]


def joined(value: ElementValue, component: str, repetition: str) -> str:
    """The element's text. Components that are empty at the end are left out."""
    if isinstance(value, str):
        return value
    if any(isinstance(part, tuple) for part in value):
        return repetition.join(joined(part, component, repetition) for part in value)
    return component.join(part for part in value if isinstance(part, str)).rstrip(component)


def is_flat(segment: SegmentValues) -> TypeGuard[tuple[str, ...]]:
    """Whether no element is a composite or repeated: so most segments are, and then their texts are there already."""
    return tuple not in map(type, segment)


def is_blank(value: ElementValue) -> bool:
    return not value if isinstance(value, str) else not joined(value, "", "")


def is_repeated(value: ElementValue) -> bool:
    return isinstance(value, tuple) and any(isinstance(part, tuple) for part in value)


@dataclass(frozen=True, slots=True)
class OutboundSet:
    """The body of a set, without ST and SE: they are written with the counts and numbers that are right.

    `convention` is ST03, the guide that the set follows (005010 and later); empty for none.
    """

    code: str
    segments: tuple[SegmentValues, ...]
    convention: str = ""


@dataclass(frozen=True, slots=True)
class OutboundGroup:
    functional_id: str
    version: str
    control_number: int
    sets: tuple[OutboundSet, ...]
