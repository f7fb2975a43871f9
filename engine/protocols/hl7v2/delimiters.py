"""The separators that a message declares for itself in MSH-1 and MSH-2.

Source: HL7 v2.9 chapter 2, section 2.5.4 and MSH-2; the fifth character (truncation) exists from 2.7.
"""

from __future__ import annotations

import dataclasses

from engine.core.errors import StructureError

_CACHE_LIMIT = 64
_LONGEST_ENCODING = 5


@dataclasses.dataclass(frozen=True, slots=True)
class Delimiters:
    """One byte each; `b""` where the message declares none (a short MSH-2).

    `marks` are repetition, component, subcomponent and escape to look for: a missing one is CR, which no line holds.
    """

    field: bytes = b"|"
    component: bytes = b"^"
    repetition: bytes = b"~"
    escape: bytes = b"\\"
    subcomponent: bytes = b"&"
    truncation: bytes = b""
    marks: tuple[bytes, bytes, bytes, bytes] = dataclasses.field(init=False, compare=False, repr=False)
    _hash: int = dataclasses.field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        wanted = (self.repetition, self.component, self.subcomponent, self.escape)
        first, second, third, fourth = (mark or b"\r" for mark in wanted)
        object.__setattr__(self, "marks", (first, second, third, fourth))
        object.__setattr__(self, "_hash", hash((self.field, self.encoding_characters)))

    def __hash__(self) -> int:  # computed once: it is a key of caches on the hot path
        return self._hash

    @property
    def encoding_characters(self) -> bytes:
        """MSH-2 as it is written."""
        return self.component + self.repetition + self.escape + self.subcomponent + self.truncation


STANDARD = Delimiters()
_CACHE: dict[bytes, Delimiters] = {STANDARD.field + STANDARD.encoding_characters: STANDARD}


def read_delimiters(line: bytes) -> Delimiters:
    """The separators of a header segment (MSH, FHS, BHS).

    Raises:
        StructureError: at `MSH-1` or `MSH-2`: missing, repeated, or not printable punctuation.
    """
    separator = line[3:4]
    end = line.find(separator, 4) if separator else -1
    declared = line[3:end] if end > 0 else line[3:]
    known = _CACHE.get(declared)
    if known is None:
        known = _check(declared, line[:3].decode("ascii", "backslashreplace"))
        if len(_CACHE) < _CACHE_LIMIT:
            _CACHE[declared] = known
    return known


def _check(declared: bytes, name: str) -> Delimiters:
    if not declared:
        raise StructureError("the field separator is missing", where=f"{name}-1")
    encoding = declared[1:]
    if not _is_punctuation(declared[:1]):
        raise StructureError("the field separator is not printable ASCII punctuation", where=f"{name}-1")
    if not 1 <= len(encoding) <= _LONGEST_ENCODING:
        raise StructureError("not encoding characters: four, or five from 2.7", where=f"{name}-2")
    if not _is_punctuation(encoding):
        raise StructureError("an encoding character is not printable ASCII punctuation", where=f"{name}-2")
    if len(set(declared)) != len(declared):
        raise StructureError("a separator is declared twice", where=f"{name}-2")
    return Delimiters(declared[:1], *(encoding[i : i + 1] for i in range(_LONGEST_ENCODING)))


def _is_punctuation(characters: bytes) -> bool:
    return all(0x21 <= c <= 0x7E and not chr(c).isalnum() for c in characters)
