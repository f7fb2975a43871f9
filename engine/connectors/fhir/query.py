"""What a search asks for, told by its parameters alone; what cannot be answered is refused, never left out.

Understood: `_id`, `_lastUpdated` with a prefix, `identifier`, and each name of the channel's `index:` as a token;
`_count`, `_sort=-_lastUpdated` (the only order). Source: https://hl7.org/fhir/R5/search.html.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta

import msgspec

from engine.core.ids import parse_id
from engine.protocols.fhir.version import is_id

USUAL_COUNT, MOST_COUNT, MOST_IDS = 20, 100, 20
CURSOR = "_before"  # ours, in `next` links: the message that a page ended with
_HARMLESS = frozenset({"_format", "_pretty", "_elements", "_summary", "_total"})  # they may be left unheeded
_INSTANT = re.compile(
    r"(eq|ge|gt|le|lt|sa|eb|)(\d{4}(?:-\d\d(?:-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)?)?)?)(Z|[+-]\d\d:\d\d)?"
)
_BACKSLASHED = re.compile(r"\\([\\,|$])")


class QueryError(ValueError):
    """The search cannot be answered as it is asked. Its words name the parameter, never a value."""


class Wanted(msgspec.Struct, frozen=True):
    """One search. Times: `since` at or after, `until` before. `keys`: name in the index, value."""

    ids: tuple[str, ...] = ()
    identifier: tuple[str | None, str] | None = None
    keys: tuple[tuple[str, str], ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    count: int = USUAL_COUNT
    before: int | None = None
    asked: tuple[tuple[str, str], ...] = ()


def wanted(parameters: Iterable[tuple[str, str]], index: Collection[str]) -> Wanted:
    """Raises QueryError."""
    found = Wanted()
    for name, value in parameters:
        if name == CURSOR:
            found = msgspec.structs.replace(found, before=_cursor(value))
        elif name not in _HARMLESS:
            found = _with(found, name, value, index)
            found = msgspec.structs.replace(found, asked=(*found.asked, (name, value)))
    return found


def _with(found: Wanted, name: str, value: str, index: Collection[str]) -> Wanted:
    replace = msgspec.structs.replace
    if name == "_id":
        return replace(found, ids=_ids(value))
    if name == "_lastUpdated":
        since, until = _span(value)
        later = max((one for one in (found.since, since) if one), default=None)
        return replace(found, since=later, until=min((one for one in (found.until, until) if one), default=None))
    if name == "_count":
        return replace(found, count=_count(value))
    if name == "_sort":
        if value != "-_lastUpdated":
            raise QueryError("the newest come first; _sort=-_lastUpdated is the only order")
        return found
    if name not in index:
        known = ", ".join(sorted({"_id", "_lastUpdated", *index}))
        raise QueryError(f"this parameter cannot be searched by here; known: {known}")
    system, token = _token(name, value)
    if name == "identifier":
        return replace(found, identifier=(system, token), keys=(*found.keys, (name, token)))
    if system is not None:
        raise QueryError(f"{name} is searched by its code alone here, without a system")
    return replace(found, keys=(*found.keys, (name, token)))


def _ids(value: str) -> tuple[str, ...]:
    ids = tuple(value.split(","))
    if len(ids) > MOST_IDS or not all(is_id(one) for one in ids):
        raise QueryError(f"_id takes up to {MOST_IDS} ids")
    return ids


def _count(value: str) -> int:
    if not (value.isascii() and value.isdigit()) or len(value) > 9:
        raise QueryError("_count takes a number")
    return min(max(int(value), 1), MOST_COUNT)


def _cursor(value: str) -> int:
    try:
        return parse_id(value)
    except ValueError:
        raise QueryError("follow the link as it was given") from None


def _token(name: str, value: str) -> tuple[str | None, str]:
    """System and value of `system|value`; the system is None when any will do, empty when there must be none."""
    parts = re.split(r"(?<!\\)\|", value)
    if len(parts) > 2 or re.search(r"(?<!\\),", value) or not parts[-1]:
        raise QueryError(f"{name} takes one value, or system|value")
    plain = [_BACKSLASHED.sub(r"\1", part) for part in parts]
    return (plain[0], plain[1]) if len(plain) == 2 else (None, plain[0])


def _span(value: str) -> tuple[datetime | None, datetime | None]:
    """From and before: what a date with its prefix means; a day is all of it."""
    match = _INSTANT.fullmatch(value)
    if match is None:
        raise QueryError("_lastUpdated takes a prefix and a date or time, such as ge2026-03-01T10:00:00Z")
    try:
        begin, end = _day(match[2], match[3])
    except (ValueError, OverflowError):
        raise QueryError("_lastUpdated is no date") from None
    return {
        "": (begin, end), "eq": (begin, end), "ge": (begin, None), "le": (None, end),
        "gt": (end, None), "sa": (end, None), "lt": (None, begin), "eb": (None, begin),
    }[match[1]]  # fmt: skip


def _day(text: str, zone: str | None) -> tuple[datetime, datetime]:
    if len(text) == len("2026"):
        year = int(text)
        return datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    if len(text) == len("2026-03"):
        year, month = int(text[:4]), int(text[5:])
        return datetime(year, month, 1, tzinfo=UTC), datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    if len(text) == len("2026-03-01"):
        begin = datetime.fromisoformat(text).replace(tzinfo=UTC)
        return begin, begin + timedelta(days=1)
    whole, _, fraction = text.partition(".")
    begin = datetime.fromisoformat(f"{whole}{'.' + fraction[:6].ljust(6, '0') if fraction else ''}{zone or '+00:00'}")
    step = timedelta(minutes=1) if len(whole) == len("2026-03-01T10:00") else timedelta(seconds=1)
    return begin, begin + (timedelta(microseconds=10 ** max(6 - len(fraction), 0)) if fraction else step)
