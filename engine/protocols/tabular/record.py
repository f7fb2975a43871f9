"""Records of a file in text: where each begins and ends, and its cells as they are written."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from engine.core.errors import CharsetError, IsthmusError, SizeLimitError, StructureError
from engine.protocols.tabular.layout import LONGEST_CELL, RecordType, TableLayout

_MOST_LINES = 100  # of one record: a quote that is never closed costs this many lines of looking, not the file


class Record(NamedTuple):
    """`line` counts from 1; `end` is the line behind it. `problem`: no row can be read of it. `code`: of its type."""

    line: int
    end: int
    cells: Sequence[str]
    problem: IsthmusError | None = None
    code: str | None = None


def lines_of(body: bytes, layout: TableLayout) -> list[str]:
    """The file's lines with their ends, or its records when it has no lines.

    Raises:
        CharsetError: not of the layout's encoding; names the byte.
        SizeLimitError: more lines than the layout allows.
    """
    try:
        text = body.decode(layout.encoding)
    except UnicodeDecodeError as error:
        remedy = "set the layout's encoding: to the sender's"
        raise CharsetError(f"not {layout.encoding}", where=f"byte {error.start + 1}", remedy=remedy) from None
    if "\x00" in text:
        raise CharsetError("a NUL character", where=f"character {text.index(chr(0)) + 1}", remedy="is it text at all?")
    if layout.record_length:
        size = layout.record_length
        text = text.rstrip("\r\n\x1a")
        lines = [text[start : start + size] for start in range(0, len(text), size)]
    else:
        lines = list(io.StringIO(text, newline=""))  # only \r\n, \n and \r end a line
    if len(lines) > layout.most_rows + layout.skip_lines + 1000:
        raise SizeLimitError(f"more than {layout.most_rows:,} rows", remedy="raise most_rows: in the layout")
    return lines


# ------------------------------------------------------------------ delimited
class _Feed:
    """Lines for one record at a time, so that a quote that is never closed ends."""

    def __init__(self, lines: Sequence[str], at: int) -> None:
        self.lines, self.at, self.left = lines, at, _MOST_LINES

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        if self.at >= len(self.lines) or not self.left:
            raise StopIteration
        self.at, self.left = self.at + 1, self.left - 1
        return self.lines[self.at - 1]


def delimited(lines: Sequence[str], layout: TableLayout, start: int) -> Iterator[Record]:
    """Blank lines and remarks are passed over. After a line with broken quotes reading goes on at the next line."""
    feed = _Feed(lines, start)
    reader = _csv_reader(feed, layout)
    count = len(lines)
    while feed.at < count:
        at = feed.at
        line = lines[at]
        if not line.strip("\r\n\x1a \t") or (layout.comment and line.startswith(layout.comment)):
            feed.at = at + 1
            continue
        feed.left = _MOST_LINES
        try:
            cells = next(reader)
        except (csv.Error, StopIteration):
            feed.at, reader = at + 1, _csv_reader(feed, layout)
            problem = StructureError("the quotes are broken", where=f"line {at + 1}", remedy="a quote is written twice")
            yield Record(at + 1, at + 2, (), problem)
            continue
        yield Record(at + 1, feed.at + 1, cells, _too_long(cells, at + 1))


def _csv_reader(feed: _Feed, layout: TableLayout) -> Iterator[list[str]]:
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if layout.quote else csv.QUOTE_NONE
    return csv.reader(
        feed, delimiter=layout.separator, quotechar=layout.quote or None, quoting=quoting, doublequote=True, strict=True
    )


def _too_long(cells: Sequence[str], line: int) -> SizeLimitError | None:
    if max(map(len, cells), default=0) <= LONGEST_CELL:
        return None
    return SizeLimitError(f"a value of more than {LONGEST_CELL:,} characters", where=f"line {line}")


# ------------------------------------------------------------------ fixed width
def fixed_width(
    lines: Sequence[str], layout: TableLayout, start: int, types: dict[str | None, RecordType]
) -> Iterator[Record]:
    """Cells cut out by their places. A record that is too short counts as filled up with blanks."""
    places = {code: [(c.start - 1, c.start - 1 + c.length) for c in one.columns] for code, one in types.items()}
    ends = {code: max(end for _, end in found) for code, found in places.items()}
    code_at, only = slice(layout.code_start - 1, layout.code_start - 1 + layout.code_length), None in types
    for index in range(start, len(lines)):
        text = lines[index].rstrip("\r\n\x1a")
        if not text.strip() or (layout.comment and text.startswith(layout.comment)):
            continue
        line = index + 1
        code = None if only else text[code_at].strip()
        if code not in places:
            remedy = "add it to record_types: of the layout"
            yield Record(
                line, line + 1, (text,), StructureError("no such record type", where=f"line {line}", remedy=remedy)
            )
            continue
        cells = [text[first:last] for first, last in places[code]]
        problem = None
        if len(text) > ends[code] and text[ends[code] :].strip():
            problem = StructureError(
                "characters behind the last column", where=f"line {line}, character {ends[code] + 1}",
                remedy="compare the layout's columns with the sender's description",
            )  # fmt: skip
        yield Record(line, line + 1, cells, problem, code)
