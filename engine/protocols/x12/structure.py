"""Segments to groups and sets, by their envelope ids alone; what is missing or astray is noted, never dropped."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from engine.protocols.x12.delimiters import Separators
from engine.protocols.x12.segments import Group, Segment, TransactionSet

_ENVELOPE = frozenset(("ISA", "GS", "ST", "SE", "GE", "IEA", "TA1", ""))


@dataclass
class _Builder:
    separators: Separators
    groups: list[Group] = field(default_factory=list)
    stray: list[Segment] = field(default_factory=list)
    acknowledgements: list[Segment] = field(default_factory=list)
    trailer: Segment | None = None
    group_header: Segment | None = None
    in_group: bool = False
    sets: list[TransactionSet] = field(default_factory=list)
    body: list[Segment] | None = None

    def end_set(self, trailer: Segment | None) -> None:
        if self.body is not None:
            self.sets.append(TransactionSet(self.body[0], tuple(self.body), trailer, (), self.separators))
            self.body = None

    def end_group(self, trailer: Segment | None) -> None:
        self.end_set(None)
        if self.in_group:
            self.groups.append(Group(self.group_header, tuple(self.sets), trailer))
        self.sets, self.group_header, self.in_group = [], None, False

    def take_envelope(self, segment: Segment) -> None:
        match segment.id:
            case "GS":
                self.end_group(None)
                self.group_header, self.in_group = segment, True
            case "ST":
                self.end_set(None)
                self.body, self.in_group = [segment], True
            case "SE" if self.body is not None:
                self.body.append(segment)
                self.end_set(segment)
            case "GE" if self.in_group:
                self.end_group(segment)
            case "IEA":
                self.end_group(None)
                self.trailer = segment
            case "TA1" if self.body is None:
                self.acknowledgements.append(segment)
            case "" | "ISA":
                pass
            case _:
                self.stray.append(segment)


Built = tuple[tuple[Group, ...], tuple[Segment, ...], Segment | None, list[Segment]]


def build_groups(segments: Iterable[Segment], separators: Separators) -> Built:
    """Groups, TA1 segments, IEA, and the segments that stand outside of any set."""
    builder = _Builder(separators)
    for segment in segments:
        if segment.id in _ENVELOPE:
            builder.take_envelope(segment)
        elif builder.body is not None:
            builder.body.append(segment)
        else:
            builder.stray.append(segment)
    builder.end_group(None)
    return tuple(builder.groups), tuple(builder.acknowledgements), builder.trailer, builder.stray
