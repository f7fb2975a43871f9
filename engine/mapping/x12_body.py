"""A set cut into heading, lines and summary, and its elements as numbers, days and texts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import wraps
from typing import ParamSpec, TypeVar

from pydantic import ValidationError

from engine.canonical import Value
from engine.core.errors import DataTypeError, DocumentError, RequiredFieldError
from engine.protocols.x12 import Segment, TransactionSet
from engine.protocols.x12.dates import parse_date

_PARTY_MEMBERS = frozenset(("N2", "N3", "N4", "NX2", "REF", "PER", "SI", "DMG"))
_NOTE_MEMBERS = frozenset(("DTM", "PWK", "EFI", "MSG"))
_LINE_LOOPS = frozenset(("N1", "N9", "SLN", "SCH", "LDT", "LS", "QTY", "LM", "V1", "FA1", "AMT"))
CENT = Decimal("0.01")
_MOST_DIGITS = 18  # before or after the point; an exponent can say more than memory holds
TEXT_LIMIT = 200  # of a canonical text

_CONTROLS = re.compile(r"[\x00-\x1f\x7f]+")

V = TypeVar("V", bound=Value)
R = TypeVar("R")
P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Body:
    """A set cut into heading, lines and summary; the loops of the heading taken out of it."""

    heading: tuple[Segment, ...]
    parties: tuple[tuple[Segment, ...], ...]
    notes: tuple[Segment, ...]
    lines: tuple[tuple[Segment, ...], ...]
    summary: tuple[Segment, ...]


def cut(one: TransactionSet, line_id: str, summary_ids: frozenset[str]) -> Body:
    """Each line holds its own segments only, without its inner loops (schedules, sub-lines, addresses)."""
    heading: list[Segment] = []
    lines: list[list[Segment]] = []
    summary: list[Segment] = []
    for segment in one.segments:
        if segment.id == line_id:
            lines.append([segment])
        elif summary or (segment.id in summary_ids and not _in_line(segment, lines)):
            summary.append(segment)
        else:
            (lines[-1] if lines else heading).append(segment)
    rest, parties, notes = _loops(heading)
    return Body(tuple(rest), parties, tuple(notes), tuple(_own(line) for line in lines), tuple(summary))


def _in_line(segment: Segment, lines: list[list[Segment]]) -> bool:
    """AMT stands in lines as well as in the summary; it does not open the summary."""
    return segment.id == "AMT" and bool(lines)


def _own(line: list[Segment]) -> tuple[Segment, ...]:
    end = next((i for i, s in enumerate(line) if s.id in _LINE_LOOPS), len(line))
    return tuple(line[:end])


def _loops(heading: list[Segment]) -> tuple[list[Segment], tuple[tuple[Segment, ...], ...], list[Segment]]:
    """Heading without its N1 and N9 loops, the N1 loops, and the MSG segments of the N9 loops."""
    rest: list[Segment] = []
    parties: list[list[Segment]] = []
    notes: list[Segment] = []
    loop = ""
    for segment in heading:
        if segment.id == "N1":
            parties.append([segment])
            loop = "N1"
        elif segment.id == "N9":
            loop = "N9"
        elif loop == "N1" and segment.id in _PARTY_MEMBERS:
            parties[-1].append(segment)
        elif loop == "N9" and segment.id in _NOTE_MEMBERS:
            if segment.id == "MSG":
                notes.append(segment)
        else:
            loop = ""
            rest.append(segment)
    return rest, tuple(tuple(p) for p in parties), notes


def first(segments: Iterable[Segment], segment_id: str, qualifier: str = "") -> Segment | None:
    """The first segment of this id whose element 01 is the qualifier."""
    wanted = (s for s in segments if s.id == segment_id and (not qualifier or s.get(1) == qualifier))
    return next(wanted, None)


def value(segments: Iterable[Segment], segment_id: str, qualifier: str, element: int = 2) -> str | None:
    found = first(segments, segment_id, qualifier)
    return (found.get(element).strip() or None) if found else None


def currency(heading: Iterable[Segment]) -> str:
    """CUR02, US dollars without CUR."""
    code = value(heading, "CUR", "") or "USD"
    if not re.fullmatch(r"[A-Z]{3}", code):
        raise DataTypeError("not a currency of three letters (ISO 4217)", where="CUR02")
    return code


def required(segment: Segment | None, element: int, where: str) -> str:
    text = segment.get(element).strip() if segment else ""
    if not text:
        raise RequiredFieldError("must be given", where=where)
    return text


def decimal(text: str, where: str) -> Decimal:
    """An R element: the point is written."""
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise DataTypeError("not a number (R)", where=where) from error
    if not number.is_finite() or abs(number.adjusted()) > _MOST_DIGITS:
        raise DataTypeError("not a number (R) that amounts can be counted with", where=where)
    return number


def cents(text: str, where: str) -> Decimal:
    """An N2 element: two decimals are implied, 12345 is 123.45."""
    digits = text[1:] if text.startswith("-") else text
    if not (digits.isascii() and digits.isdigit()):
        raise DataTypeError("not a number with two implied decimals (N2)", where=where)
    return Decimal(text).scaleb(-2)


def to_cents(amount: Decimal, where: str) -> str:
    """The N2 form; refuses what cents cannot say instead of rounding it."""
    if amount != amount.quantize(CENT):
        raise DataTypeError("more than two decimals cannot be written as N2", where=where)
    return str(int(amount.scaleb(2)))


def plain(number: Decimal) -> str:
    """An R element: never with an exponent."""
    return format(number, "f")


def day(text: str, where: str) -> date:
    parsed = parse_date(text)
    if parsed is None:
        raise DataTypeError("not a date", where=where)
    return parsed


def optional_day(text: str | None, where: str) -> date | None:
    return day(text, where) if text else None


def build(kind: Callable[..., V], place: str = "", /, **fields: object) -> V:
    """A document or a part of one; what breaks its rules is told by field, never by value."""
    try:
        return kind(**fields)
    except ValidationError as error:
        raise _told_by_field(error, place) from None


def _told_by_field(error: ValidationError, place: str) -> DocumentError:
    fault = error.errors(include_input=False, include_url=False)[0]
    field = ".".join(str(part) for part in fault["loc"])
    where = " ".join(part for part in (place, field) if part)
    return DocumentError(f"does not fit the document: {fault['msg']}", where=where or error.title)


def told_by_place(read: Callable[P, R]) -> Callable[P, R]:
    """Parts that do not fit, and amounts beyond what money is counted with, become a DocumentError, too."""

    @wraps(read)
    def reading(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return read(*args, **kwargs)
        except ValidationError as error:
            raise _told_by_field(error, error.title) from None
        except ArithmeticError:
            raise DocumentError("an amount has more digits than can be counted with", where="total") from None

    return reading


def free_text(text: str | None) -> str:
    """A text for people as X12 can hold it: line ends and other control characters become blanks."""
    return _CONTROLS.sub(" ", text).strip() if text else ""


def short_text(text: str) -> str | None:
    """As long as a canonical text may be; None when blank."""
    return text.strip()[:TEXT_LIMIT].strip() or None
