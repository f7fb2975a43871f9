"""Places as the standard writes them: `PID-3`, `PID-3.1`, `PID-3[2].4.2`, `RQD[2]-5`.

Numbers count from 1. What is left out means the first: the first segment of that name, the first repetition,
the first component, the first subcomponent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from engine.core.errors import FieldError

_CACHE_LIMIT = 20_000
COMPILED: dict[str, Path] = {}
_GRAMMAR = re.compile(
    r"(?P<name>[A-Z][A-Z0-9]{2})(?:\[(?P<occurrence>[1-9]\d{0,5})\])?"
    r"-(?P<field>[1-9]\d{0,3})(?:\[(?P<repetition>[1-9]\d{0,5})\])?"
    r"(?:\.(?P<component>[1-9]\d{0,3})(?:\.(?P<subcomponent>[1-9]\d{0,3}))?)?"
)
_INSIDE = re.compile(
    r"(?P<field>[1-9]\d{0,3})(?:\[(?P<repetition>[1-9]\d{0,5})\])?"
    r"(?:\.(?P<component>[1-9]\d{0,3})(?:\.(?P<subcomponent>[1-9]\d{0,3}))?)?"
)
_NAME = re.compile(r"[A-Z][A-Z0-9]{2}", re.ASCII)
HEADERS = frozenset({"MSH", "FHS", "BHS"})
_SEPARATOR_FIELDS = 2


class Element(NamedTuple):
    """A place inside a segment; 0 where the path left a part out, so that writing knows how deep it goes."""

    field: int
    repetition: int = 0
    component: int = 0
    subcomponent: int = 0

    def __str__(self) -> str:
        text = f"{self.field}[{self.repetition}]" if self.repetition else str(self.field)
        if self.component:
            text += f".{self.component}"
        return f"{text}.{self.subcomponent}" if self.subcomponent else text


@dataclass(frozen=True, slots=True)
class Path:
    """A compiled place. `key` names the segment (`PID`, `RQD[2]`); `component` and `subcomponent` count from 1.

    `first`: nothing but first parts. `plain`: the first repetition of a field that is read by its separators.
    """

    key: str
    field: int
    first: bool
    plain: bool
    component: int
    subcomponent: int
    name: str
    occurrence: int
    element: Element
    name_bytes: bytes


def compile_path(path: str) -> Path:
    """Raises FieldError with the grammar when the path is not of it."""
    known = COMPILED.get(path)
    if known is None:
        known = _compile(path)
        if len(COMPILED) < _CACHE_LIMIT:
            COMPILED[path] = known
    return known


def _compile(path: str) -> Path:
    match = _GRAMMAR.fullmatch(path)
    if match is None:
        raise FieldError(
            "this is not a place in an HL7 message",
            where=path,
            remedy="write SEG-3, SEG-3.1, SEG-3[2].4.2 or SEG[2]-5",
        )
    element, name, occurrence = _element(match), match["name"], int(match["occurrence"] or 1)
    key = name if occurrence == 1 else f"{name}[{occurrence}]"
    plain = element.repetition <= 1 and not is_verbatim(name, element)
    component, subcomponent = element.component or 1, element.subcomponent or 1
    first = plain and component == 1 and subcomponent == 1
    return Path(key, element.field, first, plain, component, subcomponent, name, occurrence, element, name.encode())


@lru_cache(maxsize=2000)
def compile_element(place: int | str | tuple[int, ...]) -> Element:
    """A place inside a segment: `5`, `"5.1"`, `"5[2].1"`, or `(field, component, subcomponent, repetition)`.

    Raises:
        FieldError: none of these.
    """
    if isinstance(place, tuple):
        return _from_numbers(place)
    match = _INSIDE.fullmatch(str(place))
    if match is None:
        raise FieldError(
            "this is not a place in an HL7 segment", where=str(place), remedy="write 5, '5.1', '5[2].1' or '5.1.2'"
        )
    return _element(match)


def _from_numbers(numbers: tuple[int, ...]) -> Element:
    longest = 4
    if not 1 <= len(numbers) <= longest or min(numbers) < 1:
        raise FieldError(
            "this is not a place in an HL7 segment",
            where=".".join(map(str, numbers)),
            remedy="write (field, component, subcomponent, repetition), each from 1",
        )
    field, component, subcomponent, repetition = (*numbers, *(0,) * (longest - len(numbers)))
    return Element(field, repetition, component, subcomponent)


def _element(match: re.Match[str]) -> Element:
    return Element(
        int(match["field"]),
        int(match["repetition"] or 0),
        int(match["component"] or 0),
        int(match["subcomponent"] or 0),
    )


def is_verbatim(name: str, element: Element) -> bool:
    """Field 1 and 2 of a header hold the separators themselves and are never split or unescaped."""
    return name in HEADERS and element.field <= _SEPARATOR_FIELDS


def is_segment_name(name: str) -> bool:
    """Three capitals or digits, the first a capital; Z segments included."""
    return _NAME.fullmatch(name) is not None
