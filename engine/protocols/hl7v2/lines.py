"""From received bytes to segment lines and back, byte for byte.

The normal case, carriage returns and a transparent character set, is one `split`. Everything else that is
tolerated (byte order mark, leading blank lines, line feeds, wide or shifting character sets) is told apart here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from engine.core.errors import StructureError
from engine.protocols.hl7v2.charsets import ASCII, DECLARED, UTF8, Charset, declared_charset, named_charset
from engine.protocols.hl7v2.delimiters import STANDARD, Delimiters, read_delimiters

Row = bytes | list[bytes]
"""A segment: untouched, or split into fields numbered as the standard does (a header's separator is field 1)."""

_STANDARD_START = b"MSH|^~\\&|"
_CHARSET_FIELD = 18
_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe\x00\x00", "utf-32-le"), (b"\x00\x00\xfe\xff", "utf-32-be"))
_WIDE_MARKS = ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_WIDE_STARTS = (
    (b"M\0S\0H\0", "utf-16-le"),
    (b"\0M\0S\0H", "utf-16-be"),
    (b"M\0\0\0S\0", "utf-32-le"),
    (b"\0\0\0M\0\0", "utf-32-be"),
)
_BLANK = b" \t\r\n"
_HEADERS = frozenset({b"MSH", b"FHS", b"BHS"})


@dataclass(slots=True)
class Layout:
    """How a message's bytes are laid out; the first row is the header, already split.

    Args:
        prefix: what stood before MSH: a byte order mark, blank lines.
        ends: the line end after each row but the last; None when all are carriage returns.
        codec: the set of the bytes, when it is one whose separators cannot be found in the bytes: the rows then
            hold UTF-8.
        received: with `codec`: the line as received by its UTF-8 form.
    """

    rows: list[Row]
    delimiters: Delimiters
    charset: Charset
    prefix: bytes = b""
    ends: list[bytes] | None = None
    codec: Charset | None = None
    received: dict[bytes, bytes] | None = None

    def copy(self) -> Layout:
        rows: list[Row] = [row if isinstance(row, bytes) else list(row) for row in self.rows]
        return replace(self, rows=rows, ends=None if self.ends is None else list(self.ends))


def lay_out(body: bytes, charset: str | None) -> Layout:
    """Split a message into lines.

    Raises:
        StructureError: it does not begin with MSH, or declares impossible separators.
        CharsetError: MSH-18 or `charset` names a set that is not known, or bytes that decide the lines are not of it.
    """
    if b"\n" not in body and body.startswith(b"MSH"):
        layout = _with_header(body.split(b"\r"), charset)
        if layout.charset.transparent:
            return layout
    return _lay_out_unusual(body, charset)


def lay_out_header(body: bytes, charset: str | None) -> Layout | None:
    """Only the header of a message that begins as usual; None for others. Raises as `lay_out` does."""
    if not body.startswith(b"MSH"):
        return None
    end = body.find(b"\r")
    line = body[:end] if end >= 0 else body
    layout = _with_header([line.partition(b"\n")[0]], charset)
    return layout if layout.charset.transparent else None


def _with_header(lines: list[bytes], charset: str | None, marked: str | None = None) -> Layout:
    """Split the header and learn the character set from it.

    Args:
        marked: the set that a byte order mark tells.
    """
    rows: list[Row] = lines  # type: ignore[assignment]  # this list is from now on the layout's own
    line = lines[0]
    delimiters = STANDARD if line.startswith(_STANDARD_START) else read_delimiters(line)
    separator = delimiters.field
    header = rows[0] = line.split(separator)
    header.insert(1, separator)
    if charset:
        return Layout(rows, delimiters, named_charset(charset, "charset"))
    declared = header[_CHARSET_FIELD] if len(header) > _CHARSET_FIELD else b""
    known = DECLARED.get(declared) or declared_charset(declared, delimiters)
    if known.wide or (marked and known is ASCII):  # nothing wide can begin with the three bytes MSH
        known = UTF8
    return Layout(rows, delimiters, known)


def _lay_out_unusual(body: bytes, charset: str | None) -> Layout:
    mark, codec = _encoding_of_start(body)
    if codec is not None and codec != "utf-8":
        return _lay_out_wide(body, mark, Charset(codec, False))
    start = len(mark) + _leading_blanks(body, len(mark))
    rest = _checked(body[start:])
    lines, ends = split_lines(rest)
    layout = _with_header([*lines], charset, codec)
    layout.prefix, layout.ends = body[:start], ends
    return layout if layout.charset.transparent else _in_utf8(lines, layout)


def _in_utf8(lines: list[bytes], layout: Layout) -> Layout:
    charset, received = layout.charset, dict[bytes, bytes]()
    rows: list[Row] = [_to_utf8(line, charset, received, number) for number, line in enumerate(lines, 1)]
    rows[0] = split_fields(rows[0], layout.delimiters) if isinstance(rows[0], bytes) else rows[0]
    return replace(layout, rows=rows, charset=UTF8, codec=charset, received=received)


def _checked(body: bytes) -> bytes:
    if not body.startswith(b"MSH"):
        raise StructureError("a message begins with MSH", where="MSH")
    return body


def _to_utf8(line: bytes, charset: Charset, received: dict[bytes, bytes], number: int) -> bytes:
    row = charset.decode(line, f"segment {number}").encode()
    received.setdefault(row, line)
    return row


def _lay_out_wide(body: bytes, mark: bytes, charset: Charset) -> Layout:
    text = charset.decode(body[len(mark) :], "MSH").encode()
    start = _leading_blanks(text, 0)
    lines, ends = split_lines(_checked(text[start:]))
    layout = _with_header([*lines], "utf-8")
    ends = ends or [b"\r"] * (len(lines) - 1)
    return replace(
        layout,
        prefix=mark + text[:start].decode().encode(charset.codec),
        ends=[end.decode().encode(charset.codec) for end in ends],
        codec=charset,
    )


def _encoding_of_start(body: bytes) -> tuple[bytes, str | None]:
    for mark, codec in _MARKS + _WIDE_MARKS:
        if body.startswith(mark):
            return mark, codec
    for start, codec in _WIDE_STARTS:
        if body.startswith(start):
            return b"", codec
    return b"", None


def _leading_blanks(body: bytes, start: int) -> int:
    rest = body[start:]
    return len(rest) - len(rest.lstrip(_BLANK))


def split_lines(body: bytes) -> tuple[list[bytes], list[bytes] | None]:
    """Lines and the ends between them; the ends are None when all are carriage returns.

    Where carriage returns end the segments, a lone line feed is an end only before something that looks like a
    segment: otherwise it is text inside a field.
    """
    if b"\n" not in body:
        return body.split(b"\r"), None
    if b"\r" not in body:
        lines = body.split(b"\n")
        return lines, [b"\n"] * (len(lines) - 1)
    pieces = re.split(rb"(\r\n|\r|\n(?=[\r\n]{0,8}(?:[A-Z][A-Z0-9]{2}" + re.escape(body[3:4]) + rb"|\Z)))", body)
    return pieces[::2], pieces[1::2]


def join_lines(layout: Layout) -> bytes:
    """The message's bytes from its rows, edited or not."""
    separator = layout.delimiters.field
    lines = [
        row if isinstance(row, bytes) else separator.join(row) if row[0] not in _HEADERS else join_header(row)
        for row in layout.rows
    ]
    if layout.codec is not None:
        lines = [_from_utf8(line, layout, layout.codec) for line in lines]
    if layout.ends is None:
        return layout.prefix + b"\r".join(lines)
    out = [layout.prefix, lines[0]]
    for end, line in zip(layout.ends, lines[1:], strict=True):
        out += (end, line)
    return b"".join(out)


def _from_utf8(line: bytes, layout: Layout, charset: Charset) -> bytes:
    known = layout.received.get(line) if layout.received else None
    return known if known is not None else charset.encode(line.decode(), line[:3].decode("ascii", "replace"))


def split_fields(line: bytes, delimiters: Delimiters) -> list[bytes]:
    """Fields at their own numbers: index 0 is the name; a header's field 1 is its separator."""
    fields = line.split(delimiters.field)
    if fields[0] in _HEADERS and len(fields) > 1:  # a lone `MSH` further down has no separator to be field 1
        fields.insert(1, delimiters.field)
    return fields


def join_fields(fields: list[bytes], delimiters: Delimiters) -> bytes:
    return join_header(fields) if fields[0] in _HEADERS else delimiters.field.join(fields)


def join_header(fields: list[bytes]) -> bytes:
    """A header's field 1 is its separator."""
    if len(fields) == 1:
        return fields[0]
    return fields[0] + fields[1] + fields[1].join(fields[2:])
