"""Bytes to interchanges, groups and sets, nothing lost: `encode(read(data)) == data` for every input it takes.

Liberal: line ends after terminators, indentation, byte order marks, several interchanges with different separators,
empty segments, missing trailers. Each deviation is a finding with its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.core.errors import FramingError
from engine.protocols.x12.delimiters import Separators, detect
from engine.protocols.x12.envelope import check_interchange
from engine.protocols.x12.findings import NOT_UTF_8, TEXT_OUTSIDE, Finding, remark
from engine.protocols.x12.segments import EnvelopePolicy, File, Interchange, Segment
from engine.protocols.x12.structure import build_groups

_ISA = re.compile(r"(?<![A-Za-z0-9])ISA(?![A-Za-z0-9])")
_BLANK = " \t\r\n\ufeff\x00\x1a"


def read(data: bytes, policy: EnvelopePolicy = EnvelopePolicy.STRICT, charset: str | None = None) -> File:
    """Read every interchange of a file. Findings say what is wrong; the policy decides what they mean.

    Args:
        charset: of the data; by default UTF-8 where the bytes are that, else Latin-1 (which takes any byte).

    Raises:
        FramingError: no interchange can be told from the bytes, or the separators of one cannot.
    """
    text, charset = _decode(data, charset)
    found: list[Interchange] = []
    at, starts = 0, _ISA.search(text)
    if starts is None:
        raise FramingError("there is no ISA in the file", where="ISA")
    while starts is not None:
        interchange, end = _read_interchange(text, at, starts.start())
        found.append(interchange)
        at, starts = end, _ISA.search(text, end)
    return File(tuple(found), text[at:], charset, policy, tuple(_remarks(text[at:], charset)))


def encode(file: File) -> bytes:
    """The bytes of a file, from its parts."""
    chunks = []
    for one in file.interchanges:
        chunks.append(one.lead)
        element, terminator = one.separators.element, one.separators.segment
        chunks += [f"{s.lead}{element.join(s.parts)}{terminator}" for s in one.segments]
        if one.unterminated:
            chunks[-1] = chunks[-1][: -len(terminator)]
    return ("".join(chunks) + file.tail).encode(file.charset)


def _decode(data: bytes, charset: str | None) -> tuple[str, str]:
    if charset is not None:
        try:
            return data.decode(charset), charset
        except (UnicodeDecodeError, LookupError) as error:
            raise FramingError(f"the bytes are not {charset}", where="ISA") from error
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return data.decode("latin-1"), "latin-1"


def _read_interchange(text: str, begin: int, start: int) -> tuple[Interchange, int]:
    """The interchange whose ISA stands at `start`, and where it ends; `begin` is where its lead begins."""
    detected = detect(text, start)
    separators = detected.separators
    end = _end(text, start, separators)
    segments = split_segments(text[start:end], separators)
    unterminated = text[end - 1] != separators.segment
    groups, acknowledgements, trailer, stray = build_groups(segments, separators)
    interchange = Interchange(
        separators, tuple(segments), groups, acknowledgements, trailer, text[begin:start], unterminated
    )
    return check_interchange(interchange, stray, detected.regular), end


def _end(text: str, start: int, separators: Separators) -> int:
    """One past the terminator of IEA; without IEA, where the next ISA starts or the file ends."""
    element, terminator = re.escape(separators.element), re.escape(separators.segment)
    blanks = f"[{re.escape(separators.white)}]*"
    trailer = re.compile(f"{terminator}{blanks}(?:(IEA){element}|(?=ISA[^A-Za-z0-9]))", re.IGNORECASE)
    match = trailer.search(text, start)
    if match and match[1] is None:
        return match.start() + 1
    closed = text.find(separators.segment, match.end()) if match else -1
    if closed >= 0:
        return closed + 1
    following = _ISA.search(text, match.end()) if match else None
    return len(text[: following.start() if following else len(text)].rstrip(separators.white))


def split_segments(text: str, separators: Separators) -> list[Segment]:
    """Segments of one interchange. The last one may lack its terminator."""
    element, white = separators.element, separators.white
    pieces = text.split(separators.segment)
    if not pieces[-1]:
        pieces.pop()
    segments, make = [], Segment._make
    for position, piece in enumerate(pieces, 1):
        body = piece.lstrip(white)
        parts = body.split(element)
        lead = piece[: len(piece) - len(body)] if body is not piece else ""
        segments.append(make((parts[0].upper(), parts, position, lead)))
    return segments


def _remarks(tail: str, charset: str) -> Iterator[Finding]:
    if tail.strip(_BLANK):
        yield remark(TEXT_OUTSIDE, "IEA", 0, "text follows the last interchange")
    if charset == "latin-1":
        yield remark(NOT_UTF_8, "ISA", 0, "the bytes are not UTF-8 and were read as Latin-1")
