"""Health care claims and payments (837, 835), read by the maps of pyx12. They are read only: nothing here writes them.

pyx12 reads its maps from files and is slow beside our own reader: it works in the worker alone, its maps are loaded
before the first message, and only for channels that accept these sets.
Source: the HIPAA guides 005010X221A1 (835), X222A1 (837 professional), X223A2 (837 institutional); pyx12.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from engine.protocols.x12 import Finding, LoopedSet, TransactionSet, looped
from engine.protocols.x12.findings import Level
from engine.protocols.x12.hierarchy import hierarchy_faults

SETS = frozenset(("835", "837"))

# By set and GS08.
_MAPS = {
    ("835", "005010X221A1"): "835.5010.X221.A1.xml",
    ("837", "005010X222A1"): "837.5010.X222.A1.xml",
    ("837", "005010X223A2"): "837Q3.I.5010.X223.A1.xml",
    ("835", "004010X091A1"): "835.4010.X091.A1.xml",
    ("837", "004010X098A1"): "837.4010.X098.A1.xml",
    ("837", "004010X096A1"): "837.4010.X096.A1.xml",
}
_NOT_LOOPS = frozenset(("ISA_LOOP", "GS_LOOP", "ST_LOOP", "HEADER", "DETAIL", "FOOTER"))
_START = "/ISA_LOOP/GS_LOOP"
_MOST_FAULTS = 1_000  # as in engine/protocols/x12/validate.py
_PLACE = re.compile(r"(?:[A-Z][A-Z0-9]{1,2}?)?([0-9]{1,2})(?:-([0-9]{1,2}))?")  # SVC01-02, or the element alone
_SEGMENT_WORDS = {
    "1": "the guide knows no segment of this id",
    "2": "the segment does not belong here",
    "3": "a segment that the guide asks for is missing here",
    "4": "the loop occurs more often than the guide allows",
    "5": "the segment occurs more often than the guide allows",
    "6": "the segment does not belong in this set",
    "7": "the segment may not stand at this place",
    "8": "the segment has wrong elements",
}
_ELEMENT_WORDS = {
    "1": "an element that the guide asks for is missing",
    "2": "an element that others ask for is missing",
    "3": "more elements than the segment has",
    "4": "too short",
    "5": "too long",
    "6": "holds a character that its type does not allow",
    "7": "not a code of its list",
    "8": "not a date",
    "9": "not a time",
    "10": "may not be given here",
}


def load(accepted: Iterable[str]) -> None:
    """Read the maps of the sets that a channel accepts, while files may still be opened."""
    wanted = SETS.intersection(accepted)
    for code, version in _MAPS:
        if code in wanted:
            _map(code, version)


@lru_cache(maxsize=len(_MAPS))
def _map(code: str, version: str) -> Any:
    import pyx12.map_if
    import pyx12.map_walker
    import pyx12.params
    import pyx12.segment

    logging.getLogger("pyx12").disabled = True  # it writes values into its words
    return pyx12.map_if.load_map_file(_MAPS[code, version], pyx12.params.params())


def known(one: TransactionSet, version: str) -> bool:
    return (one.code, version) in _MAPS


def open_set(one: TransactionSet, version: str) -> tuple[LoopedSet, tuple[Finding, ...]]:
    """The set with its loops, and what its guide finds wrong. For sets that are `known`."""
    walk = _Walk(one, version)
    places = [walk.step(segment.parts, number) for number, segment in enumerate((s for s in one.segments if s.id), 1)]
    return looped(one, places), tuple(walk.found[:_MOST_FAULTS]) + tuple(_hierarchy(one))


class _Walk:
    """One pass over a set along the nodes of its map."""

    def __init__(self, one: TransactionSet, version: str) -> None:
        from pyx12.map_walker import walk_tree

        self.found: list[Finding] = []
        self._separators = one.separators
        self._node = _map(one.code, version).getnodebypath(f"{_START}/GS")
        self._walker = walk_tree()
        self._walker.forceWalkCounterToLoopStart(_START, f"{_START}/GS")
        self._names: tuple[str, ...] = ()

    def step(self, parts: list[str], position: int) -> tuple[tuple[str, ...], bool]:
        """The loops around this segment, and whether it begins the innermost; a misplaced one stays where we are."""
        segment = self._segment(parts)
        node, _, _, wrong = self._walker.walk_errors(self._node, segment, position, position, None)
        self.found += [_segment_fault(error, parts[0], position) for error in wrong]
        if node is None:
            return self._names, False
        self._node = node
        _, faults = node.is_valid_errors(segment)
        self._names = tuple(name for name in node.get_path().split("/")[1:-1] if name not in _NOT_LOOPS)
        loop = self._names[-1] if self._names else ""
        self.found += [_element_fault(error, parts[0], position, loop) for error in faults]
        return self._names, bool(self._names) and node.is_first_seg_in_loop()

    def _segment(self, parts: list[str]) -> Any:
        import pyx12.segment

        own = self._separators
        text = own.element.join(parts)
        return pyx12.segment.Segment(text, own.segment[:1], own.element, own.component, own.repetition or "^")


def _segment_fault(error: Any, segment_id: str, position: int) -> Finding:
    """`error.err_str` and `err_val` may hold values: only the code and the place are taken."""
    named = error.map_node.id if error.err_cde == "3" and error.map_node is not None else segment_id
    text = _SEGMENT_WORDS.get(error.err_cde, "a fault")
    loop = _loop_of(error.map_node)
    return Finding(Level.SEGMENT, int(error.err_cde), named, position, text, segment_id=named, loop=loop)


def _loop_of(node: Any) -> str:
    names = [] if node is None else [n for n in node.get_path().split("/")[1:-1] if n not in _NOT_LOOPS]
    return names[-1] if names else ""


def _element_fault(error: Any, segment_id: str, position: int, loop: str) -> Finding:
    match = _PLACE.fullmatch(str(error.refdes or ""))
    element, component = (int(match[1]), int(match[2] or 0)) if match else (0, 0)
    number = getattr(error.map_node, "data_ele", None) or ""
    where = f"{segment_id}{element:02d}" + (f"-{component}" if component else "")
    return Finding(
        Level.ELEMENT, int(error.err_cde), where, position, _ELEMENT_WORDS.get(error.err_cde, "a fault"),
        segment_id=segment_id, element=element, component=component,
        element_reference=int(number) if number.isdigit() else 0, loop=loop,
    )  # fmt: skip


def _hierarchy(one: TransactionSet) -> Iterator[Finding]:
    for occurrence, position, element, text in hierarchy_faults(one):
        where = f"HL{element:02d}" + (f"[{occurrence}]" if occurrence > 1 else "")
        yield Finding(Level.ELEMENT, 7, where, position, text, segment_id="HL", element=element, loop="2000")
