"""What an element may hold: type, lengths, codes; and what a segment's elements ask of one another."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from engine.protocols.x12.dates import is_date, is_time
from engine.protocols.x12.sets.elements import CODES, COMPOSITES, ELEMENTS_004010, LONGER_IN_005010
from engine.protocols.x12.sets.segments import CHANGED_IN_005010, SEGMENTS_004010, UNDESCRIBED

# AK403. Source: element 723.
MANDATORY_MISSING, CONDITIONAL_MISSING, TOO_MANY, TOO_SHORT, TOO_LONG = 1, 2, 3, 4, 5
INVALID_CHARACTER, INVALID_CODE, INVALID_DATE, INVALID_TIME, EXCLUDED = 6, 7, 8, 9, 10
TOO_MANY_REPETITIONS, TOO_MANY_COMPONENTS = 12, 13  # from 005010 on

_UNIT = "\x1f"
_LONG_DATE = 8
_SHAPES_KEPT = 1024  # a sender could otherwise fill the memory with shapes
_WHOLE = re.compile(r"-?([0-9]+)").fullmatch
_REAL = re.compile(r"-?([0-9]*(?:\.[0-9]*)?)(?:E-?[0-9]{1,2})?").fullmatch
_CODE = re.compile(r"[A-Z0-9 ]*").fullmatch  # no code of X12's own lists has anything else, small letters included
_OTHER_LISTS = frozenset((116,))  # postal codes: lists of others
_CONTROL = re.compile(r"[\x00-\x1f\x7f]").search


@dataclass(frozen=True, slots=True)
class ElementSpec:
    """`reference` is X12's number of the element, or 0 for a composite, whose `parts` are then given.

    `repeat` is how often its value may stand in the one element, parted by the repetition separator.
    """

    reference: int
    kind: str
    shortest: int
    longest: int
    mandatory: bool
    codes: frozenset[str] = frozenset()
    parts: tuple[ElementSpec, ...] = ()
    repeat: int = 1

    def fault(self, value: str) -> int:
        """The AK403 code for a value that is present; 0 when it is right."""
        kind = self.kind
        if kind == "AN":
            return INVALID_CHARACTER if _CONTROL(value) else self._length(len(value))
        if kind == "ID":
            wrong = self._length(len(value)) or (INVALID_CHARACTER if _CONTROL(value) else 0)
            known = value in self.codes if self.codes else _CODE(value) or self.reference in _OTHER_LISTS
            return wrong or (0 if known else INVALID_CODE)
        if kind == "DT":
            return self._length(len(value)) or (0 if is_date(value) else INVALID_DATE)
        if kind == "TM":
            return self._length(len(value)) or (0 if is_time(value) else INVALID_TIME)
        return self._number(value)

    def _number(self, value: str) -> int:
        """Lengths of numbers count digits only, neither sign nor point. Source: X12.6, 3.5.1."""
        match = _REAL(value) if self.kind == "R" else _WHOLE(value)
        digits = match[1].replace(".", "") if match else ""
        return self._length(len(digits)) if digits else INVALID_CHARACTER

    def _length(self, length: int) -> int:
        if length < self.shortest:
            return TOO_SHORT
        return TOO_LONG if length > self.longest else 0


@dataclass(frozen=True, slots=True)
class Condition:
    """A syntax note: its letter and the elements it names, from 1."""

    letter: str
    elements: tuple[int, ...]

    def broken_at(self, parts: list[str]) -> tuple[int, int] | None:
        """The element to blame and its AK403 code; None when the condition holds."""
        size = len(parts)
        present = [n for n in self.elements if n < size and parts[n]]
        if not present:
            return (self.elements[0], CONDITIONAL_MISSING) if self.letter == "R" else None
        if self.letter == "E":
            return (present[1], EXCLUDED) if len(present) > 1 else None
        if self.letter == "R" or len(present) == len(self.elements):
            return None
        return self._absent(present)

    def _absent(self, present: list[int]) -> tuple[int, int] | None:
        if self.letter == "P" or (self.letter == "C" and present[0] == self.elements[0]):
            return next(n for n in self.elements if n not in present), CONDITIONAL_MISSING
        if self.letter == "L" and present == [self.elements[0]]:
            return self.elements[1], CONDITIONAL_MISSING
        return None


@dataclass(frozen=True, slots=True)
class SegmentSpec:
    """`right` matches, fast, most segments that have no fault; whatever it does not match is looked at closely."""

    segment_id: str
    elements: tuple[ElementSpec, ...]
    conditions: tuple[Condition, ...]
    described: bool = True
    right: Callable[[str], object] = field(default=lambda _: True, repr=False, compare=False)
    _shapes: dict[tuple[bool, ...], bool] = field(default_factory=dict, repr=False, compare=False)

    def is_right(self, parts: list[str], repetition: str = "") -> bool:
        """True only when the segment has no fault; False when `faults` must be asked."""
        text = _UNIT.join(parts)
        if repetition and repetition in text:
            return False
        return self.right(text) is not None and self._shape_is_right(parts)

    def _shape_is_right(self, parts: list[str]) -> bool:
        """Whether the conditions hold: they ask for presence only, and few shapes occur."""
        if not self.conditions:
            return True
        shape = tuple(map(bool, parts))
        known = self._shapes.get(shape)
        if known is None:
            known = not any(condition.broken_at(parts) for condition in self.conditions)
            if len(self._shapes) < _SHAPES_KEPT:
                self._shapes[shape] = known
        return known

    def faults(self, parts: list[str], component: str, repetition: str = "") -> Iterator[tuple[int, int, int]]:
        """(element, component or 0, AK403 code) of everything wrong; empty for a right segment."""
        for number, spec in enumerate(self.elements, 1):
            value = parts[number] if number < len(parts) else ""
            if value:
                yield from _element_faults(number, spec, value, component, repetition)
            elif spec.mandatory:
                yield number, 0, MANDATORY_MISSING
        if len(parts) - 1 > len(self.elements) and any(parts[len(self.elements) + 1 :]):
            yield len(self.elements) + 1, 0, TOO_MANY
        for condition in self.conditions:
            if broken := condition.broken_at(parts):
                yield broken[0], 0, broken[1]


def _element_faults(
    number: int, spec: ElementSpec, text: str, component: str, repetition: str
) -> Iterator[tuple[int, int, int]]:
    """Faults of one element, each of its repeats looked at."""
    values = text.split(repetition) if repetition else [text]
    if len(values) > spec.repeat:
        yield number, 0, TOO_MANY_REPETITIONS
    for value in values[: spec.repeat]:
        if spec.parts:
            yield from _composite_faults(number, spec, value, component)
        elif value and (wrong := spec.fault(value)):
            yield number, 0, wrong


def _composite_faults(number: int, spec: ElementSpec, value: str, component: str) -> Iterator[tuple[int, int, int]]:
    values = value.split(component) if component else [value]
    for place, part in enumerate(spec.parts, 1):
        held = values[place - 1] if place <= len(values) else ""
        wrong = part.fault(held) if held else (MANDATORY_MISSING if part.mandatory else 0)
        if wrong:
            yield number, place, wrong
    if any(values[len(spec.parts) :]):
        yield number, 0, TOO_MANY_COMPONENTS


@lru_cache(maxsize=4)
def segment_specs(version: str) -> dict[str, SegmentSpec]:
    """Every known segment of a base version (`004010`, `005010`)."""
    elements = _element_table(version)
    texts = SEGMENTS_004010 | (CHANGED_IN_005010 if version >= "005010" else {})
    specs = {name: _segment(name, text, elements) for name, text in texts.items()}
    return specs | {name: SegmentSpec(name, (), (), False) for name in UNDESCRIBED if name not in specs}


def _element_table(version: str) -> dict[str, tuple[str, int, int]]:
    text = ELEMENTS_004010 + ("|" + LONGER_IN_005010 if version >= "005010" else "")
    rows = (row.split() for row in text.replace("\n", "|").split("|") if row.strip())
    return {reference: (kind, int(least), int(most)) for reference, kind, least, most in rows}


def _segment(name: str, text: str, table: dict[str, tuple[str, int, int]]) -> SegmentSpec:
    elements, _, conditions = text.partition(";")
    specs = tuple(_element(token, table) for token in elements.split())
    rules = tuple(_condition(token) for token in conditions.split())
    return SegmentSpec(name, specs, rules, right=re.compile(f"{name}{_right(specs)}").fullmatch)


def _right(specs: tuple[ElementSpec, ...]) -> str:
    """A pattern for the elements joined by 0x1F: it takes right segments only, not all of them."""
    pattern = ""
    last_mandatory = max((n for n, spec in enumerate(specs) if spec.mandatory), default=-1)
    for number in range(len(specs) - 1, -1, -1):
        spec = specs[number]
        element = _right_element(spec) if spec.mandatory else f"(?:{_right_element(spec)})?"
        tail = f"{_UNIT}{element}{pattern}"
        pattern = tail if number <= last_mandatory else f"(?:{tail})?"
    return pattern


def _right_element(spec: ElementSpec) -> str:
    least, most = spec.shortest, spec.longest
    if spec.repeat > 1:
        return "(?!)"  # so are repeats
    match spec.kind:
        case "":
            return "(?!)"  # composites are looked at closely
        case "DT":
            return r"(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|1[0-9]|2[0-8])" if most == _LONG_DATE else "(?!)"
        case "TM":
            return r"(?:[01][0-9]|2[0-3])[0-5][0-9]"
        case "R":
            return rf"(?=[0-9.]{{{least},{most}}}(?:{_UNIT}|$))[0-9]+(?:\.[0-9]*)?" if least == 1 else "(?!)"
        case "ID" if spec.codes:
            return "(?:" + "|".join(sorted(spec.codes)) + ")"
        case "ID" if spec.reference not in _OTHER_LISTS:
            return rf"[A-Z0-9 ]{{{least},{most}}}"
        case "AN" | "ID":
            return rf"[^\x00-\x1f\x7f]{{{least},{most}}}"
        case _:
            return rf"-?[0-9]{{{least},{most}}}"


def _element(token: str, table: dict[str, tuple[str, int, int]]) -> ElementSpec:
    token, _, times = token.partition("*")
    mandatory, reference, repeat = token.endswith("!"), token.rstrip("!"), int(times or 1)
    if reference in COMPOSITES:
        parts = tuple(_element(t, table) for t in COMPOSITES[reference].split())
        return ElementSpec(0, "", 0, 0, mandatory, parts=parts, repeat=repeat)
    kind, least, most = table[reference]
    number = int(reference) if reference.isdigit() else 0
    return ElementSpec(number, kind, least, most, mandatory, frozenset(CODES.get(reference, "").split()), repeat=repeat)


def _condition(token: str) -> Condition:
    return Condition(token[0], tuple(int(token[i : i + 2]) for i in range(1, len(token), 2)))
