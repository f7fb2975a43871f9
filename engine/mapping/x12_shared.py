"""What the sets beside orders and invoices share: items of any segment, moments, and marks that X12 has no code for.

A mark is a REF of the mutually defined list: REF*ZZ*value*NAME. Both sides of a trade must know its name; who does not
reads past it. Source: X12 elements 127, 128 (ZZ) and 623 (time codes).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time, timedelta, timezone, tzinfo

from engine.canonical import Identifier
from engine.core.errors import DataTypeError, RequiredFieldError
from engine.mapping import x12_body as sets
from engine.mapping import x12_parts as parts
from engine.mapping.x12_codes import BUYER_ITEM
from engine.protocols.x12 import Segment, SegmentValues

SUMMARY = frozenset(("CTT", "SE"))
_OF_PARTY = frozenset(("N2", "N3", "N4"))
SUPPLIER = "IA"  # REF01
_BUYER_PART = "BP"
_MARK = "ZZ"  # REF01
_AS_IN_PO1 = 6  # where PO1 begins its pairs of qualifier and number
_TIME_CODES = {"UT": 0, "GM": 0, "ES": -5, "ED": -4} | {"CS": -6, "CD": -5, "MS": -7, "MD": -6, "PS": -8, "PD": -7}
_TIME_DIGITS = (4, 6, 7, 8)  # HHMM, with seconds, with tenths, with hundredths
_HUNDREDTH = 10_000  # microseconds


def item_from(segment: Segment, first_pair: int) -> tuple[str | None, tuple[Identifier, ...]]:
    """As `parts.read_item`, of a segment whose pairs begin elsewhere: LIN02, POC08."""
    return parts.read_item(Segment("PO1", ["PO1", *[""] * (_AS_IN_PO1 - 1), *segment.parts[first_pair:]]))


def own_item(segment: Segment, first_pair: int) -> str | None:
    """The buyer's own number; None when the item is named by others' alone."""
    pairs = [(segment.get(n).strip(), segment.get(n + 1).strip()) for n in range(first_pair, len(segment.parts), 2)]
    numbers = {qualifier: number for qualifier, number in reversed(pairs) if number}
    return numbers.get(BUYER_ITEM) or numbers.get(_BUYER_PART)


def supplier_in(heading: Iterable[Segment], parties: Iterable[Sequence[Segment]], roles: tuple[str, ...]) -> str:
    """REF IA, else the identifier of the first of these roles that is named.

    Raises:
        RequiredFieldError: the set does not say whose it is.
    """
    number = sets.value(heading, "REF", SUPPLIER)
    by_role = {loop[0].get(1): loop[0].get(4).strip() for loop in reversed(list(parties))}
    found = number or next((by_role[role] for role in roles if by_role.get(role)), None)
    if not found:
        raise RequiredFieldError("the supplier is not named", where="REF IA", remedy="set it in the channel or partner")
    return found


def place_in(loops: Iterable[Sequence[Segment]], role: str) -> str | None:
    """N104 of the first party of this role."""
    return next((code for loop in loops if loop[0].get(1) == role and (code := loop[0].get(4).strip())), None)


def write_place(role: str, code: str | None, qualifier: str = "92") -> list[SegmentValues]:
    """A place by the buyer's number for it (N103 92), or by the supplier's (91)."""
    return [("N1", role, "", qualifier, code)] if code else []


def split(segments: Iterable[Segment], opening: str, ends: frozenset[str] = SUMMARY) -> list[list[Segment]]:
    """What stands before the first segment of this id, then each of them with what follows it, up to the summary."""
    found: list[list[Segment]] = [[]]
    for segment in segments:
        if segment.id in ends:
            break
        if segment.id == opening:
            found.append([])
        found[-1].append(segment)
    return found


def party_loops(segments: Iterable[Segment]) -> list[list[Segment]]:
    """N1 with its own N2, N3 and N4."""
    loops: list[list[Segment]] = []
    for segment in segments:
        if segment.id == "N1":
            loops.append([segment])
        elif loops and segment.id in _OF_PARTY:
            loops[-1].append(segment)
    return loops


def mark(segments: Iterable[Segment], name: str) -> str | None:
    """The value of the mark of this name."""
    named = (s for s in segments if s.id == "REF" and s.get(1) == _MARK and s.get(3).strip() == name)
    return next((s.get(2).strip() or None for s in named), None)


def write_mark(name: str, value: str | None) -> list[SegmentValues]:
    return [("REF", _MARK, value, name)] if value else []


CASE = "CASE"
"""Mark of the implant case that a bill-only order or its invoice is for; it says nothing of a patient."""


def unmarked(segments: Iterable[Segment], name: str) -> list[Segment]:
    """Without the mark of this name."""
    return [s for s in segments if not (s.id == "REF" and s.get(1) == _MARK and s.get(3).strip() == name)]


def moment(day_text: str, time_text: str, code: str, zone: tzinfo | None, where: str) -> datetime:
    """A day and a time of it, midnight without one.

    Args:
        code: element 623; blank or LT: of `zone`.
        zone: None leaves such a moment without a zone.

    Raises:
        DataTypeError: not a day, not a time, or a time code that says no fixed distance from UTC.
    """
    at = datetime.combine(sets.day(day_text, where), _time(time_text, where))
    if code in ("", "LT"):
        return at.replace(tzinfo=zone)
    if code not in _TIME_CODES:
        raise DataTypeError("a time code that says no distance from UTC", where=where, remedy="agree on UT")
    hours = _TIME_CODES[code]
    return at.replace(tzinfo=timezone(timedelta(hours=hours)) if hours else UTC)


def _time(text: str, where: str) -> time:
    if not text:
        return time()
    if not (text.isascii() and text.isdigit() and len(text) in _TIME_DIGITS):
        raise DataTypeError("not a time", where=where)
    full = text.ljust(8, "0")
    try:
        return time(int(full[:2]), int(full[2:4]), int(full[4:6]), int(full[6:]) * _HUNDREDTH)
    except ValueError:
        raise DataTypeError("not a time", where=where) from None


def write_moment(qualifier: str, at: datetime, where: str) -> SegmentValues:
    """DTM with its time code when `at` has a zone; to the hundredth of a second.

    Raises:
        DataTypeError: a finer moment, which X12 cannot hold.
    """
    told = at.astimezone(UTC) if at.tzinfo else at
    if told.microsecond % _HUNDREDTH:
        raise DataTypeError("a moment finer than a hundredth of a second", where=where)
    text = f"{told:%H%M%S}{told.microsecond // _HUNDREDTH:02d}"
    return ("DTM", qualifier, f"{told:%Y%m%d}", text, *(("UT",) if at.tzinfo else ()))
