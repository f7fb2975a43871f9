"""Reading a message by place and by segment, without changing it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, cast

from engine.core.errors import CharsetError, FieldError
from engine.protocols.hl7v2 import elements
from engine.protocols.hl7v2.charsets import Charset
from engine.protocols.hl7v2.datatypes import read_timestamp
from engine.protocols.hl7v2.delimiters import Delimiters
from engine.protocols.hl7v2.elements import State
from engine.protocols.hl7v2.findings import Finding
from engine.protocols.hl7v2.inspection import inspect
from engine.protocols.hl7v2.lines import Layout, Row, join_fields, split_fields
from engine.protocols.hl7v2.path import COMPILED, Element, Path, compile_path
from engine.protocols.hl7v2.reading import Reading
from engine.protocols.hl7v2.segment import Group, Segment

if TYPE_CHECKING:
    from engine.protocols.hl7v2.message import Hl7Message

_ABSENT: tuple[bytes, ...] = ()


class MessageView(Reading[str]):
    """Values of a message by place: `PID-3.1`, `PID-3[2].4.2`, `RQD[2]-5`; what is left out means the first."""

    __slots__ = ("_body", "_edited", "_hot", "_marks", "_names", "_zone", "delimiters", "layout")

    def __init__(self, body: bytes, layout: Layout, zone: dt.tzinfo | None) -> None:
        self._body = body
        self._edited = False
        self.layout = layout
        self._zone = zone
        self.delimiters: Delimiters = layout.delimiters
        self._marks = layout.delimiters.marks
        self._names: list[bytes] | None = None
        self._hot: dict[str, Sequence[bytes]] = {}

    def get(self, place: str) -> str | None:
        """The text with escapes decoded; None when absent or empty, `NULL` for the HL7 null.

        Raises:
            FieldError: not a place.
            CharsetError: bytes that the character set does not have.
        """
        path = COMPILED.get(place) or compile_path(place)
        fields = self._hot.get(path.key)
        if fields is None:
            fields = self._open(path)
        number = path.field
        if number >= len(fields):
            return None
        piece = fields[number]
        if not piece:
            return None
        if path.first and piece.isalnum():  # the frequent case: nothing to narrow, decode or unescape
            return piece.decode()
        return self._plain(piece, path) if path.plain else self._text(piece, path, path.element)

    def _plain(self, piece: bytes, path: Path) -> str | None:
        """A part of the first repetition: what `elements.text` does, the frequent cases first."""
        repetition, component, subcomponent, escape = self._marks
        wanted = path.component
        if wanted == 1:
            piece = piece.partition(component)[0].partition(repetition)[0]
        else:
            parts = piece.partition(repetition)[0].split(component, wanted)
            if wanted > len(parts):
                return None
            piece = parts[wanted - 1]
        wanted = path.subcomponent
        if wanted == 1:
            if piece.isalnum():
                return piece.decode()
            piece = piece.partition(subcomponent)[0]
        else:
            parts = piece.split(subcomponent, wanted)
            if wanted > len(parts):
                return None
            piece = parts[wanted - 1]
        if escape in piece or not piece.isascii():
            return self._decoded(piece, path, path.element)
        return piece.decode() or None

    def state(self, place: str) -> State:
        """Tell absent, empty, null (`""`) and valued apart, at the depth that the place has."""
        return elements.state(self._piece(compile_path(place)))

    def raw(self, place: str) -> bytes:
        """The bytes at this place, separators and escapes untouched; empty when there are none."""
        return self._piece(compile_path(place)) or b""

    def repetitions(self, place: str) -> tuple[str | None, ...]:
        """The element read in every repetition of its field: `repetitions("PID-3.1")`. Empty when absent."""
        path = compile_path(place)
        pieces = elements.split_repetitions(self._fields(path), path.field, self.delimiters)
        first = path.element._replace(repetition=0)
        return tuple(self._text(piece, path, first) for piece in pieces)

    def first(self, name: str) -> Segment | None:
        return next(self._named(name), None)

    def all(self, name: str) -> tuple[Segment, ...]:
        return tuple(self._named(name))

    @property
    def segments(self) -> tuple[Segment, ...]:
        """All segments in order; blank lines are left out."""
        return tuple(self._segment(index) for index, row in enumerate(self.layout.rows) if row)

    def groups(self, anchor: str, with_: tuple[str, ...] | None = None) -> tuple[Group, ...]:
        """Each `anchor` segment with those that follow it before the next one.

        Args:
            with_: only followers of these names; all of them when left out.
        """
        groups: list[tuple[Segment, list[Segment]]] = []
        for segment in self.segments:
            if segment.name == anchor:
                groups.append((segment, []))
            elif groups and (with_ is None or segment.name in with_):
                groups[-1][1].append(segment)
        return tuple(Group(first, tuple(followers)) for first, followers in groups)

    def where(self, place: str) -> str:
        return place

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was tolerated, each with its code and place."""
        return inspect(self.layout)

    @property
    def charset(self) -> Charset:
        """The character set of the bytes."""
        return self.layout.codec or self.layout.charset

    def place_of(self, fields: list[bytes]) -> str:
        """The place of a segment: `RQD[2]`, or `PID` where there is only one."""
        name = fields[0]
        same = [row for row in self.layout.rows if self._is_named(row, name)]
        text = name.decode("ascii", "backslashreplace")
        if len(same) <= 1:
            return text
        return next((f"{text}[{number}]" for number, row in enumerate(same, 1) if row is fields), text)

    def encode_fields(self, fields: list[bytes]) -> bytes:
        """A segment's bytes from its fields."""
        line = join_fields(fields, self.delimiters)
        codec = self.layout.codec
        return line if codec is None else codec.encode(line.decode())

    # ------------------------------------------------------------------ inside
    def _open(self, path: Path) -> Sequence[bytes]:
        index = self._find(path.name_bytes, path.occurrence)
        fields = _ABSENT if index is None else self._split(index)
        self._hot[path.key] = fields
        return fields

    def _find(self, name: bytes, occurrence: int) -> int | None:
        """The row of the n-th segment of a name."""
        separator, names = self.delimiters.field, self._names
        if names is None:
            names = [row[:4] if isinstance(row, bytes) else row[0] + separator for row in self.layout.rows]
            self._names = names
        start = name + separator
        if occurrence == 1 and start in names and name not in names:
            return names.index(start)
        same = [index for index, found in enumerate(names) if found in (start, name)]  # a bare name is a segment too
        return same[occurrence - 1] if occurrence <= len(same) else None

    def _is_named(self, row: Row, name: bytes) -> bool:
        if isinstance(row, bytes):
            return row == name or row.startswith(name + self.delimiters.field)
        return row[0] == name

    def _split(self, index: int) -> list[bytes]:
        row = self.layout.rows[index]
        if isinstance(row, bytes):
            row = self.layout.rows[index] = split_fields(row, self.delimiters)
        return row

    def _fields(self, path: Path) -> Sequence[bytes]:
        fields = self._hot.get(path.key)
        return self._open(path) if fields is None else fields

    def _segment(self, index: int) -> Segment:
        return Segment(cast("Hl7Message", self), self._split(index))

    def _named(self, name: str) -> Iterator[Segment]:
        wanted = name.encode("ascii", "backslashreplace")
        for index, row in enumerate(self.layout.rows):
            if self._is_named(row, wanted):
                yield self._segment(index)

    def _piece(self, path: Path) -> bytes | None:
        return elements.raw(self._fields(path), path.name, path.element, self.delimiters)

    def _text(self, field: bytes, path: Path, element: Element) -> str | None:
        piece = elements.part(field, path.name, element, self.delimiters)
        return self._decoded(piece, path, element) if piece else None

    def _decoded(self, piece: bytes, path: Path, element: Element) -> str:
        try:
            return elements.decode(piece, path.name, element, self.layout)
        except CharsetError as error:
            raise CharsetError(error.what, where=f"{path.key}-{element}", remedy=error.remedy) from None

    def _message_zone(self) -> dt.tzinfo | None:
        """MSH-7's offset holds for the whole message (HL7 v2.9, MSH-7); one that cannot be read says nothing."""
        try:
            return read_timestamp(self.get("MSH-7") or "").zone
        except FieldError:
            return None

    def _default_zone(self) -> dt.tzinfo | None:
        return self._zone
