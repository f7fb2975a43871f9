"""Right sets of any kind from a seed, made from the set's own table: places, uses, types, codes and conditions."""

from __future__ import annotations

from random import Random

from engine.protocols.x12 import OutboundSet, SegmentValues
from engine.protocols.x12.definition import Node, SetDefinition, definition
from engine.protocols.x12.elements import ElementSpec, SegmentSpec
from engine.protocols.x12.totals import _SUMS
from engine.protocols.x12.values import ElementValue

_TEXT = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 -./,:#&'()+éß*>~^|"
_WORD = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_COMPONENT = "\x1d"  # in no text


class AnySet:
    """Sets of one code and version, one after the other; few optional parts in each, all of them in time."""

    def __init__(self, code: str, version: str, seed: int) -> None:
        table = definition(code, version)
        assert table is not None
        self.table: SetDefinition = table
        self.random = Random(seed)
        self._met: set[str] = set()

    def make(self) -> OutboundSet:
        self._budget = self.random.randint(5, 30)
        body: list[SegmentValues] = []
        for node in self._children(-1):
            if node.segment_id not in ("ST", "SE"):
                body += self._use(node)
        return OutboundSet(self.table.code, tuple(self._counted(body)))

    def _children(self, parent: int) -> list[Node]:
        return [node for node in self.table.nodes if node.parent == parent]

    def _use(self, node: Node) -> list[SegmentValues]:
        """A segment, or a loop with what is in it, as often as chance has it and the table allows.

        Optional places whose segment id stands earlier at the same level are left out: a reader takes the nearer one.
        """
        spec = self.table.segments[node.segment_id]
        if not spec.described or (not node.mandatory and self._ambiguous(node)):
            return []
        wish = self.random.choice((0, 0, 1, 1, 2)) if self._budget > 0 else 0
        times = max(wish if node.limit == 0 else min(wish, node.limit), 1 if node.mandatory else 0)
        made: list[SegmentValues] = []
        for _ in range(times):
            self._budget -= 1
            made.append(self._segment(spec))
            if node.is_loop:
                for child in self._children(node.index):
                    made += self._use(child)
        return made

    def _ambiguous(self, node: Node) -> bool:
        """Another place of this id before it that a reader could take instead."""
        above = {node.parent}
        while (parent := max(above, default=-1)) >= 0 and self.table.nodes[parent].parent not in above:
            above.add(self.table.nodes[parent].parent)
        return any(
            other.segment_id == node.segment_id and other.index != node.index
            for other in self.table.nodes[: node.index]
            if other.parent in above or other.index in above
        ) or (node.parent >= 0 and self.table.nodes[node.parent].segment_id == node.segment_id)

    def _segment(self, spec: SegmentSpec) -> SegmentValues:
        while True:
            present = self.random.choice((0.0, 0.3, 0.6, 1.0))
            values: list[ElementValue] = [
                self._element(one) if one.mandatory or self.random.random() < present else "" for one in spec.elements
            ]
            while values and not values[-1]:
                values.pop()
            parts = [spec.segment_id, *(v if isinstance(v, str) else _COMPONENT.join(map(str, v)) for v in values)]
            if not any(spec.faults(parts, _COMPONENT)):
                return (spec.segment_id, *values)

    def _element(self, spec: ElementSpec) -> ElementValue:
        if spec.parts:
            return tuple(self._text(part) for part in spec.parts if part.mandatory)
        return self._text(spec)

    def _text(self, spec: ElementSpec) -> str:
        longest = min(spec.longest, spec.shortest + 12)
        size = self.random.randint(spec.shortest, longest)
        match spec.kind:
            case "DT":
                day = (
                    f"{self.random.randint(2001, 2060)}{self.random.randint(1, 12):02d}{self.random.randint(1, 28):02d}"
                )
                return day[-spec.longest :]
            case "TM":
                return f"{self.random.randint(0, 23):02d}{self.random.randint(0, 59):02d}"
            case "ID" if spec.codes:
                return self.random.choice(sorted(spec.codes))
            case "ID":
                return "".join(self.random.choices(_WORD, k=size))
            case "AN":
                inner = "".join(self.random.choices(_TEXT, k=max(size - 2, 0)))
                return (self.random.choice(_WORD) + inner + self.random.choice(_WORD))[:size] if size > 1 else "7"
            case _:
                return "".join(self.random.choices("123456789", k=size))

    def _counted(self, body: list[SegmentValues]) -> list[SegmentValues]:
        """CTT says how many lines there are."""
        counted = _SUMS.get(self.table.code, ("", "", 0))[0]
        count = str(sum(1 for one in body if one[0] == counted))
        return [("CTT", count) if one[0] == "CTT" and counted else one for one in body]
