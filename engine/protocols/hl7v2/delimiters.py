"""The separators that a message declares for itself in MSH-1 and MSH-2.

Source: HL7 v2.9 chapter 2, section 2.5.4 and MSH-2; the fifth character (truncation) exists from 2.7.
"""

from __future__ import annotations

from typing import NamedTuple

from engine.core.errors import StructureError

_CACHE_LIMIT = 64
_LONGEST_ENCODING = 5
_CACHE: dict[bytes, Delimiters] = {}


class Delimiters(NamedTuple):
    """One byte each; `b""` where the message declares none (a short MSH-2)."""

    field: bytes = b"|"
    component: bytes = b"^"
    repetition: bytes = b"~"
    escape: bytes = b"\\"
    subcomponent: bytes = b"&"
    truncation: bytes = b""

    @property
    def encoding_characters(self) -> bytes:
        """MSH-2 as it is written."""
        return self.component + self.repetition + self.escape + self.subcomponent + self.truncation

    @property
    def marks(self) -> tuple[bytes, bytes, bytes, bytes]:
        """Repetition, component, subcomponent and escape to look for; a missing one is CR, which no line holds."""
        return (
            self.repetition or b"\r",
            self.component or b"\r",
            self.subcomponent or b"\r",
            self.escape or b"\r",
        )


STANDARD = Delimiters()


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
        raise StructureError("the encoding characters must be four or five", where=f"{name}-2")
    if not _is_punctuation(encoding):
        raise StructureError("an encoding character is not printable ASCII punctuation", where=f"{name}-2")
    if len(set(declared)) != len(declared):
        raise StructureError("a separator is declared twice", where=f"{name}-2")
    return Delimiters(declared[:1], *(encoding[i : i + 1] for i in range(_LONGEST_ENCODING)))


def _is_punctuation(characters: bytes) -> bool:
    return all(0x21 <= c <= 0x7E and not chr(c).isalnum() for c in characters)
