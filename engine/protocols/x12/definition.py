"""Set tables compiled for walking: every place of a set is a node, and the way from node to node is looked up once."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from engine.protocols.x12.elements import SegmentSpec, segment_specs
from engine.protocols.x12.sets import TABLES


@dataclass(frozen=True, slots=True)
class Node:
    """A segment's place in its set.

    Args:
        parent: index of the loop it stands in; -1 at the top.
        end: one past its last descendant; a loop's head owns the nodes up to there.
        limit: the greatest use, of the segment or, for a head, of the loop; 0 for unlimited.
        loop: the names of the heads above and including it, e.g. `PO1/N1`; empty at the top.
    """

    index: int
    segment_id: str
    mandatory: bool
    limit: int
    parent: int
    end: int
    is_loop: bool
    loop: str


@dataclass(frozen=True, slots=True)
class Step:
    """Where a segment leads from a node, and which mandatory nodes must have been seen by then."""

    target: int
    passed: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SetDefinition:
    code: str
    version: str
    nodes: tuple[Node, ...]
    segments: dict[str, SegmentSpec]
    segment_ids: frozenset[str]
    _steps: dict[tuple[int, str], Step | None] = field(default_factory=dict, repr=False, compare=False)
    _beyond: dict[int, Step | None] = field(default_factory=dict, repr=False, compare=False)

    def step(self, current: int, segment_id: str) -> Step | None:
        """The next node for this segment id after `current`; None when it may not stand here."""
        key = (current, segment_id)
        if key in self._steps:
            return self._steps[key]
        if segment_id not in self.segment_ids:
            return None  # not remembered: a sender could otherwise fill the table
        node = self.nodes[current]
        loop, start = (current, current + 1) if node.is_loop else (node.parent, current)
        step = self._steps[key] = self._find(loop, start, segment_id)
        return step

    def beyond(self, target: int) -> Step | None:
        """The next node of the same segment id after `target`: where the one too many for `target` belongs."""
        if target not in self._beyond:
            node = self.nodes[target]
            self._beyond[target] = self._find(node.parent, node.end, node.segment_id)
        return self._beyond[target]

    def _find(self, loop: int, start: int, segment_id: str) -> Step | None:
        passed: list[int] = []
        while True:
            for child in self._siblings(loop, start):
                if child.segment_id == segment_id:
                    return Step(child.index, tuple(i for i in passed if i != child.index))
                if child.mandatory:
                    passed.append(child.index)
            if loop < 0:
                return None
            if self.nodes[loop].segment_id == segment_id:
                return Step(loop, tuple(passed))
            start, loop = loop, self.nodes[loop].parent

    def _siblings(self, loop: int, start: int) -> list[Node]:
        """The nodes that stand directly in `loop` from `start` on."""
        found, index = [], start
        end = self.nodes[loop].end if loop >= 0 else len(self.nodes)
        while index < end:
            found.append(self.nodes[index])
            index = self.nodes[index].end
        return found


def compile_set(code: str, table: str, version: str) -> SetDefinition:
    """Read a set's table (see sets/purchase_order.py for its notation)."""
    rows = [_row(line) for line in table.splitlines() if line.strip()]
    nodes: list[Node] = []
    heads: list[tuple[int, int]] = []  # (indent, node index) of the loops that are open
    for index, (indent, segment_id, requirement, limit) in enumerate(rows):
        while heads and heads[-1][0] >= indent:
            heads.pop()
        deeper = index + 1
        while deeper < len(rows) and rows[deeper][0] > indent:
            deeper += 1
        is_loop = deeper > index + 1
        if is_loop:
            heads.append((indent, index))
        parent = next((i for depth, i in reversed(heads) if depth < indent), -1)
        path = "/".join(rows[i][1] for _, i in heads)
        nodes.append(Node(index, segment_id, requirement == "M", limit, parent, deeper, is_loop, path))
    return SetDefinition(code, version, tuple(nodes), segment_specs(version), frozenset(n.segment_id for n in nodes))


def _row(line: str) -> tuple[int, str, str, int]:
    """Indent, segment id, M or O, greatest use."""
    segment_id, requirement, limit = line.split()
    return len(line) - len(line.lstrip()), segment_id, requirement, int(limit)


@lru_cache(maxsize=64)
def definition(set_code: str, version: str) -> SetDefinition | None:
    """The set in 004010 for any version 004…, in 005010 for any 005…; None when it is not described."""
    table = TABLES.get(set_code)
    base = {"004": "004010", "005": "005010"}.get(version[:3])
    return _compiled(set_code, base) if table and base else None


@lru_cache(maxsize=64)
def _compiled(set_code: str, base: str) -> SetDefinition:
    return compile_set(set_code, TABLES[set_code], base)
