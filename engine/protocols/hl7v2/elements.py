"""Inside a segment: find, decode and replace one element among repetitions, components and subcomponents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from engine.core.errors import DataTypeError
from engine.protocols.hl7v2.delimiters import Delimiters
from engine.protocols.hl7v2.escapes import unescape
from engine.protocols.hl7v2.lines import Layout
from engine.protocols.hl7v2.path import Element, is_verbatim

State = Literal["absent", "empty", "null", "valued"]
_NULL = b'""'


def narrow(piece: bytes, element: Element, delimiters: Delimiters, whole: bool = False) -> bytes | None:
    """The bytes of an element of a field, or None when the field does not reach that far.

    Args:
        whole: levels that the place leaves out are taken whole instead of their first part.
    """
    levels: tuple[tuple[bytes, int], ...] = (
        (delimiters.repetition, element.repetition),
        (delimiters.component, element.component),
        (delimiters.subcomponent, element.subcomponent),
    )
    if whole:
        depth = 3 if element.subcomponent else 2 if element.component else 1 if element.repetition else 0
        levels = levels[:depth]
    for separator, number in levels:
        wanted = number or 1
        if separator and separator in piece:
            parts = piece.split(separator, wanted)
            if wanted > len(parts):
                return None
            piece = parts[wanted - 1]
        elif wanted > 1:
            return None
    return piece


def part(field: bytes, name: str, element: Element, delimiters: Delimiters) -> bytes | None:
    """The bytes of an element; a header's separator fields are never split."""
    return field if is_verbatim(name, element) else narrow(field, element, delimiters)


def decode(piece: bytes, name: str, element: Element, layout: Layout) -> str:
    """The text of an element.

    Raises:
        CharsetError: without a place, which the caller knows.
    """
    value = piece.decode() if piece.isascii() else layout.charset.decode(piece)
    mark = layout.delimiters.escape
    if not mark or mark not in piece or is_verbatim(name, element):
        return value
    return unescape(value, layout.delimiters, (layout.codec or layout.charset).decode)


def raw(fields: Sequence[bytes], name: str, element: Element, delimiters: Delimiters) -> bytes | None:
    """The bytes as received at the depth of the place; None when absent."""
    if element.field >= len(fields):
        return None
    field = fields[element.field]
    return field if is_verbatim(name, element) else narrow(field, element, delimiters, whole=True)


def state(piece: bytes | None) -> State:
    if piece is None:
        return "absent"
    if not piece:
        return "empty"
    return "null" if piece == _NULL else "valued"


def split_repetitions(fields: Sequence[bytes], number: int, delimiters: Delimiters) -> list[bytes]:
    """Each repetition of a field; none when it is absent or empty."""
    if number >= len(fields) or not fields[number]:
        return []
    return fields[number].split(delimiters.repetition) if delimiters.repetition else [fields[number]]


def replace(fields: list[bytes], element: Element, value: bytes, delimiters: Delimiters) -> None:
    """Put an encoded value in place, adding the separators that are missing before it.

    Raises:
        DataTypeError: the message declares no separator for a part that would have to be added.
    """
    number, repetition, component, subcomponent = element
    if number >= len(fields):
        fields += [b""] * (number + 1 - len(fields))
    if not (repetition or component):
        fields[number] = value
        return
    mark = delimiters.repetition
    single = repetition <= 1 and (not mark or mark not in fields[number])
    old = fields[number] if single else _inner(fields[number], Element(number, repetition or 1), delimiters)
    if subcomponent:
        inner = _inner(old, Element(number, 1, component), delimiters)
        value = _part_replaced(inner, delimiters.subcomponent, subcomponent, value)
    if component:
        value = _part_replaced(old, delimiters.component, component, value)
    fields[number] = value if single else _part_replaced(fields[number], mark, repetition or 1, value)


def _inner(piece: bytes, element: Element, delimiters: Delimiters) -> bytes:
    return narrow(piece, element, delimiters, whole=True) or b""


def _part_replaced(piece: bytes, separator: bytes, number: int, value: bytes) -> bytes:
    """The number-th of the separated parts replaced. Raises DataTypeError when there is no separator to add one."""
    if separator and separator in piece:
        parts = piece.split(separator)
        if number > len(parts):
            parts += [b""] * (number - len(parts))
        parts[number - 1] = value
        return separator.join(parts)
    if number == 1:
        return value
    if not separator:
        raise DataTypeError("the message declares no separator for this part", where="MSH-2")
    return piece + separator * (number - 1) + value
