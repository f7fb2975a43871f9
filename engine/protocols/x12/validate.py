"""A set against its definition: every fault with set place, loop, element and the code of AK304 or AK403."""

from __future__ import annotations

from engine.protocols.x12.definition import Node, SetDefinition, Step, definition
from engine.protocols.x12.elements import (
    CONDITIONAL_MISSING,
    EXCLUDED,
    INVALID_CHARACTER,
    INVALID_CODE,
    INVALID_DATE,
    INVALID_TIME,
    MANDATORY_MISSING,
    TOO_LONG,
    TOO_MANY,
    TOO_MANY_COMPONENTS,
    TOO_MANY_REPETITIONS,
    TOO_SHORT,
)
from engine.protocols.x12.findings import Finding, Level
from engine.protocols.x12.hierarchy import hierarchy_faults
from engine.protocols.x12.segments import Segment, TransactionSet
from engine.protocols.x12.totals import total_faults

# AK304. Source: element 720.
UNRECOGNIZED, UNEXPECTED, MISSING, LOOP_TOO_OFTEN, TOO_OFTEN, NOT_IN_SET, OUT_OF_SEQUENCE, ELEMENT_ERRORS = range(1, 9)

# Input made of faults alone must not cost more than input of the same size that is right.
_MOST_FAULTS = 1_000
_SEGMENT_WORDS = {
    UNRECOGNIZED: "the standard knows no segment of this id",
    MISSING: "a mandatory segment is missing here",
    LOOP_TOO_OFTEN: "the loop occurs more often than the set allows",
    TOO_OFTEN: "the segment occurs more often than the set allows",
    NOT_IN_SET: "the segment does not belong in this set",
    OUT_OF_SEQUENCE: "the segment may not stand at this place",
}
_ELEMENT_WORDS = {
    MANDATORY_MISSING: "a mandatory element is missing",
    CONDITIONAL_MISSING: "an element that others ask for is missing",
    TOO_MANY: "more elements than the segment has",
    TOO_SHORT: "too short",
    TOO_LONG: "too long",
    INVALID_CHARACTER: "holds a character that its type does not allow",
    INVALID_CODE: "not a code of its list",
    INVALID_DATE: "not a date",
    INVALID_TIME: "not a time",
    EXCLUDED: "may not be given together with another element that is",
    TOO_MANY_REPETITIONS: "repeated more often than the element may be",
    TOO_MANY_COMPONENTS: "more components than the composite has",
}
# Before 005010 both were "too many elements".
_BEFORE_005010 = {TOO_MANY_REPETITIONS: TOO_MANY, TOO_MANY_COMPONENTS: TOO_MANY}


def validate(one: TransactionSet, version: str, component: str = ">") -> tuple[Finding, ...]:
    """Faults of the set's body in the order of its segments. Empty for a right set, and for one not described.

    Args:
        version: GS08 of its group.
        component: the component separator of its interchange.
    """
    table = definition(one.code, version)
    if table is None:
        return ()
    found = _Walk(table, component, one.separators.repetition).run(one)
    sums = _sums(one, table)
    return tuple(sorted(found + sums, key=lambda f: f.position) if sums else found)


def _sums(one: TransactionSet, table: SetDefinition) -> list[Finding]:
    """What the elements of several segments must be to one another: HL levels, CTT totals."""
    found = []
    if "CTT" in table.segment_ids:
        for position, element, text in total_faults(one):
            found.append(_sum_fault(table, "CTT", position, element, f"CTT{element:02d}", text))
    if "HL" in table.segment_ids:
        for occurrence, position, element, text in hierarchy_faults(one):
            where = f"HL{element:02d}" + (f"[{occurrence}]" if occurrence > 1 else "")
            found.append(_sum_fault(table, "HL", position, element, where, text))
    return found[:_MOST_FAULTS]


def _sum_fault(table: SetDefinition, name: str, position: int, element: int, where: str, text: str) -> Finding:
    loop = next(node.loop for node in table.nodes if node.segment_id == name)
    reference = table.segments[name].elements[element - 1].reference
    return Finding(
        Level.ELEMENT, INVALID_CODE, where, position, text,
        segment_id=name, element=element, element_reference=reference, loop=loop,
    )  # fmt: skip


class _Walk:
    """One pass over a set: where it is, and how often each place was used in the present turn of its loop."""

    def __init__(self, table: SetDefinition, component: str, repetition: str) -> None:
        self._table, self._component, self._repetition = table, component, repetition
        self._counts = [0] * len(table.nodes)
        self._zeros = [0] * len(table.nodes)
        self._current = 0
        self._found: list[Finding] = []
        self._occurrences: dict[str, int] = {}

    def run(self, one: TransactionSet) -> list[Finding]:
        position = 0
        specs, occurrences = self._table.segments, self._occurrences
        for segment in one.segments:
            if not segment.id:
                continue
            if len(self._found) > _MOST_FAULTS:
                text = f"more than {_MOST_FAULTS:,} faults; the rest was not looked at"
                self._found.append(Finding(Level.SET, 5, "ST", one.header.position, text, tolerable=False))
                break
            position += 1
            occurrences[segment.id] = occurrences.get(segment.id, 0) + 1
            step = self._table.step(self._current, segment.id)
            if step is None:
                self._misplaced(segment, position)
                continue
            self._advance(step, position)
            spec = specs[segment.id]
            if spec.described and not spec.is_right(segment.parts, self._repetition):
                for element, component, note in spec.faults(segment.parts, self._component, self._repetition):
                    self._element(segment, position, element, component, note)
        return self._found

    def _advance(self, step: Step, position: int) -> None:
        counts, nodes = self._counts, self._table.nodes
        if 0 < nodes[step.target].limit <= counts[step.target]:
            step = self._later(step) or step
        for index in step.passed:
            if not counts[index]:
                self._missing(nodes[index], position)
                counts[index] = 1
        node = nodes[step.target]
        if node.is_loop:
            counts[node.index + 1 : node.end] = self._zeros[node.index + 1 : node.end]
        counts[node.index] += 1
        self._current = node.index
        if 0 < node.limit < counts[node.index]:
            note = LOOP_TOO_OFTEN if node.is_loop else TOO_OFTEN
            self._segment(note, node.segment_id, position, node.loop)

    def _later(self, step: Step) -> Step | None:
        """A later place of the same id, when the nearer one is used up and nothing is missing between (SLN/SAC/CTP)."""
        later = self._table.beyond(step.target)
        return later if later and all(self._counts[i] for i in later.passed) else None

    def _misplaced(self, segment: Segment, position: int) -> None:
        if segment.id in self._table.segment_ids:
            note = OUT_OF_SEQUENCE
        else:
            note = NOT_IN_SET if segment.id in self._table.segments else UNRECOGNIZED
        self._segment(note, segment.id, position, self._table.nodes[self._current].loop)

    def _missing(self, node: Node, position: int) -> None:
        text = _SEGMENT_WORDS[MISSING]
        finding = Finding(
            Level.SEGMENT, MISSING, node.segment_id, position, text,
            tolerable=False, segment_id=node.segment_id, loop=node.loop,
        )  # fmt: skip
        self._found.append(finding)

    def _segment(self, note: int, segment_id: str, position: int, loop: str) -> None:
        name = segment_id if note != UNRECOGNIZED else "segment"
        where = f"{name}[{self._occurrences.get(segment_id, 1)}]"
        text = _SEGMENT_WORDS[note]
        self._found.append(Finding(Level.SEGMENT, note, where, position, text, segment_id=segment_id, loop=loop))

    def _element(self, segment: Segment, position: int, element: int, component: int, note: int) -> None:
        node = self._table.nodes[self._current]
        if self._table.version < "005010":
            note = _BEFORE_005010.get(note, note)
        specs = self._table.segments[segment.id].elements
        spec = specs[element - 1] if element <= len(specs) else None
        if spec and component:
            spec = spec.parts[component - 1]
        where = f"{segment.id}{element:02d}" + (f"-{component}" if component else "")
        where += f"[{self._occurrences[segment.id]}]" if self._occurrences[segment.id] > 1 else ""
        finding = Finding(
            Level.ELEMENT, note, where, position, _ELEMENT_WORDS[note],
            segment_id=segment.id, element=element, component=component,
            element_reference=spec.reference if spec else 0, loop=node.loop,
        )  # fmt: skip
        self._found.append(finding)
