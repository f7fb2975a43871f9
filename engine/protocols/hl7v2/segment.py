"""One segment of a message, read and edited by field number."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, NamedTuple

from engine.core.errors import CharsetError
from engine.protocols.hl7v2 import elements
from engine.protocols.hl7v2.elements import State
from engine.protocols.hl7v2.path import Element, compile_element
from engine.protocols.hl7v2.reading import NULL, Reading

if TYPE_CHECKING:
    from engine.protocols.hl7v2.message import Hl7Message

Place = int | str | tuple[int, ...]
"""A place inside a segment: `5`, `"5.1"`, `"5[2].1"`, or `(field, component, subcomponent, repetition)`."""


class Segment(Reading[Place]):
    """A segment in its message; it stays valid while others are added or deleted around it."""

    __slots__ = ("_fields", "_message", "name")

    def __init__(self, message: Hl7Message, fields: list[bytes]) -> None:
        self._message, self._fields = message, fields
        self.name = fields[0].decode("ascii", "backslashreplace")

    def get(self, place: Place) -> str | None:
        return self._read(compile_element(place))

    def state(self, place: Place) -> State:
        """Tell absent, empty, null (`""`) and valued apart, at the depth that the place has."""
        return elements.state(self._piece(compile_element(place)))

    def raw(self, place: Place) -> bytes:
        """The bytes at this place, separators and escapes untouched; empty when there are none."""
        return self._piece(compile_element(place)) or b""

    def repetitions(self, place: Place) -> tuple[str | None, ...]:
        """The element read in every repetition of its field. Empty when the field is absent or empty."""
        element = compile_element(place)
        pieces = elements.split_repetitions(self._fields, element.field, self._message.delimiters)
        first = element._replace(repetition=0)
        return tuple(self._text(piece, first) for piece in pieces)

    def set(self, place: Place, value: str | None) -> None:
        """Write a value, as `Hl7Message.set` does."""
        self._message.write(self._fields, compile_element(place), "" if value is None else value)

    def set_null(self, place: Place) -> None:
        """Write the HL7 null: the receiver is to delete what it has."""
        self._message.write(self._fields, compile_element(place), NULL)

    @property
    def place(self) -> str:
        """`RQD[2]`, or `PID` where the message has only one."""
        return self._message.place_of(self._fields)

    def where(self, place: Place) -> str:
        return f"{self.place}-{compile_element(place)}"

    def field_count(self) -> int:
        """The number of the last field that is there, empty or not."""
        return len(self._fields) - 1

    def __bytes__(self) -> bytes:
        """The segment as it is sent, without its line end."""
        return self._message.encode_fields(self._fields)

    def __repr__(self) -> str:
        return f"<Segment {self.name}>"

    def _read(self, element: Element) -> str | None:
        number, fields = element[0], self._fields
        if number >= len(fields) or not fields[number]:
            return None
        return self._text(fields[number], element)

    def _text(self, field: bytes, element: Element) -> str | None:
        piece = elements.part(field, self.name, element, self._message.delimiters)
        if not piece:
            return None
        try:
            return elements.decode(piece, self.name, element, self._message.layout)
        except CharsetError as error:
            raise CharsetError(error.what, where=f"{self.place}-{element}", remedy=error.remedy) from None

    def _piece(self, element: Element) -> bytes | None:
        return elements.raw(self._fields, self.name, element, self._message.delimiters)

    def _message_zone(self) -> dt.tzinfo | None:
        return self._message._message_zone()

    def _default_zone(self) -> dt.tzinfo | None:
        return self._message._default_zone()

    def is_at(self, fields: list[bytes]) -> bool:
        """Tell whether these are this segment's own fields."""
        return self._fields is fields


class Group(NamedTuple):
    """An anchor segment and the segments that belong to it."""

    anchor: Segment
    followers: tuple[Segment, ...]

    def first(self, name: str) -> Segment | None:
        return next((segment for segment in self.followers if segment.name == name), None)

    def all(self, name: str) -> tuple[Segment, ...]:
        return tuple(segment for segment in self.followers if segment.name == name)
