"""Escape sequences: decoded on read, written on edit.

Source: HL7 v2.9 chapter 2, section 2.7. Formatting commands of FT text become line ends and spaces; highlighting
is dropped; a sequence that nobody defined stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from engine.core.errors import CharsetError, DataTypeError
from engine.protocols.hl7v2.delimiters import Delimiters

_HIGHLIGHT = frozenset({"H", "N"})
_LINE = re.compile(r"\.(?:br|ce)")
_SKIP_LINES = re.compile(r"\.sp\s*\+?(\d{1,3})?")
_SKIP_SPACES = re.compile(r"\.sk\s*\+?(\d{1,3})")
_LAYOUT = re.compile(r"\.(?:fi|nf|(?:in|ti)\s*[+-]?\d{1,3})")
_HEX = re.compile(r"X(?:[0-9A-Fa-f]{2})+")
_SWITCH = re.compile(r"C[0-9A-Fa-f]{4}|M[0-9A-Fa-f]{4}(?:[0-9A-Fa-f]{2})?")
_CONTROLS = re.compile(r"[\x00-\x1f]")

# What follows a \C or \M sequence: the ISO 2022 designation without its ESC, and the codec that reads it.
_DESIGNATIONS: dict[str, str] = {
    "C2842": "ascii",
    "C284A": "iso2022_jp",
    "C2949": "iso2022_jp_ext",
    "M2440": "iso2022_jp",
    "M2442": "iso2022_jp",
    "M242844": "iso2022_jp_1",
    "M242943": "iso2022_kr",
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
    escape = delimiters.escape.decode("ascii")
    parts = text.split(escape)
    if len(parts) < 3:  # noqa: PLR2004 - a lone escape character is text
        return text
    out, switched, position = [parts[0]], "", 1
    while position < len(parts) - 1:
        meaning = _meaning(parts[position], delimiters, decode)
        if _SWITCH.fullmatch(parts[position]):
            switched = parts[position].upper()
            out.append(_in_switched_set(parts[position + 1], switched))
        elif meaning is None:
            out.append(escape + parts[position])
            position += 1
            continue
        else:
            out.append(meaning)
            out.append(_in_switched_set(parts[position + 1], switched))
        position += 2
    if position < len(parts):
        out.append(escape + parts[position])
    return "".join(out)


def _meaning(sequence: str, delimiters: Delimiters, decode: Callable[[bytes], str]) -> str | None:
    """The text that a sequence stands for, or None for one that is not defined."""
    separator = _separators(delimiters).get(sequence)
    if separator is not None:
        return separator
    if sequence in _HIGHLIGHT:
        return ""
    if _HEX.fullmatch(sequence):
        return decode(bytes.fromhex(sequence[1:]))
    return _formatting(sequence)


def _formatting(sequence: str) -> str | None:
    if not sequence.startswith("."):
        return None
    if _LINE.fullmatch(sequence):
        return "\n"
    if skip := _SKIP_LINES.fullmatch(sequence):
        return "\n" * int(skip[1] or 1)
    if skip := _SKIP_SPACES.fullmatch(sequence):
        return " " * int(skip[1])
    return "" if _LAYOUT.fullmatch(sequence) else None


def _separators(delimiters: Delimiters) -> dict[str, str]:
    known = _TABLES.get(delimiters)
    if known is None:
        named = zip("FSRETP", _characters(delimiters), strict=True)
        known = {name: character for name, character in named if character}
        if len(_TABLES) < _TABLES_LIMIT:
            _TABLES[delimiters] = known
    return known


_TABLES: dict[Delimiters, dict[str, str]] = {}
_TABLES_LIMIT = 64


def _characters(delimiters: Delimiters) -> tuple[str, ...]:
    return (delimiters.field + b"\0" + b"\0".join(_each(delimiters))).decode("ascii").split("\0", 5)[:6] and tuple(
        character.decode("ascii") for character in (delimiters.field, *_each(delimiters))
    )


def _each(delimiters: Delimiters) -> tuple[bytes, ...]:
    return (
        delimiters.component,
        delimiters.repetition,
        delimiters.escape,
        delimiters.subcomponent,
        delimiters.truncation,
    )


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
    if codec == "ascii":
        return text
    try:
        if codec.startswith("iso8859"):
            return text.encode("latin-1").decode(codec)
        return (b"\x1b" + bytes.fromhex(designation[1:]) + text.encode("ascii")).decode(codec)
    except UnicodeError:
        raise CharsetError(f"the text after an escape sequence is not {codec}") from None


def escape(text: str, delimiters: Delimiters, where: str) -> str:
    """Write text so that no separator, line end or frame byte of it can be mistaken for structure.

    A line feed becomes `\\.br\\`, which reads back as a line feed; other control characters become `\\Xhh\\`.

    Raises:
        DataTypeError: the message declares no escape character and the text needs one.
    """
    table = _escapes(delimiters)
    if text.isalnum() or not (table[1].search(text)):
        return text
    if not delimiters.escape:
        raise DataTypeError("the text needs an escape character and MSH-2 declares none", where=where)
    return table[1].sub(lambda found: table[0].get(found[0]) or _hex(found[0], delimiters), text)


def _hex(character: str, delimiters: Delimiters) -> str:
    mark = delimiters.escape.decode("ascii")
    return f"{mark}.br{mark}" if character == "\n" else f"{mark}X{ord(character):02X}{mark}"


def _escapes(delimiters: Delimiters) -> tuple[dict[str, str], re.Pattern[str]]:
    known = _WRITERS.get(delimiters)
    if known is None:
        mark = delimiters.escape.decode("ascii")
        table = {character: f"{mark}{name}{mark}" for name, character in _separators(delimiters).items()}
        known = (table, re.compile("[\\x00-\\x1f" + "".join(re.escape(c) for c in table) + "]"))
        if len(_WRITERS) < _TABLES_LIMIT:
            _WRITERS[delimiters] = known
    return known


_WRITERS: dict[Delimiters, tuple[dict[str, str], re.Pattern[str]]] = {}
