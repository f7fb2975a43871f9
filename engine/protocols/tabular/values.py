"""A cell's text as a value of its column's type, and back. Amounts are Decimal: no digit is lost or made up."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation, localcontext
from typing import Any

from engine.core.errors import DataTypeError, FieldError, RequiredFieldError
from engine.protocols.tabular.dates import read_date, read_time, write_date, write_time
from engine.protocols.tabular.layout import Column, TableLayout
from engine.protocols.tabular.pattern import matcher

Value = str | int | bool | Decimal | date | time | None
Read = Callable[[str], Value]
_MOST_DIGITS = 30
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}|[0-9]{1,18}-").fullmatch
_PLAIN = re.compile(r"-?[0-9]+(?:\.[0-9]+)?").fullmatch
NO_RESULT = "#RESULT?"
"""What stands for a formula whose result the file does not hold."""
LOST_DIGITS = "#DIGITS?"
"""What stands for a whole number of more digits than Excel keeps: a code, whose last ones are zeros by now."""
EXCEL_ERRORS = frozenset(
    {
        "#NULL!",
        "#DIV/0!",
        "#VALUE!",
        "#REF!",
        "#NAME?",
        "#NUM!",
        "#N/A",
        "#GETTING_DATA",
        "#SPILL!",
        "#CALC!",
        NO_RESULT,
        LOST_DIGITS,
    }
)
_DAY_ZERO = {False: date(1899, 12, 30), True: date(1904, 1, 1)}


class BadValue(Exception):
    """A cell that does not fit; the reader of the row knows where it stands."""

    def __init__(self, kind: type[FieldError], what: str, remedy: str | None = None) -> None:
        self.kind, self.what, self.remedy = kind, what, remedy
        super().__init__(what)

    def at(self, where: str) -> FieldError:
        return self.kind(self.what, where=where, remedy=self.remedy)


def reader(column: Column, layout: TableLayout) -> Read:
    """Raises (when called) BadValue."""
    convert = _CONVERTERS[column.kind](column, layout)
    fits = matcher(column.pattern) if column.pattern else None
    codes, longest, trim, empty = column.codes, column.longest, column.trim, _empty(column, convert)

    def plain(text: str) -> Value:
        """The short way of columns without pattern and codes, which most are."""
        text = text.strip()
        if not text:
            return empty()
        if len(text) > longest:
            raise BadValue(DataTypeError, f"longer than {longest} characters", "raise longest: in the layout")
        return convert(text)

    if trim and fits is None and not codes:
        return plain

    def read(text: str) -> Value:
        if trim:
            text = text.strip()
        if not text or text.isspace():
            return empty()
        if len(text) > longest:
            raise BadValue(DataTypeError, f"longer than {longest} characters", "raise longest: in the layout")
        if fits is not None and not fits(text):
            raise BadValue(DataTypeError, "not of the column's pattern", "ask the sender for the right form")
        if codes:
            if text not in codes:
                raise BadValue(DataTypeError, "not one of the column's codes", "add the code to the layout")
            text = codes[text]
        return convert(text)

    return read


def _empty(column: Column, convert: Read) -> Callable[[], Value]:
    if column.default is not None:
        default = convert(column.default)
        return lambda: default
    if column.required:

        def missing() -> Value:
            raise BadValue(RequiredFieldError, "a value is required")

        return missing
    return lambda: None


def _text(column: Column, layout: TableLayout) -> Read:
    return _excel_text if layout.kind == "excel" else lambda text: text


def _excel_text(text: str) -> Value:
    if text == LOST_DIGITS:
        words, remedy = "a number of more than 15 digits, of which Excel keeps no more", "ask for the column as text"
        raise BadValue(DataTypeError, words, remedy)
    if text in EXCEL_ERRORS:
        raise BadValue(DataTypeError, "the cell shows an error, or a formula without its result", "save it in Excel")
    return text


def _integer(column: Column, layout: TableLayout) -> Read:
    decimal = _decimal(Column(column.name, "decimal", scale=0), layout)

    def read(text: str) -> Value:
        if _INTEGER(text):
            return -int(text[:-1]) if text.endswith("-") else int(text)
        value = decimal(text)
        assert isinstance(value, Decimal)
        return int(value)

    return read


def _decimal(column: Column, layout: TableLayout) -> Read:
    pattern = _number_pattern(layout.decimal_mark, layout.thousands) if layout.kind != "excel" else _number_pattern(".")
    mark, thousands = (".", "") if layout.kind == "excel" else (layout.decimal_mark, layout.thousands)
    scale, implied, rounded = column.scale, column.implied, column.rounded

    def read(text: str) -> Value:
        if not pattern(text):
            raise BadValue(DataTypeError, "not a number", f"the decimal mark of this layout is '{mark}'")
        if thousands:
            text = text.replace(thousands, "")
        if mark != ".":
            text = text.replace(mark, ".")
        value = Decimal(f"-{text[:-1]}" if text[-1] == "-" else text)
        if implied:
            if "." in text:
                raise BadValue(DataTypeError, "a decimal mark where the decimals are implied")
            return value.scaleb(-(scale or 0))
        if scale is None or len(text) - 1 - text.find(".") <= scale or "." not in text:
            return value
        return _of_scale(value, scale, rounded)

    return read


def _of_scale(value: Decimal, scale: int, rounded: bool) -> Decimal:
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and -exponent <= scale:
        return value
    with localcontext() as context:
        context.prec = 60
        near = value.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP)
    if near != value and not rounded:
        raise BadValue(DataTypeError, f"more than {scale} decimals", "set rounded: true if the rest may go")
    return near


def _number_pattern(mark: str, thousands: str = "") -> Callable[[str], re.Match[str] | None]:
    digits = rf"[0-9]{{1,{_MOST_DIGITS}}}"
    if thousands:
        digits = rf"(?:[0-9]{{1,3}}(?:{re.escape(thousands)}[0-9]{{3}}){{1,9}}|{digits})"
    body = rf"(?:{digits}(?:{re.escape(mark)}[0-9]{{0,{_MOST_DIGITS}}})?|{re.escape(mark)}[0-9]{{1,{_MOST_DIGITS}}})"
    return re.compile(rf"[+-]?{body}|{body}-").fullmatch


def _date(column: Column, layout: TableLayout) -> Read:
    formats = column.formats or layout.date_formats
    if layout.kind == "excel" and "YYYY-MM-DD" not in formats:
        formats = (*formats, "YYYY-MM-DD")  # as cells with a date's format are read

    def read(text: str) -> Value:
        if layout.kind == "excel":
            text = text.partition("T")[0]
        found = read_date(text, formats)
        if found is None:
            raise BadValue(DataTypeError, f"not a date ({' or '.join(formats)})")
        return found

    return read


def _time(column: Column, layout: TableLayout) -> Read:
    formats = column.formats or layout.time_formats

    def read(text: str) -> Value:
        if layout.kind == "excel":
            text = text.rpartition("T")[2]
        found = read_time(text, formats)
        if found is None:
            raise BadValue(DataTypeError, f"not a time ({' or '.join(formats)})")
        return found

    return read


def _boolean(column: Column, layout: TableLayout) -> Read:
    words = {w.casefold(): True for w in column.true} | {w.casefold(): False for w in column.false}

    def read(text: str) -> Value:
        found = words.get(text.casefold())
        if found is None:
            raise BadValue(DataTypeError, "not one of the words for yes and no")
        return found

    return read


_CONVERTERS: dict[str, Callable[[Column, TableLayout], Read]] = {
    "text": _text,
    "integer": _integer,
    "decimal": _decimal,
    "date": _date,
    "time": _time,
    "boolean": _boolean,
}


def excel_number(text: str) -> Decimal:
    """A number as Excel shows it at its most exact: 15 significant digits of the double that the file holds.

    `19.989999999999998` is 19.99: no one who typed it wrote more. Raises InvalidOperation: not a number.
    """
    if len(text) < 16 and _PLAIN(text):
        return Decimal(text)
    with localcontext() as context:
        context.prec = 15
        value = +Decimal(text)
    if not value.is_finite() or abs(value.adjusted()) > _MOST_DIGITS:
        raise InvalidOperation
    return Decimal(f"{value.normalize():f}")


def excel_moment(number: Decimal, from_1904: bool) -> str:
    """A day's serial number as `2026-11-21`, with `T08:30:00` where it has a time; below one a time alone."""
    days, rest = divmod(number, 1)
    seconds = int((rest * 86400).to_integral_value(ROUND_HALF_UP))
    if not 0 <= days < 2_958_466:
        raise InvalidOperation
    clock = (datetime.min + timedelta(seconds=min(seconds, 86399))).time().isoformat()
    if not days:
        return clock
    day = (_DAY_ZERO[from_1904] + timedelta(days=int(days))).isoformat()
    return f"{day}T{clock}" if seconds else day


def text_of(value: Value) -> str | None:
    """How `get`, `index:` and `filter:` read a value."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, date | time) else str(value)


# ------------------------------------------------------------------ writing
def written(value: object, column: Column, layout: TableLayout) -> str:
    """A value of a document (JSON's kinds) as the column's text, without guard, quotes and filling.

    Raises:
        BadValue: it is not of the column's type, or has more decimals than its scale.
    """
    if value is None or value == "":
        if column.default is not None:
            return column.default
        if column.required:
            raise BadValue(RequiredFieldError, "a value is required", "let the transform fill it in")
        return ""
    if isinstance(value, dict | list):
        raise BadValue(DataTypeError, "not a single value", "name a value inside it with from:")
    text = _WRITERS[column.kind](value, column, layout)
    back = {ours: theirs for theirs, ours in column.codes.items()}
    if back:
        if text not in back:
            raise BadValue(DataTypeError, "not one of the column's codes", "add the code to the layout")
        text = back[text]
    if len(text) > column.longest:
        raise BadValue(DataTypeError, f"longer than {column.longest} characters")
    if column.pattern and not matcher(column.pattern)(text):
        raise BadValue(DataTypeError, "not of the column's pattern")
    return text


def _write_number(value: object, column: Column, layout: TableLayout) -> str:
    try:
        number = Decimal(str(value))
        if isinstance(value, bool) or not number.is_finite() or abs(number.adjusted()) > _MOST_DIGITS:
            raise InvalidOperation
    except InvalidOperation:
        raise BadValue(DataTypeError, "not a number") from None
    scale = 0 if column.kind == "integer" else column.scale
    if scale is not None:
        number = _of_scale(number, scale, column.rounded)
        text = f"{number:.{scale}f}"
    else:
        text = f"{number:f}"
    if column.implied:
        return text.replace(".", "")
    return text if layout.kind == "excel" else text.replace(".", layout.decimal_mark)


def _write_date(value: object, column: Column, layout: TableLayout) -> str:
    try:
        day = value if isinstance(value, date) else date.fromisoformat(str(value)[:10])
    except ValueError:
        raise BadValue(DataTypeError, "not a date") from None
    return write_date(day, "YYYY-MM-DD" if layout.kind == "excel" else (column.formats or layout.date_formats)[0])


def _write_time(value: object, column: Column, layout: TableLayout) -> str:
    try:
        clock = value if isinstance(value, time) else time.fromisoformat(str(value).rpartition("T")[2][:8])
    except ValueError:
        raise BadValue(DataTypeError, "not a time") from None
    return write_time(clock, (column.formats or layout.time_formats)[0])


def _write_boolean(value: object, column: Column, layout: TableLayout) -> str:
    if not isinstance(value, bool):
        raise BadValue(DataTypeError, "neither yes nor no")
    return column.true[0] if value else column.false[0]


_WRITERS: dict[str, Callable[[Any, Column, TableLayout], str]] = {
    "text": lambda value, column, layout: str(value).lower() if isinstance(value, bool) else str(value),
    "integer": _write_number,
    "decimal": _write_number,
    "date": _write_date,
    "time": _write_time,
    "boolean": _write_boolean,
}
