"""A file by its layout: as one message, or as the parts that are messages of their own.

A part's bytes are those of the file: its header, then its rows as they stand, so a part reads alone. A row of an
Excel sheet has no bytes of its own: it becomes a line of text, with the sheet's row number before it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from engine.core.errors import FieldError, IsthmusError, SizeLimitError, StructureError
from engine.protocols.tabular import record as text_records
from engine.protocols.tabular.layout import RecordType, Role, TableLayout
from engine.protocols.tabular.message import Row, TabularMessage
from engine.protocols.tabular.record import Record
from engine.protocols.tabular.rows import Cell, RowMaker, by_heading, by_position, readers_of

if TYPE_CHECKING:
    from engine.protocols.tabular.excel import SheetRow

_WORKBOOK = b"PK\x03\x04"
_ROW_NUMBER = "#"  # heading of the row number in an Excel part
_UTF8_MARK = "\ufeff"


class Part(msgspec.Struct, frozen=True):
    """What is one message: its bytes, the line (or row) of its first record, and why it must be refused."""

    body: bytes
    line: int
    problem: IsthmusError | None = None


class _File(msgspec.Struct):
    """One opened file: `records` behind the header line; `cut` gives the bytes of some of them, header in front."""

    records: Iterator[Record]
    maker: Callable[[Record], RowMaker]
    cut: Callable[[Sequence[Record], Sequence[Record]], bytes]
    first: int


class TableReader:
    """Reads files of one layout; made once, used for many."""

    def __init__(self, layout: TableLayout) -> None:
        self.layout = layout
        self._readers = readers_of(layout)
        self._types: dict[str | None, RecordType] = {one.code: one for one in layout.types}
        self._roles = {one.role: one for one in layout.types}
        self._makers = {
            one.code: by_position(one, layout, self._place, self._readers[one.name]) for one in layout.types
        }
        self._by_header: tuple[tuple[str, ...], RowMaker] | None = None

    # -------------------------------------------------------------- one message
    def parse(self, body: bytes, first_line: int | None = None) -> TabularMessage:
        """All of the body as one message. `first_line`: it is a part, and this is where its rows stood in the file.

        Raises:
            MessageError: it cannot be read as such a file.
            FieldError: a value is not of its column's type; with line and column.
        """
        file = self._open(body)
        shift = 0 if first_line is None or file.first == 0 else first_line - file.first
        header: Row | None = None
        trailer: Row | None = None
        rows: list[Row] = []
        for index, one in enumerate(file.records):
            found = one._replace(line=one.line + shift) if shift and (index or self._headed is None) else one
            maker = file.maker(found)
            self._check_order(maker.kind, found, index, trailer is not None)
            row = maker.make(found)
            if maker.kind.role is Role.HEADER:
                header = row
            elif maker.kind.role is Role.TRAILER:
                trailer = row
            else:
                rows.append(row)
                self._check_count(len(rows))
        if first_line is None:
            self._check_end(trailer, len(rows), rows)
        return TabularMessage(body, rows, header, trailer)

    # -------------------------------------------------------------- many messages
    def split(self, body: bytes) -> list[Part]:
        """One part for each message, in the order of the file; a record that cannot be read is in its own part.

        Raises:
            MessageError: nothing in the file can be told apart, or its trailer says that it is not complete.
        """
        if self.layout.records == "file":
            return [self._whole(body)]
        try:
            return self._parts(body)
        except FieldError as error:  # in the header or the trailer: the whole file is not to be trusted
            raise StructureError(error.what, where=error.where, remedy=error.remedy) from None

    def _parts(self, body: bytes) -> list[Part]:
        file = self._open(body)
        before: list[Record] = []
        trailer: Row | None = None
        groups: list[_Group] = []
        rows: list[Row] = []
        count = 0
        for index, found in enumerate(file.records):
            maker = self._maker_or_none(file, found)
            if maker is not None:
                self._check_order(maker.kind, found, index, trailer is not None)
            if maker is None or maker.kind.role is Role.DETAIL:
                count += 1
                self._check_count(count)
                self._add(groups, maker, found, rows)
            elif maker.kind.role is Role.HEADER:
                maker.make(found)
                before.append(found)
            else:
                trailer = maker.make(found)
        self._check_end(trailer, count, rows)
        return [Part(file.cut(before, one.records), one.records[0].line, one.problem) for one in groups]

    def _whole(self, body: bytes) -> Part:
        try:
            self.parse(body)
        except FieldError as error:
            return Part(body, 1, error)
        return Part(body, 1)

    def _maker_or_none(self, file: _File, found: Record) -> RowMaker | None:
        try:
            return file.maker(found)
        except StructureError:
            return None

    def _add(self, groups: list[_Group], maker: RowMaker | None, found: Record, rows: list[Row]) -> None:
        """A row to the group that goes on, or to a new one."""
        problem: IsthmusError | None = None
        key: object = None
        try:
            if maker is None:
                problem = found.problem or StructureError("no such record type", where=f"line {found.line}")
            else:
                row = maker.make(found)
                rows.append(row)
                key = row.get(self.layout.group_by) if self.layout.group_by else None
        except IsthmusError as error:
            problem = error
            key = self._key_of(maker, found)
        if self.layout.group_by and key is not None and groups and groups[-1].key == key:
            groups[-1].records.append(found)
            groups[-1].problem = groups[-1].problem or problem
        else:
            groups.append(_Group(key, [found], problem))

    def _key_of(self, maker: RowMaker | None, found: Record) -> str | None:
        """Of a row with a fault elsewhere: it refuses the group that it belongs to."""
        if maker is None or self.layout.group_by is None or found.problem is not None:
            return None
        try:
            value = maker.value(found, self.layout.group_by)
        except IsthmusError:
            return None
        return Row({"key": value}, 0, "", "").get("key")

    # -------------------------------------------------------------- what the file as a whole must be
    @property
    def _headed(self) -> RecordType | None:
        return self._roles.get(Role.HEADER)

    def _check_order(self, kind: RecordType, found: Record, index: int, ended: bool) -> None:
        where = f"line {found.line}"
        if (kind.role is Role.HEADER) != (index == 0 and self._headed is not None):
            what = "the header record is missing" if index == 0 else "a second header record"
            raise StructureError(what, where=where)
        if ended:
            raise StructureError("a record behind the trailer", where=where, remedy="ask the sender for the file again")

    def _check_end(self, trailer: Row | None, count: int, rows: list[Row]) -> None:
        kind = self._roles.get(Role.TRAILER)
        if kind is None:
            return
        if trailer is None:
            raise StructureError("the trailer is missing: the file is cut off", remedy="ask the sender for it again")
        for check in kind.checks:
            if check.sums is not None and len(rows) < count:
                continue  # a row that is refused has no amount to add
            own = Decimal(count) if check.sums is None else sum((_amount(row, check.sums) for row in rows), Decimal(0))
            if trailer.number(check.column) != own:
                what = "the number of records" if check.sums is None else f"the sum of {check.sums}"
                remedy = "the file is not complete, or was changed: ask the sender for it again"
                raise StructureError(f"{what} is not what the trailer says", where=trailer.where, remedy=remedy)

    def _check_count(self, count: int) -> None:
        if count > self.layout.most_rows:
            remedy = "raise most_rows: in the layout"
            raise SizeLimitError(f"more than {self.layout.most_rows:,} rows", remedy=remedy)

    # -------------------------------------------------------------- opening
    def _open(self, body: bytes) -> _File:
        if self.layout.kind == "excel":
            return self._open_workbook(body) if body.startswith(_WORKBOOK) else self._open_excel_part(body)
        layout = self.layout
        lines = text_records.lines_of(body, layout)
        mark = _UTF8_MARK if lines and lines[0].startswith(_UTF8_MARK) else ""
        if mark:
            lines[0] = lines[0][1:]
        lead, only = layout.skip_lines, None
        if layout.kind == "delimited" and layout.header != "no":
            lead, only = self._header(lines, lead)
        records = (
            text_records.delimited(lines, layout, lead)
            if layout.kind == "delimited"
            else text_records.fixed_width(lines, layout, lead, self._types)
        )

        def cut(before: Sequence[Record], some: Sequence[Record]) -> bytes:
            head = lines[:lead] + [line for one in before for line in lines[one.line - 1 : one.end - 1]]
            own = lines[some[0].line - 1 : some[-1].end - 1]
            return (mark + "".join(head + own)).encode(layout.encoding)

        first = lead + 1 + (1 if self._headed is not None else 0)
        return _File(records, (lambda found: only) if only else self._maker, cut, first)

    def _header(self, lines: list[str], start: int) -> tuple[int, RowMaker | None]:
        found = next(text_records.delimited(lines, self.layout, start), None)
        if found is None:
            raise StructureError("there is no header line", remedy="set header: no in the layout if there is none")
        if found.problem is not None:
            raise found.problem
        return found.end - 1, self._named(found.cells, f"line {found.line}") if self._by_name else None

    @property
    def _by_name(self) -> bool:
        return self.layout.header == "by_name"

    def _named(self, header: Sequence[str], where: str) -> RowMaker:
        cells, known = tuple(header), self._by_header
        if known is None or known[0] != cells:
            kind, strict = self.layout.detail, self.layout.kind == "delimited"
            known = (cells, by_heading(kind, cells, where, self._place, self._readers[kind.name], strict))
            self._by_header = known
        return known[1]

    def _maker(self, found: Record) -> RowMaker:
        """Raises StructureError: no such type of record."""
        code = found.code
        if self.layout.kind == "delimited" and self.layout.code_start:
            at = self.layout.code_start - 1
            code = found.cells[at].strip() if at < len(found.cells) else ""
        maker = self._makers.get(code)
        if maker is None:
            remedy = "add it to record_types: of the layout"
            raise found.problem or StructureError("no such record type", where=f"line {found.line}", remedy=remedy)
        return maker

    def _place(self, line: int, cell: Cell | None) -> str:
        if self.layout.kind == "excel":
            return f"row {line}" if cell is None else f"row {line}, {cell.column.name}"
        if cell is None:
            return f"line {line}"
        column = cell.column
        if self.layout.kind == "fixed_width":
            return f"line {line}, {column.name} ({column.start}-{column.start + column.length - 1})"
        return f"line {line}, {column.name}"

    # -------------------------------------------------------------- Excel
    def _open_workbook(self, body: bytes) -> _File:
        from engine.protocols.tabular.excel import Workbook

        layout = self.layout
        rows = Workbook(body).rows(layout.sheet, layout.most_rows + layout.header_row + 1000)
        maker = self._makers[None]
        first = layout.first_row or (layout.header_row + 1 if layout.header != "no" else 1)
        if layout.header != "no":
            header = next((row for row in rows if row.number == layout.header_row), None)
            if header is None:
                raise StructureError("there is no header row", where=f"row {layout.header_row}")
            maker = self._named(header.cells, f"row {layout.header_row}") if self._by_name else maker
        records = (Record(r.number, r.number + 1, r.cells) for r in _until_blank(rows, first, layout.stop_at_blank))
        return _File(records, lambda found: maker, lambda before, some: self._excel_part(maker, some), 0)

    def _excel_part(self, maker: RowMaker, some: Sequence[Record]) -> bytes:
        out = io.StringIO()
        write = csv.writer(out, lineterminator="\r\n").writerow
        columns = maker.kind.columns
        write([_ROW_NUMBER, *(column.heading or column.name for column in columns)])
        for one in some:
            write([one.line, *(maker.cell(one, column.name) for column in columns)])
        return out.getvalue().encode()

    def _open_excel_part(self, body: bytes) -> _File:
        if not body.startswith(_ROW_NUMBER.encode() + b","):
            from engine.protocols.tabular.excel import Workbook

            Workbook(body)  # says what is wrong with it
            raise StructureError("not an Excel workbook")
        plain = msgspec.structs.replace(_EXCEL_PART, most_rows=self.layout.most_rows)
        lines = text_records.lines_of(body, plain)
        records = text_records.delimited(lines, plain, 0)
        header = next(records)
        maker = by_heading(
            self.layout.detail, header.cells, "line 1", self._place, self._readers[self.layout.detail.name], False
        )
        numbered = (one._replace(line=int(one.cells[0]) if one.cells[0].isdigit() else 0) for one in records)
        return _File(numbered, lambda found: maker, lambda before, some: body, 0)


class _Group(msgspec.Struct):
    """Rows of one message, as they come together."""

    key: object
    records: list[Record]
    problem: IsthmusError | None = None


_EXCEL_PART = TableLayout("part", "delimited", (RecordType(()),))


def _until_blank(rows: Iterator[SheetRow], first: int, stop: bool) -> Iterator[SheetRow]:
    """From the first row on; with `stop`, to the first row without a value."""
    expected = first
    for row in rows:
        if row.number < first:
            continue
        if stop and row.number != expected:
            return
        expected = row.number + 1
        yield row


def _amount(row: Row, name: str) -> Decimal:
    return Decimal(0) if row.get(name) is None else row.number(name)
