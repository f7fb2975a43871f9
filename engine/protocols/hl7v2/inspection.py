"""What was tolerated in a message, found on request: reading does not pay for it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.protocols.hl7v2.findings import Finding, FindingCode
from engine.protocols.hl7v2.lines import Layout, Row
from engine.protocols.hl7v2.path import is_segment_name

_USUAL_ENCODING_CHARACTERS = 4
_NEWLINES = {b"\n": FindingCode.LINE_FEED, b"\r\n": FindingCode.CARRIAGE_RETURN_LINE_FEED}
_BLANK = re.compile(rb"[ \t\r\n\0]*")


def inspect(layout: Layout) -> tuple[Finding, ...]:
    """Findings in the order of the message."""
    return (*_of_start(layout), *_of_ends(layout), *_of_rows(layout))


def _of_start(layout: Layout) -> Iterator[Finding]:
    if layout.prefix and _BLANK.fullmatch(layout.prefix):
        yield Finding(FindingCode.LEADING_BYTES, "MSH", "blank bytes before the header")
    elif layout.prefix:
        yield Finding(FindingCode.BYTE_ORDER_MARK, "MSH", "a byte order mark before the header")
    if len(layout.delimiters.encoding_characters) < _USUAL_ENCODING_CHARACTERS:
        yield Finding(FindingCode.ENCODING_CHARACTERS, "MSH-2", "fewer than four encoding characters")
    charset = layout.codec or layout.charset
    if not charset.listed:
        yield Finding(FindingCode.CHARSET_NAME, "MSH-18", "the character set's name is not of table 0211")


def _of_ends(layout: Layout) -> Iterator[Finding]:
    kinds = {end.replace(b"\0", b"") for end in layout.ends or ()} - {b""}
    if len(kinds) > 1:
        yield Finding(FindingCode.MIXED_LINE_ENDS, "MSH", "segments end in different ways; the standard says CR")
    elif kinds and (code := _NEWLINES.get(next(iter(kinds)))):
        words = "LF" if code is FindingCode.LINE_FEED else "CR LF"
        yield Finding(code, "MSH", f"segments end with {words}; the standard says CR")


def _of_rows(layout: Layout) -> Iterator[Finding]:
    last = len(layout.rows)
    while last and not layout.rows[last - 1]:
        last -= 1
    for number, row in enumerate(layout.rows[:last], 1):
        if not row:
            yield Finding(FindingCode.EMPTY_LINE, f"segment {number}", "an empty line between segments")
        elif not is_segment_name(_name(row, layout)):
            yield Finding(FindingCode.SEGMENT_NAME, f"segment {number}", "not a segment name of three capitals")


def _name(row: Row, layout: Layout) -> str:
    name = row.partition(layout.delimiters.field)[0] if isinstance(row, bytes) else row[0]
    return name.decode("ascii", "replace")
