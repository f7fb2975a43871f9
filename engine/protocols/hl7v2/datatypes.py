"""Values of HL7 data types: NM, SI, DT, TM, DTM (TS). Errors name the place, never the value.

Source: HL7 v2.9 chapter 2A.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Literal, NamedTuple

from engine.core.errors import DataTypeError

Precision = Literal["year", "month", "day", "hour", "minute", "second"]

_LONGEST_NUMBER = 40
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)", re.ASCII)
_ZONE = r"(?P<zone>[+-]\d{4})?"
_TIME = r"(?P<hour>\d{2})(?:(?P<minute>\d{2})(?:(?P<second>\d{2})(?:\.(?P<fraction>\d{1,6}))?)?)?"
_MOMENT = re.compile(rf"(?P<year>\d{{4}})(?:(?P<month>\d{{2}})(?:(?P<day>\d{{2}})(?:{_TIME})?)?)?{_ZONE}", re.ASCII)
_TIME_OF_DAY = re.compile(_TIME + _ZONE, re.ASCII)


class Timestamp(NamedTuple):
    """A DTM with what it left out: a naive `moment` filled from the start, its precision, and its zone if given."""

    moment: datetime
    precision: Precision
    zone: tzinfo | None


def read_number(text: str, where: str | None = None) -> Decimal:
    """NM: sign, digits, point; no exponent, no thousands separator.

    Raises:
        DataTypeError: not of this form, or longer than 40 characters.
    """
    text = text.strip()
    if len(text) > _LONGEST_NUMBER or not _NUMBER.fullmatch(text):
        raise DataTypeError("not a number (NM)", where=where)
    return Decimal(text)


def read_integer(text: str, where: str | None = None) -> int:
    """NM or SI without a fraction. Raises DataTypeError."""
    number = read_number(text, where)
    if number != number.to_integral_value():
        raise DataTypeError("not a whole number", where=where)
    return int(number)


def read_timestamp(text: str, where: str | None = None) -> Timestamp:
    """DTM or TS: `YYYY[MM[DD[HH[MM[SS[.S..]]]]]][+/-ZZZZ]`. Raises DataTypeError."""
    match = _MOMENT.fullmatch(text.strip())
    if match is None:
        raise DataTypeError("not a date or time (DTM)", where=where)
    try:
        moment = datetime(
            int(match["year"]),
            int(match["month"] or 1),
            int(match["day"] or 1),
            int(match["hour"] or 0),
            int(match["minute"] or 0),
            int(match["second"] or 0),
            _microseconds(match["fraction"]),
        )
    except ValueError:
        raise DataTypeError("no such date or time (DTM)", where=where) from None
    return Timestamp(moment, _precision(match), _zone(match["zone"], where))


def read_date(text: str, where: str | None = None) -> date:
    """DT, or the day of a DTM. Raises DataTypeError, also when only a year or month is given."""
    stamp = read_timestamp(text, where)
    if stamp.precision in ("year", "month"):
        raise DataTypeError("the date has no day", where=where)
    return stamp.moment.date()


def read_moment(text: str, where: str | None = None, zone: tzinfo | None = None) -> datetime:
    """Aware UTC. A DTM without hours is the start of its day.

    Args:
        zone: applies when the value carries none (MSH-7's zone, or the channel's).

    Raises:
        DataTypeError: not a DTM, without a day, or no zone known.
    """
    stamp = read_timestamp(text, where)
    if stamp.precision in ("year", "month"):
        raise DataTypeError("the date has no day", where=where)
    known = stamp.zone or zone
    if known is None:
        raise DataTypeError("the time has no zone", where=where, remedy="set `zone` on the channel")
    return stamp.moment.replace(tzinfo=known).astimezone(UTC)


def read_time(text: str, where: str | None = None) -> time:
    """TM: `HH[MM[SS[.S..]]][+/-ZZZZ]`, naive when it has no zone. Raises DataTypeError."""
    match = _TIME_OF_DAY.fullmatch(text.strip())
    if match is None:
        raise DataTypeError("not a time (TM)", where=where)
    try:
        return time(
            int(match["hour"]),
            int(match["minute"] or 0),
            int(match["second"] or 0),
            _microseconds(match["fraction"]),
            _zone(match["zone"], where),
        )
    except ValueError:
        raise DataTypeError("no such time (TM)", where=where) from None


def write_moment(moment: datetime) -> str:
    """DTM to the second with its offset: `20250714093011+0000`. The moment must be aware."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone cannot be written")
    return moment.strftime("%Y%m%d%H%M%S%z")


def write_date(day: date) -> str:
    """DT: `20250714`."""
    return f"{day.year:04d}{day.month:02d}{day.day:02d}"


def _microseconds(fraction: str | None) -> int:
    return int(fraction.ljust(6, "0")) if fraction else 0


def _precision(match: re.Match[str]) -> Precision:
    found: Precision = "year"
    levels: tuple[Precision, ...] = ("month", "day", "hour", "minute", "second")
    for level in levels:
        if match[level] is not None:
            found = level
    return found


def _zone(text: str | None, where: str | None) -> tzinfo | None:
    if text is None:
        return None
    hours, minutes = int(text[1:3]), int(text[3:5])
    if hours > 14 or minutes > 59:
        raise DataTypeError("no such zone offset", where=where)
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if text[0] == "-" else offset)
