"""Escape sequences: decoded on read, written on edit.

Source: HL7 v2.9 chapter 2, section 2.7. Formatting commands of FT text become line ends and spaces; highlighting
is dropped; a sequence that nobody defined, and a lone escape character, stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

from engine.core.errors import CharsetError, DataTypeError
from engine.protocols.hl7v2.delimiters import Delimiters

_LINE = re.compile(r"\.(?:br|ce)")
_SKIP_LINES = re.compile(r"\.sp\s*\+?(\d{1,3})?")
_SKIP_SPACES = re.compile(r"\.sk\s*\+?(\d{1,3})")
_LAYOUT = re.compile(r"\.(?:fi|nf|(?:in|ti)\s*[+-]?\d{1,3})")
_HEX = re.compile(r"X(?:[0-9A-Fa-f]{2})+")
_SWITCH = re.compile(r"C[0-9A-Fa-f]{4}|M[0-9A-Fa-f]{4}(?:[0-9A-Fa-f]{2})?")
_LOCAL = re.compile(r"Z\S*")

# What a \C or \M sequence switches to: its hexadecimal digits are an ISO 2022 designation without the ESC.
_DESIGNATIONS: dict[str, str] = {
    "C2842": "ascii",
    "C284A": "iso2022_jp",
    "C2949": "iso2022_jp_ext",
    "M2440": "iso2022_jp",
    "M2442": "iso2022_jp",
    "M242844": "iso2022_jp_1",
    "C2D41": "iso8859-1",
    "C2D42": "iso8859-2",
    "C2D43": "iso8859-3",
    "C2D44": "iso8859-4",
    "C2D46": "iso8859-7",
    "C2D47": "iso8859-6",
    "C2D48": "iso8859-8",
    "C2D4C": "iso8859-5",
    "C2D4D": "iso8859-9",
    "C2D62": "iso8859-15",
}


def unescape(text: str, delimiters: Delimiters, decode: Callable[[bytes], str]) -> str:
    """Replace the escape sequences of one element.

    Args:
        decode: reads the bytes of a `\\X..\\` sequence in the message's character set; raises CharsetError.

    Raises:
        CharsetError: hexadecimal data or switched text that its character set does not have.
    """
    mark = delimiters.escape.decode("ascii")
    parts = iter(text.split(mark))
    return next(parts) + "".join(_pieces(parts, mark, delimiters, decode))


def _pieces(parts: Iterator[str], mark: str, delimiters: Delimiters, decode: Callable[[bytes], str]) -> Iterator[str]:
    switched = ""
    sequence = next(parts, None)
    while sequence is not None:
        after = next(parts, None)
        if after is None:  # the last escape character has no partner: it is text
            yield mark + sequence
            return
        meaning = _meaning(sequence, mark, delimiters, decode)
        if _SWITCH.fullmatch(sequence):
            switched, meaning = sequence.upper(), ""
        if meaning is None:
            yield mark + sequence
            sequence = after
            continue
        yield meaning + _in_switched_set(after, switched)
        sequence = next(parts, None)


def _meaning(sequence: str, mark: str, delimiters: Delimiters, decode: Callable[[bytes], str]) -> str | None:
    """The text that a sequence stands for, or None for what is not a sequence."""
    known = _names(delimiters).get(sequence)
    if known is not None:
        return known
    if _HEX.fullmatch(sequence):
        return decode(bytes.fromhex(sequence[1:]))
    if _LOCAL.fullmatch(sequence):
        return mark + sequence + mark
    return _formatting(sequence)


def _formatting(sequence: str) -> str | None:
    if _LINE.fullmatch(sequence):
        return "\n"
    if skip := _SKIP_LINES.fullmatch(sequence):
        return "\n" * int(skip[1] or 1)
    if skip := _SKIP_SPACES.fullmatch(sequence):
        return " " * int(skip[1])
    return "" if _LAYOUT.fullmatch(sequence) else None


def _in_switched_set(text: str, designation: str) -> str:
    """Text after a `\\C` or `\\M` sequence, up to the next sequence.

    Raises:
        CharsetError: a set that is not supported, or bytes that it does not have.
    """
    if not designation or not text:
        return text
    codec = _DESIGNATIONS.get(designation)
    if codec is None:
        raise CharsetError("an escape sequence switches to a character set that is not supported")
    try:
        if codec == "ascii":
            return text
        if codec.startswith("iso8859"):
            return text.encode("latin-1").decode(codec)
        return (b"\x1b" + bytes.fromhex(designation[1:]) + text.encode("ascii")).decode(codec)
    except UnicodeError:
        raise CharsetError(f"the text after an escape sequence is not {codec}") from None


def escape(text: str, delimiters: Delimiters, where: str | None = None) -> str:
    """Write text so that no separator, line end or frame byte of it can be mistaken for structure.

    A line feed becomes `\\.br\\`, which reads back as a line feed; other control characters become `\\Xhh\\`.

    Raises:
        DataTypeError: the message declares no escape character and the text needs one.
    """
    if text.isalnum():
        return text
    special, table = _writer(delimiters)
    if not special.search(text):
        return text
    if not delimiters.escape:
        raise DataTypeError("the text needs an escape character and MSH-2 declares none", where=where)
    return special.sub(lambda found: table[found[0]], text)


@lru_cache(maxsize=64)
def _names(delimiters: Delimiters) -> dict[str, str]:
    named = (
        ("F", delimiters.field),
        ("S", delimiters.component),
        ("R", delimiters.repetition),
        ("E", delimiters.escape),
        ("T", delimiters.subcomponent),
        ("P", delimiters.truncation),
    )
    return {name: byte.decode("ascii") for name, byte in named if byte} | {"H": "", "N": ""}


@lru_cache(maxsize=64)
def _writer(delimiters: Delimiters) -> tuple[re.Pattern[str], dict[str, str]]:
    mark = delimiters.escape.decode("ascii")
    table = {chr(control): f"{mark}X{control:02X}{mark}" for control in range(0x20)} | {"\n": f"{mark}.br{mark}"}
    table |= {byte: f"{mark}{name}{mark}" for name, byte in _names(delimiters).items() if byte}
    return re.compile("[" + "".join(map(re.escape, table)) + "]"), table
