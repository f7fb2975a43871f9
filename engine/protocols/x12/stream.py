"""Segments of interchanges too large to hold: memory is bounded by one chunk and one segment."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator

from engine.core.errors import FramingError, SizeLimitError
from engine.protocols.x12.delimiters import Separators, detect
from engine.protocols.x12.segments import Segment

_BLANK = " \t\r\n\ufeff\x00\x1a"
_ENOUGH_FOR_ISA = 4096
LONGEST_SEGMENT_CHARACTERS = 1 << 20  # a terminator that does not come within a mebi-character never will


class SegmentStream:
    """Feed bytes, get segments. A new ISA brings its own separators; positions restart at 1 with it."""

    def __init__(self, charset: str = "latin-1") -> None:
        self._decoder = codecs.getincrementaldecoder(charset)()
        self._separators: Separators | None = None
        self._rest = ""
        self._position = 0

    def feed(self, chunk: bytes, *, last: bool = False) -> Iterator[Segment]:
        """The segments that are complete now.

        Raises:
            FramingError: an interchange does not begin with an ISA whose separators can be told.
            SizeLimitError: a segment is longer than a mebi-character.
        """
        self._rest += self._decoder.decode(chunk, last)
        while self._ready(last):
            yield from self._complete()
            if self._separators is not None:
                break
        if last and self._separators is not None and self._rest.strip(self._separators.white):
            yield self._numbered(self._rest)
        if len(self._rest) > LONGEST_SEGMENT_CHARACTERS:
            raise SizeLimitError("a segment is longer than 1,048,576 characters", where="ISA")

    def _ready(self, last: bool) -> bool:
        """Whether separators are known, after trying to find them."""
        if self._separators is not None:
            return True
        self._rest = self._rest.lstrip(_BLANK)
        if not self._rest or (len(self._rest) < _ENOUGH_FOR_ISA and not last and "IEA" not in self._rest):
            return False
        if not self._rest.startswith("ISA"):
            raise FramingError("an interchange does not begin with ISA", where="ISA")
        self._separators, self._position = detect(self._rest, 0).separators, 0
        return True

    def _complete(self) -> Iterator[Segment]:
        """Every terminated segment, up to IEA."""
        assert self._separators is not None
        pieces = self._rest.split(self._separators.segment)
        self._rest = pieces.pop()
        for index, piece in enumerate(pieces):
            segment = self._numbered(piece)
            yield segment
            if segment.id == "IEA":
                self._rest = self._separators.segment.join([*pieces[index + 1 :], self._rest])
                self._separators = None
                return

    def _numbered(self, piece: str) -> Segment:
        assert self._separators is not None
        self._position += 1
        body = piece.lstrip(self._separators.white)
        parts = body.split(self._separators.element)
        return Segment(parts[0].upper(), parts, self._position, piece[: len(piece) - len(body)])


def iterate_segments(chunks: Iterable[bytes], charset: str = "latin-1") -> Iterator[Segment]:
    """Segments of all interchanges in order; errors as `SegmentStream.feed`."""
    stream = SegmentStream(charset)
    for chunk in chunks:
        yield from stream.feed(chunk)
    yield from stream.feed(b"", last=True)
