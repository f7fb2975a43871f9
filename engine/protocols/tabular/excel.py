"""The cells of one sheet of an Excel workbook (.xlsx, .xlsm), as text. Macros, links and formulas are never followed.

Exact: texts, codes and dates as they stand; numbers to 15 significant digits, which is all that Excel keeps of what
was typed; a whole number of more digits is refused, and one that is shown with leading zeros has them (item codes are
such). A formula counts as the result that the file holds. Source: ECMA-376 part 1, §§ 12, 18.3, 18.8, 18.17.4.
"""

from __future__ import annotations

import io
import posixpath
import re
from collections.abc import Iterator
from decimal import InvalidOperation
from typing import Any, NamedTuple

from lxml import etree

from engine.core.errors import FramingError, SizeLimitError, StructureError
from engine.protocols.archive import Archive, ArchiveLimits
from engine.protocols.tabular.layout import LONGEST_CELL, MOST_COLUMNS
from engine.protocols.tabular.values import LOST_DIGITS, NO_RESULT, excel_moment, excel_number
from engine.protocols.xml.tree import most_opened, parse_tree, refuse_doctype

WORKBOOK = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0"
_LIMITS = ArchiveLimits(entries=2000, total=512 * 1024**2, ratio=400)
_REL = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_REL_STRICT = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"
_CELL = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_BUILT_IN_DATES = frozenset({*range(14, 23), *range(45, 48)})
_NOT_DATE = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|_.|\*.')
_ZEROS = re.compile("0{2,30}").fullmatch
_DIGITS = 15  # that Excel keeps of a number
_MOST_STRINGS = 2_000_000
_MOST_BESIDE = 500_000  # elements between the ends of two rows
_ROW_ENDS = re.compile(rb"row\s*>")


class SheetRow(NamedTuple):
    """`number` as Excel shows it, from 1."""

    number: int
    cells: list[str]


class _Styles(NamedTuple):
    """Numbers of the cell styles that show a date or time; and of those that fill up with zeros, to how many digits."""

    dates: frozenset[int]
    zeros: dict[int, int]


class Workbook:
    """An opened workbook.

    Raises:
        FramingError: no workbook, protected by a password, or damaged.
        SizeLimitError: larger than a workbook can need to be.
        StructureError: a part of it is missing or not as the standard has it.
    """

    def __init__(self, data: bytes) -> None:
        if data.startswith(_OLE):
            remedy = "save it as .xlsx without a password"
            raise FramingError("an old .xls file, or one with a password", remedy=remedy)
        self._archive = Archive(data, _LIMITS)
        self._book = self._tree("xl/workbook.xml")
        self._targets = self._relations()
        properties = self._book.find("{*}workbookPr")
        self._from_1904 = properties is not None and properties.get("date1904") in ("1", "true")

    @property
    def sheets(self) -> list[str]:
        return [str(one.get("name")) for one in self._book.iterfind("{*}sheets/{*}sheet")]

    def rows(self, sheet: str | int, most_rows: int) -> Iterator[SheetRow]:
        """Rows with a value in them. `sheet`: name, or number from 1."""
        part = self._part_of(sheet)
        body = self._archive.read(part)
        if body is None:
            raise StructureError("the sheet is missing in the workbook")
        refuse_doctype(body)
        strings, styles = self._strings(), self._styles()
        try:
            for count, element in enumerate(_row_elements(body), 1):
                if count > most_rows:
                    raise SizeLimitError(f"more than {most_rows:,} rows", remedy="raise most_rows: in the layout")
                yield from self._row(element, count, strings, styles)
        except etree.XMLSyntaxError:
            raise StructureError("the sheet's XML is broken", where=f"sheet {sheet}") from None

    def _row(self, element: Any, count: int, strings: list[str], styles: _Styles) -> Iterator[SheetRow]:
        number = _number(element.get("r"), count)
        cells: list[str] = []
        for cell in element:
            text = self._text(cell, strings, styles)
            if not text:
                continue
            column = _column(cell.get("r"), len(cells))
            if column >= MOST_COLUMNS:
                raise SizeLimitError(f"more than {MOST_COLUMNS} columns", where=f"row {number}")
            cells.extend([""] * (column + 1 - len(cells)))
            cells[column] = text
        if cells:
            yield SheetRow(number, cells)

    def _text(self, cell: Any, strings: list[str], styles: _Styles) -> str:
        kind = cell.get("t") or "n"
        parts = {child.tag.rpartition("}")[2]: child for child in cell}
        if kind == "inlineStr":
            return "".join(_pieces(parts.get("is", ())))[: LONGEST_CELL + 1]
        value = parts.get("v")
        if value is None or value.text is None:
            return NO_RESULT if "f" in parts and kind == "n" else ""
        text = str(value.text)
        if kind == "s":
            index = _number(text, -1)
            if not 0 <= index < len(strings):
                raise StructureError(
                    "a text that the workbook does not hold", where=str(cell.get("r") or "a cell")[:12]
                )
            return strings[index]
        if kind == "b":
            return "true" if text == "1" else "false"
        return self._figure(text, _number(cell.get("s"), 0), styles) if kind == "n" else text

    def _figure(self, text: str, style: int, styles: _Styles) -> str:
        try:
            number = excel_number(text)
            if style in styles.dates:
                return excel_moment(number, self._from_1904)
            if number.adjusted() >= _DIGITS and number == number.to_integral_value():
                return LOST_DIGITS
            width = styles.zeros.get(style, 0)
            return f"{number:0{width}f}" if width and number == number.to_integral_value() else f"{number:f}"
        except InvalidOperation:
            return text  # no number: what the column wants of it says the rest

    # -------------------------------------------------------------- parts
    def _tree(self, name: str) -> etree._Element:
        body = self._archive.read(name)
        if body is None:
            raise FramingError("not an Excel workbook", remedy="send .xlsx as Excel saves it")
        return parse_tree(body, _MOST_STRINGS)

    def _relations(self) -> dict[str, str]:
        tree = self._tree("xl/_rels/workbook.xml.rels")
        inside = (one for one in tree.iterfind("{*}Relationship") if one.get("TargetMode") != "External")
        return {
            str(one.get("Id")): posixpath.normpath(posixpath.join("/xl", str(one.get("Target"))))[1:] for one in inside
        }

    def _part_of(self, sheet: str | int) -> str:
        elements = list(self._book.iterfind("{*}sheets/{*}sheet"))
        if isinstance(sheet, int):
            found = elements[sheet - 1] if 0 < sheet <= len(elements) else None
        else:
            found = next((one for one in elements if str(one.get("name")).casefold() == sheet.casefold()), None)
        if found is None:
            remedy = "set sheet: in the layout to its name or number"
            raise StructureError("the workbook has no such sheet", where=f"sheet {sheet}", remedy=remedy)
        part = self._targets.get(str(found.get(_REL) or found.get(_REL_STRICT)))
        if part is None:
            raise StructureError("the sheet is missing in the workbook", where=f"sheet {sheet}")
        return part

    def _strings(self) -> list[str]:
        if self._archive.read("xl/sharedStrings.xml") is None:
            return []
        items = self._tree("xl/sharedStrings.xml").iterfind("{*}si")
        return ["".join(_pieces(item))[: LONGEST_CELL + 1] for item in items]

    def _styles(self) -> _Styles:
        if self._archive.read("xl/styles.xml") is None:
            return _Styles(frozenset(), {})
        tree = self._tree("xl/styles.xml")
        own = {
            _number(one.get("numFmtId"), -1): str(one.get("formatCode"))
            for one in tree.iterfind("{*}numFmts/{*}numFmt")
        }
        used = [_number(style.get("numFmtId"), 0) for style in tree.iterfind("{*}cellXfs/{*}xf")]
        zeros = {index: len(own[one]) for index, one in enumerate(used) if _ZEROS(own.get(one, ""))}
        return _Styles(frozenset(index for index, one in enumerate(used) if _is_date(one, own)), zeros)


def _pieces(item: Any) -> Iterator[str]:
    """Texts of a string and of its runs; not of phonetic hints."""
    for child in item:
        name = str(child.tag).rpartition("}")[2]
        if name == "t":
            yield child.text or ""
        elif name == "r":
            yield from (t.text or "" for t in child.iterfind("{*}t"))


def _row_elements(body: bytes) -> Iterator[Any]:
    """One after the other, each gone from the tree when the next one is asked for.

    Raises SizeLimitError, StructureError: what stands beside the rows would grow without end.
    """
    if any(most_opened(piece) > _MOST_BESIDE for piece in _ROW_ENDS.split(body.replace(b"\x00", b""))):
        raise SizeLimitError("a row of the sheet, or what stands beside its rows, is too large")
    parent = None
    events = etree.iterparse(
        io.BytesIO(body), events=("end",), tag="{*}row", resolve_entities=False, no_network=True, load_dtd=False,
        huge_tree=False, remove_comments=True, remove_pis=True,
    )  # fmt: skip
    for _, element in events:
        parent = element.getparent() if parent is None else parent
        if element.getparent() is not parent:
            raise StructureError("the sheet has rows in several places")
        yield element
        element.clear()
        while element.getprevious() is not None:
            del element.getparent()[0]


def _is_date(number: int, own: dict[int, str]) -> bool:
    if number not in own:
        return number in _BUILT_IN_DATES
    code = _NOT_DATE.sub("", own[number].partition(";")[0]).lower()
    return any(letter in code for letter in "ymdhs") and "general" not in code


def _number(text: str | None, default: int) -> int:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 10 else default


def _column(reference: str | None, following: int) -> int:
    match = _CELL.fullmatch(reference or "")
    if match is None:
        return following
    number = 0
    for letter in match[1]:
        number = number * 26 + ord(letter) - 64
    return number - 1


def letters(column: int) -> str:
    """`A` for 0, `AA` for 26."""
    text, number = "", column + 1
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(65 + rest) + text
    return text
