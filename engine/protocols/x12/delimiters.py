"""The separators of an interchange, read from where its ISA puts them.

ISA is the one segment of fixed width (106 characters), so the separators stand at fixed places. Published files pad
it with other blanks, break it over lines or forget to pad at all; then the sixteenth element separator shows the way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.core.errors import FramingError

ISA_WIDTHS = (2, 10, 2, 10, 2, 15, 2, 15, 6, 4, 1, 5, 9, 1, 1, 1)
_PLACES = (3, 6, 17, 20, 31, 34, 50, 53, 69, 76, 81, 83, 89, 99, 101, 103)
_COMPONENT, _TERMINATOR = 104, 105
_SEARCH_LIMIT = 512  # an ISA that is not closed in this many characters is none
_NEARBY = 4096
_WHITE = " \t\r\n\ufeff\x00\x1a"
_FIRST_SEGMENTS = ("GS", "TA1", "IEA", "ISB", "ISE", "ST")
# 00402 turned ISA11 from the standards identifier `U` into the repetition separator. Source: X12.5.
FIRST_WITH_REPETITION = "00402"


@dataclass(frozen=True, slots=True)
class Separators:
    """`repetition` is empty where the version has none. `component` may be empty when ISA16 was left out."""

    element: str = "*"
    component: str = ">"
    segment: str = "~"
    repetition: str = ""

    @property
    def white(self) -> str:
        """The characters that may stand between segments without meaning."""
        used = self.element + self.component + self.segment + self.repetition
        return "".join(c for c in _WHITE if c not in used)


DEFAULT_SEPARATORS = Separators(repetition="^")


@dataclass(frozen=True, slots=True)
class Detected:
    """Separators, and whether ISA had its fixed widths and an ISA16."""

    separators: Separators
    regular: bool


def detect(text: str, start: int) -> Detected:
    """Read the separators of the interchange whose `ISA` stands at `start`.

    Raises:
        FramingError: no separators can be told; the place says which one.
    """
    element = text[start + 3 : start + 4]
    if not element or element.isalnum() or element in " \r\n":
        raise FramingError("the character after ISA is no element separator (TA105 026)", where="ISA")
    if _is_regular(text, start, element):
        component, segment, regular = text[start + _COMPONENT], text[start + _TERMINATOR], True
        parts = text[start : start + _COMPONENT].split(element)
        if not _is_separator(segment) and not _is_separator(component):
            raise _no_terminator()
    else:
        parts, regular = text[start : start + _SEARCH_LIMIT].split(element, 16), False
        if len(parts) < 17:
            raise FramingError("ISA has fewer than 16 elements (TA105 022)", where="ISA")
        component, segment = parts[16][:1], parts[16][1:2]
    component, segment, given = _close(text, start, element, component, segment)
    repetition = parts[11] if len(parts[11]) == 1 and not parts[11].isalnum() and parts[11] != " " else ""
    return Detected(Separators(element, component, segment, repetition), regular and given)


def _is_regular(text: str, start: int, element: str) -> bool:
    return len(text) > start + _TERMINATOR and all(text[start + place] == element for place in _PLACES)


def _is_separator(char: str) -> bool:
    return bool(char) and not char.isalnum() and char != " "


def _close(text: str, start: int, element: str, component: str, segment: str) -> tuple[str, str, bool]:
    """Settle ISA16 and the terminator; when ISA16 was left out the first character is the terminator."""
    if not _is_separator(component):
        raise FramingError("ISA16 holds no component separator (TA105 027)", where="ISA16")
    if _is_separator(segment) and segment != element:
        if not _left_out(text, start, element, component, segment):
            return component, segment, True
        return "", component, False
    # Does it end the segments that come next? Looked for nearby only: a file may hold many such headers.
    ends = re.compile(re.escape(component) + r"\s*(?:ST|SE|GE|IEA|TA1)" + re.escape(element))
    if component != element and ends.search(text, start, start + _NEARBY):
        return "", component, False
    raise _no_terminator()


def _left_out(text: str, start: int, element: str, component: str, segment: str) -> bool:
    """`ISA*…*P*~` and a line end: is the line end the terminator, or was ISA16 forgotten?"""
    if segment not in "\r\n":
        return False
    body = text[start : start + _NEARBY]
    first = re.search(r"\s*(?:" + "|".join(_FIRST_SEGMENTS) + ")" + re.escape(element), body[90:])
    if first is None:
        return False
    line = re.split(r"[\r\n]", body[90 + first.start() :].lstrip(), maxsplit=1)[0]
    return line.endswith(component)


def _no_terminator() -> FramingError:
    return FramingError("no segment terminator follows ISA16 (TA105 004)", where="ISA16")
