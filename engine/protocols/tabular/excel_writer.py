"""One sheet as an Excel workbook. Texts stand as texts, whatever they begin with; the same rows give the same bytes.

Source: ECMA-376 part 1, §§ 12.3, 18.3.1, 18.8.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from xml.sax.saxutils import escape, quoteattr

from engine.core.errors import DataTypeError
from engine.protocols.archive import Member, pack
from engine.protocols.tabular.excel import letters
from engine.protocols.tabular.layout import LONGEST_CELL, Column, RecordType, TableLayout

_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_DECLARED = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_SHEETML = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_MOST_DIGITS = 15  # Excel keeps no more
_DAY_ZERO = date(1899, 12, 30)


def workbook(
    kind: RecordType, records: Sequence[tuple[RecordType, list[tuple[Column, str]]]], layout: TableLayout
) -> bytes:
    """Raises DataTypeError: a value that Excel cannot keep as it is."""
    name = layout.sheet if isinstance(layout.sheet, str) else "Sheet1"
    return pack(
        [
            Member("[Content_Types].xml", _content_types().encode()),
            Member("_rels/.rels", _relations(("officeDocument", "xl/workbook.xml")).encode()),
            Member("xl/workbook.xml", _book(name).encode()),
            Member(
                "xl/_rels/workbook.xml.rels",
                _relations(("worksheet", "worksheets/sheet1.xml"), ("styles", "styles.xml")).encode(),
            ),
            Member("xl/styles.xml", _styles().encode()),
            Member("xl/worksheets/sheet1.xml", "".join(_sheet(kind, records, layout)).encode()),
        ]
    )


def _sheet(
    kind: RecordType, records: Sequence[tuple[RecordType, list[tuple[Column, str]]]], layout: TableLayout
) -> Iterator[str]:
    yield f"{_DECLARED}<worksheet {_MAIN}><sheetData>"
    header = layout.header_row if layout.header != "no" else 0
    if header:
        cells = (_inline(index, header, column.heading or column.name) for index, column in enumerate(kind.columns))
        yield f'<row r="{header}">{"".join(cells)}</row>'
    for number, (_, texts) in enumerate(records, layout.first_row or header + 1):
        cells = (_cell(index, number, column, text) for index, (column, text) in enumerate(texts) if text)
        yield f'<row r="{number}">{"".join(cells)}</row>'
    yield "</sheetData></worksheet>"


def _cell(index: int, row: int, column: Column, text: str) -> str:
    place = f"{letters(index)}{row}"
    if column.codes or column.kind in ("text", "time", "boolean"):
        return _inline(index, row, text)
    if column.kind == "date":
        days = (date.fromisoformat(text) - _DAY_ZERO).days
        if days <= 60:  # Excel believes in a 29 February 1900
            raise DataTypeError("a day that Excel cannot show", where=f"{column.name}, row {row}")
        return f'<c r="{place}" s="1"><v>{days}</v></c>'
    if len(Decimal(text).normalize().as_tuple().digits) > _MOST_DIGITS:
        remedy = "make the column a text"
        raise DataTypeError("more digits than Excel keeps", where=f"{column.name}, row {row}", remedy=remedy)
    return f'<c r="{place}"><v>{text}</v></c>'


def _inline(index: int, row: int, text: str) -> str:
    place = f"{letters(index)}{row}"
    if len(text) > LONGEST_CELL or any(ord(sign) < 32 and sign not in "\t\n\r" for sign in text):
        raise DataTypeError("a text that Excel cannot keep", where=f"cell {place}")
    return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(text)}</t></is></c>'


def _book(sheet: str) -> str:
    return (
        f'{_DECLARED}<workbook {_MAIN} xmlns:r="{_OFFICE}"><sheets>'
        f'<sheet name={quoteattr(sheet)} sheetId="1" r:id="rId1"/></sheets></workbook>'
    )


def _relations(*targets: tuple[str, str]) -> str:
    each = (
        f'<Relationship Id="rId{number}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, 1)
    )
    return f'{_DECLARED}<Relationships xmlns="{_PACKAGE}/relationships">{"".join(each)}</Relationships>'


def _content_types() -> str:
    parts = (("workbook", "sheet.main"), ("worksheets/sheet1", "worksheet"), ("styles", "styles"))
    each = (f'<Override PartName="/xl/{name}.xml" ContentType="{_SHEETML}.{kind}+xml"/>' for name, kind in parts)
    rels = '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    xml = '<Default Extension="xml" ContentType="application/xml"/>'
    return f'{_DECLARED}<Types xmlns="{_PACKAGE}/content-types">{rels}{xml}{"".join(each)}</Types>'


def _styles() -> str:
    """Style 0: general; 1: a date as the reader's country writes it (14)."""
    return (
        f'{_DECLARED}<styleSheet {_MAIN}><fonts count="1"><font/></fonts>'
        '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/>'
        '</fill></fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
        '<cellXfs count="2"><xf xfId="0"/><xf numFmtId="14" xfId="0" applyNumberFormat="1"/></cellXfs>'
        '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
    )
