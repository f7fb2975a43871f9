"""How the HL levels of a set hang together: numbers once each, parents before children, HL04 as it is.

X12 gives no code of its own to a level that hangs nowhere; the element is told as an invalid code value (AK403 7), as
translators do. Source: X12 segment HL, semantic notes of HL01, HL02 and HL04.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.protocols.x12.segments import TransactionSet

Fault = tuple[int, int, int, str]  # occurrence of HL, its position in the set, element, words


def hierarchy_faults(one: TransactionSet) -> Iterator[Fault]:
    """Faults of HL01, HL02 and HL04, in the order of the levels."""
    levels = [(p, s) for p, s in enumerate((s for s in one.segments if s.id), 1) if s.id == "HL"]
    parents = {segment.get(2) for _, segment in levels if segment.get(2)}
    seen: set[str] = set()
    for occurrence, (position, segment) in enumerate(levels, 1):
        number, parent, children = segment.get(1), segment.get(2), segment.get(4)
        if number in seen:
            yield occurrence, position, 1, "the level's number was used before"
        if parent and parent not in seen:
            yield occurrence, position, 2, "names no level that stands before it"
        if children in ("0", "1") and (children == "1") != (number in parents):
            yield occurrence, position, 4, "tells the contrary of whether levels stand below this one"
        seen.add(number)
