"""A received body for reading: HL7 and X12 by segments with named places, JSON indented, anything else as text.

This view never fails: a body that is not what it seems is shown as it came.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

SEGMENT_LIMIT, TEXT_LIMIT = 1000, 400_000
_ISA_LENGTH = 106


class Field(msgspec.Struct, frozen=True):
    """`place` as the standard writes it: `PID-3`, `BEG03`. `before` is the separator in front."""

    before: str
    text: str
    place: str


class Segment(msgspec.Struct, frozen=True):
    """`number` counts segments of the message from 1."""

    number: int
    name: str
    fields: Sequence[Field]


class BodyView(msgspec.Struct, frozen=True):
    """Either `segments` or `text`. `cut` tells that there is more than is shown."""

    format: str
    segments: Sequence[Segment] = ()
    text: str = ""
    cut: bool = False


def view_body(body: bytes) -> BodyView:
    text = decode(body)[0]
    if text is None:
        return BodyView("binary", text=_hex(body[:4096]), cut=len(body) > 4096)
    start = text.lstrip("\ufeff\r\n\t ")
    if start.startswith(("MSH", "FHS", "BHS")) and len(start) > 8:
        return _segments("HL7 v2", _hl7_segments(start), cut=False)
    if start.startswith("ISA") and len(start) >= _ISA_LENGTH:
        return _segments("X12", _x12_segments(start), cut=False)
    if start[:1] in {"{", "["}:
        return _json(text)
    return BodyView("text", text=text[:TEXT_LIMIT], cut=len(text) > TEXT_LIMIT)


def decode(body: bytes) -> tuple[str | None, str]:
    """Text that encodes back to exactly these bytes, and the charset; None for binary bodies."""
    if b"\0" in body:
        return None, "binary"
    try:
        return body.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return body.decode("latin-1"), "latin-1"


def _segments(format_name: str, segments: list[Segment], *, cut: bool) -> BodyView:
    cut = cut or len(segments) > SEGMENT_LIMIT
    return BodyView(format_name, segments=segments[:SEGMENT_LIMIT], cut=cut)


def _hl7_segments(text: str) -> list[Segment]:
    separator = text[3]
    lines = [line for line in text.replace("\n", "\r").split("\r") if line.strip("\x1c\x0b ")]
    return [_hl7_segment(number, line, separator) for number, line in enumerate(lines, 1)]


def _hl7_segment(number: int, line: str, separator: str) -> Segment:
    name, *fields = line.split(separator)
    first = 2 if name in {"MSH", "FHS", "BHS"} else 1  # MSH-1 is the separator itself
    return Segment(number, name, [Field(separator, f, f"{name}-{i}") for i, f in enumerate(fields, first)])


def _x12_segments(text: str) -> list[Segment]:
    separator, terminator = text[3], text[_ISA_LENGTH - 1]
    lines = [line for part in text.split(terminator) if (line := part.strip("\r\n"))]
    return [_x12_segment(number, line, separator) for number, line in enumerate(lines, 1)]


def _x12_segment(number: int, line: str, separator: str) -> Segment:
    name, *fields = line.split(separator)
    return Segment(number, name, [Field(separator, f, f"{name}{i:02d}") for i, f in enumerate(fields, 1)])


def _json(text: str) -> BodyView:
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError):
        return BodyView("text", text=text[:TEXT_LIMIT], cut=len(text) > TEXT_LIMIT)
    # indented as text: a number keeps the digits that came
    pretty = msgspec.json.format(text, indent=2)
    return BodyView("JSON", text=pretty[:TEXT_LIMIT], cut=len(pretty) > TEXT_LIMIT)


def _hex(body: bytes) -> str:
    rows = (body[i : i + 16] for i in range(0, len(body), 16))
    return "\n".join(f"{i * 16:06x}  {row.hex(' ')}" for i, row in enumerate(rows))
