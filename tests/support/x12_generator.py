"""Valid X12 sets made from the sets' own data, by a seed: the same seed gives the same set. No value means anything."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from engine.protocols.x12 import OutboundSet
from engine.protocols.x12.definition import Node, SetDefinition, definition
from engine.protocols.x12.elements import Condition, ElementSpec, SegmentSpec
from engine.protocols.x12.values import ElementValue, SegmentValues

_TEXT = "ABCDEFGHJKLMNOPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz0123456789"
_INNER = _TEXT + " -./,#&()+é*>~^"  # separators of X12 among them
_LONGEST = 30
_CHANCE = 0.12  # that an optional place is taken: small sets reach every place often enough
_PARTS_AT_MOST = 60
_COUNTED = {
    "810": "IT1",
    "832": "LIN",
    "846": "LIN",
    "850": "PO1",
    "855": "PO1",
    "856": "HL",
    "860": "POC",
    "865": "POC",
}


def generate(code: str, version: str, seed: int) -> OutboundSet:
    """A set without faults, of the base version 004010 or 005010."""
    table = definition(code, version)
    assert table is not None
    return OutboundSet(code, tuple(_Maker(table, Random(f"{code} {version} {seed}")).make()))


class _Maker:
    def __init__(self, table: SetDefinition, random: Random) -> None:
        self._table, self._random = table, random
        self._levels = 0
        self._lines: dict[str, int] = {}
        self._made = 0

    def make(self) -> Iterator[SegmentValues]:
        nodes = self._table.nodes
        yield from self._siblings(1, len(nodes) - 1)

    def _siblings(self, start: int, end: int) -> Iterator[SegmentValues]:
        index = start
        while index < end:
            node = self._table.nodes[index]
            for _ in range(self._times(node)):
                yield self._segment(node.segment_id)
                if node.is_loop:
                    yield from self._siblings(node.index + 1, node.end)
            index = node.end

    def _times(self, node: Node) -> int:
        if self._made > _PARTS_AT_MOST or self._random.random() > _CHANCE:
            return 1 if node.mandatory else 0
        return self._random.randint(1, min(node.limit or 3, 3))

    def _segment(self, segment_id: str) -> SegmentValues:
        self._made += 1
        self._lines[segment_id] = self._lines.get(segment_id, 0) + 1
        spec = self._table.segments[segment_id]
        if segment_id == "HL":
            return self._level()
        if not spec.described:
            return (segment_id, "A1")
        present = _present(spec, self._random)
        values = [self._value(e) if n in present else "" for n, e in enumerate(spec.elements, 1)]
        if segment_id == "CTT":
            counted = _COUNTED.get(self._table.code, "")
            values = [str(self._lines.get(counted, 0))]
        while values and not values[-1]:
            values.pop()
        return (segment_id, *values)

    def _level(self) -> SegmentValues:
        """Levels one below the other: their HL04 is left out."""
        self._levels += 1
        parent = str(self._random.randint(1, self._levels - 1)) if self._levels > 1 else ""
        return ("HL", str(self._levels), parent, self._random.choice("SOTPI"))

    def _value(self, spec: ElementSpec) -> ElementValue:
        if spec.repeat > 1:
            times = self._random.randint(1, min(spec.repeat, 3))
            repeats = tuple(self._composite(spec) for _ in range(times))
            return repeats if times > 1 else repeats[0]
        return self._composite(spec) if spec.parts else self._simple(spec)

    def _composite(self, spec: ElementSpec) -> tuple[str, ...]:
        values = [self._simple(p) if p.mandatory or self._random.random() > 0.5 else "" for p in spec.parts]
        values[0] = values[0] or self._simple(spec.parts[0])
        while not values[-1]:
            values.pop()
        return tuple(values)

    def _simple(self, spec: ElementSpec) -> str:
        random = self._random
        length = random.randint(spec.shortest, min(spec.longest, max(_LONGEST, spec.shortest)))
        match spec.kind:
            case "DT":
                day = f"{random.randint(1990, 2060)}{random.randint(1, 12):02d}{random.randint(1, 28):02d}"
                return day[-spec.longest :]
            case "TM":
                return f"{random.randint(0, 23):02d}{random.randint(0, 59):02d}"
            case "R":
                return self._real(length)
            case "ID" if spec.codes:
                return random.choice(sorted(spec.codes))
            case "ID":
                return "".join(random.choices(_TEXT[:24], k=length))
            case "AN":
                return self._text(length)
            case _:
                return "".join(random.choices("123456789", k=length))

    def _real(self, digits: int) -> str:
        text = "".join(self._random.choices("123456789", k=digits))
        at = self._random.randint(1, digits)
        return text if at == digits else f"{text[:at]}.{text[at:]}"

    def _text(self, length: int) -> str:
        text = "".join(self._random.choices(_INNER, k=length))
        return self._random.choice(_TEXT) + text[1:-1] + (self._random.choice(_TEXT) if length > 1 else "")


def _present(spec: SegmentSpec, random: Random) -> set[int]:
    """Which elements are given: by chance, then until every condition holds."""
    present = {n for n, e in enumerate(spec.elements, 1) if e.mandatory or random.random() < 0.3}
    for _ in range(100):
        broken = next((c for c in spec.conditions if _broken(c, present, len(spec.elements))), None)
        if broken is None and present:
            return present
        if broken is None:
            present.add(1)
            continue
        given = [n for n in broken.elements if n in present]
        if broken.letter == "E":
            present -= set(given[1:])
        elif broken.letter in "RL":
            present.add(random.choice([n for n in broken.elements if n not in present]))
        else:
            present |= set(broken.elements)
    raise AssertionError(f"the conditions of {spec.segment_id} cannot all hold")


def _broken(condition: Condition, present: set[int], size: int) -> bool:
    parts = ["", *("x" if n in present else "" for n in range(1, size + 1))]
    return condition.broken_at(parts) is not None
