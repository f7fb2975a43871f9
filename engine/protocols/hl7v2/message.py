"""A lossless, lazy view of one HL7 v2 message.

The received bytes are kept as they came. A segment is split when it is first read, an element is decoded when it
is read, and an edit rewrites its own segment only: `bytes(Hl7Message.parse(body)) == body`, always.
"""

from __future__ import annotations

import datetime as dt

from engine.core.errors import CharsetError, DataTypeError, FieldError, RequiredFieldError, StructureError
from engine.protocols.hl7v2 import elements
from engine.protocols.hl7v2.escapes import escape
from engine.protocols.hl7v2.heading import Heading
from engine.protocols.hl7v2.lines import join_lines, lay_out
from engine.protocols.hl7v2.path import HEADERS, Element, Path, compile_path, is_segment_name
from engine.protocols.hl7v2.reading import NULL
from engine.protocols.hl7v2.segment import Segment

_NOTATION = frozenset({1, 2, 18})  # fields of MSH that say how the rest is written


class Hl7Message(Heading):
    """One message; make it with `Hl7Message.parse`."""

    __slots__ = ()

    @classmethod
    def parse(cls, body: bytes, charset: str | None = None, zone: dt.tzinfo | None = None) -> Hl7Message:
        """Take a message without its MLLP frame.

        Args:
            charset: the channel's word against MSH-18: an HL7 name (`8859/1`) or a common one (`utf-8`).
            zone: the channel's zone for times that carry none.

        Raises:
            StructureError: it does not begin with MSH, or declares impossible separators.
            CharsetError: an unknown character set, at `MSH-18`.
        """
        return cls(body, lay_out(body, charset), zone)

    def encode(self) -> bytes:
        """The received bytes when nothing was edited; else untouched segments byte for byte beside edited ones."""
        return join_lines(self.layout) if self._edited else self._body

    def __bytes__(self) -> bytes:
        return self.encode()

    def __repr__(self) -> str:
        return f"<Hl7Message of {len(self.layout.rows)} lines>"

    def copy(self) -> Hl7Message:
        """An independent message: edits of one do not show in the other."""
        twin = Hl7Message(self._body, self.layout.copy(), self._zone)
        twin._edited = self._edited
        return twin

    # ------------------------------------------------------------------ editing
    def set(self, place: str, value: str | None) -> None:
        """Write a value; separators in it are escaped. None empties the element.

        `PID-5` replaces the whole field, `PID-5[2]` one repetition, `PID-5.1` one component of the first.

        Raises:
            RequiredFieldError: the segment is absent.
            FieldError: MSH-1, MSH-2 and MSH-18 say how the rest is written and are not edited.
            CharsetError: the character set lacks a character of the value.
            DataTypeError: the value needs an escape character and the message declares none.
        """
        path = compile_path(place)
        self.write(self._existing(path), path.element, "" if value is None else value)

    def set_null(self, place: str) -> None:
        """Write the HL7 null: the receiver is to delete what it has."""
        path = compile_path(place)
        self.write(self._existing(path), path.element, NULL)

    def append_segment(self, name: str, *values: str | None) -> Segment:
        """Add a segment at the end; values are its fields from 1, escaped. Returns it for further edits."""
        rows = self.layout.rows
        index = len(rows)
        while index > 1 and not rows[index - 1]:
            index -= 1
        return self._insert(index, name, values)

    def insert_after(self, segment: Segment, name: str, *values: str | None) -> Segment:
        """Add a segment behind another. Raises StructureError when that one is not in the message."""
        return self._insert(self._index(segment) + 1, name, values)

    def delete_segment(self, segment: Segment) -> None:
        """Raises StructureError for MSH and for a segment that is not in the message."""
        index = self._index(segment)
        if index == 0:
            raise StructureError("the header cannot be deleted", where="MSH")
        del self.layout.rows[index]
        if self.layout.ends is not None:
            del self.layout.ends[min(index, len(self.layout.ends) - 1)]
        self._restructured()

    def write(self, fields: list[bytes], element: Element, value: str) -> None:
        """Write into the fields of one of this message's segments; `set` is the way to it."""
        if element[0] in _NOTATION and fields[0] == b"MSH":
            raise FieldError("the message's own notation is not edited", where=f"MSH-{element}")
        elements.replace(fields, element, self._encoded(value, fields[0], element), self.delimiters)
        self._edited = True

    # ------------------------------------------------------------------ inside
    def _encoded(self, value: str, name: bytes, element: Element) -> bytes:
        try:
            text = escape(value, self.delimiters)
            if text.isascii():
                return text.encode()
            if self.layout.codec is not None:
                self.layout.codec.encode(text)  # refuse now, at its place, what could not be written later
            return self.layout.charset.encode(text)
        except (CharsetError, DataTypeError) as error:
            where = f"{name.decode('ascii', 'backslashreplace')}-{element}"
            raise type(error)(error.what, where=where, remedy=error.remedy) from None

    def _existing(self, path: Path) -> list[bytes]:
        fields = self._fields(path)
        if not isinstance(fields, list):
            raise RequiredFieldError("the segment is absent", where=path.key, remedy="append the segment first")
        return fields

    def _insert(self, index: int, name: str, values: tuple[str | None, ...]) -> Segment:
        if not is_segment_name(name) or name in HEADERS:
            raise FieldError("a segment's name has three capital letters or digits", where=name)
        own_name = name.encode("ascii")
        encoded = [self._encoded(value or "", own_name, Element(number)) for number, value in enumerate(values, 1)]
        fields = [own_name, *encoded]
        self.layout.rows.insert(index, fields)
        if self.layout.ends is not None:
            self._insert_end(index)
        self._restructured()
        return Segment(self, fields)

    def _insert_end(self, index: int) -> None:
        ends = self.layout.ends or []
        usual = ends[0] if ends else "\r".encode(self.charset.codec)
        ends.insert(index - 1, usual)

    def _index(self, segment: Segment) -> int:
        for index, row in enumerate(self.layout.rows):
            if isinstance(row, list) and segment.is_at(row):
                return index
        raise StructureError("the segment is not in this message", where=segment.name)

    def _restructured(self) -> None:
        self._edited = True
        self._names = None
        self._hot.clear()
