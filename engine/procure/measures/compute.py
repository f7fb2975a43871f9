"""A measure over a period: one SELECT around its rows, one division, nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from engine.core.clock import to_micros
from engine.core.errors import OperationError
from engine.core.ids import first_id_at
from engine.ports.measures import Behind, MeasureRow, MeasureStore, Period
from engine.procure.measures.measure import COLUMNS, Measure


def statement(one: Measure, by: str | None = None, facilities: int = 0) -> str:
    """The SQL of all of it, for SQLite and PostgreSQL alike; `facilities`: only of so many, `:f0`, `:f1` …

    Raises:
        OperationError: it cannot be sliced so.
    """
    of = f"COALESCE({_slice(one, by)}, '-')" if by else "''"
    return (
        f"SELECT {of} AS slice, currency, SUM(numerator) AS numerator, SUM(denominator) AS denominator\n"
        f"FROM (\n{one.rows}\n) AS measured{_within(facilities)}\nGROUP BY 1, 2\nORDER BY 1, 2"
    )


def _within(facilities: int) -> str:
    return f"\nWHERE facility IN ({', '.join(f':f{n}' for n in range(facilities))})" if facilities else ""


def _slice(one: Measure, by: str) -> str:
    if by not in one.slices:
        known = ", ".join(one.slices) or "nothing"
        raise OperationError(f"{one.name} is not told by {by[:40]}", remedy=f"it is told by: {known}")
    return by


def values(period: Period, now: datetime) -> Mapping[str, int]:
    return {
        "since": to_micros(period.since),
        "until": to_micros(period.until),
        "as_of": to_micros(min(period.until, now)),
        "since_id": first_id_at(period.since),
        "until_id": first_id_at(period.until),
    }


async def compute(
    store: MeasureStore,
    one: Measure,
    period: Period,
    now: datetime,
    by: str | None = None,
    facilities: Sequence[str] = (),
) -> list[MeasureRow]:
    """By slice and currency, in their order. Without a slice there is always a row, of nothing when there is nothing.

    Raises:
        OperationError: it cannot be sliced so.
        StoreError: the store cannot be read now.
    """
    text = statement(one, by, len(facilities))
    given: dict[str, int | str] = {**values(period, now), **{f"f{n}": name for n, name in enumerate(facilities)}}
    found = await store.measured(text, _needed(text, given))
    rows = [_row(one, *row) for row in found]
    return rows or ([] if by else [_row(one, "", None, 0, 0)])


async def behind(
    store: MeasureStore, one: Measure, period: Period, now: datetime, by: str | None = None, of: str | None = None,
    limit: int = 100, facilities: Sequence[str] = (),
) -> list[Behind]:  # fmt: skip
    """The documents that a figure is made of, those that weigh most first."""
    names = ", ".join((*COLUMNS, "numerator", "denominator"))
    where = _within(len(facilities))
    if by and of is not None:
        where += f"{' AND' if where else chr(10) + 'WHERE'} COALESCE({_slice(one, by)}, '-') = :of"
    text = (
        f"SELECT {names}\nFROM (\n{one.rows}\n) AS measured{where}\nORDER BY numerator DESC, key, dossier LIMIT :most"
    )
    given: dict[str, int | str] = {**values(period, now), "most": limit, "of": of or ""}
    given |= {f"f{n}": name for n, name in enumerate(facilities)}
    return [_behind(row) for row in await store.measured(text, _needed(text, given))]


def _needed(text: str, given: Mapping[str, int | str]) -> dict[str, int | str]:
    return {name: value for name, value in given.items() if f":{name}" in text}


def _row(
    one: Measure, of: str, currency: str | None, numerator: int | Decimal, denominator: int | Decimal
) -> MeasureRow:
    above, below = int(numerator or 0), int(denominator or 0)
    value = one.value(above, below)
    return MeasureRow(
        one.name, of, None if value is None else format(value, "f"), one.unit, str(above), str(below), currency
    )


def _behind(row: tuple[object, ...]) -> Behind:
    told = dict(zip((*COLUMNS, "numerator", "denominator"), row, strict=True))
    return Behind(
        str(told["dossier"]), str(told["key"]), str(told["numerator"]), str(told["denominator"]),
        _text(told["currency"]), _text(told["supplier"]), _text(told["facility"]),
    )  # fmt: skip


def _text(found: object) -> str | None:
    return None if found is None else str(found)


def parts(period: Period, count: int) -> Iterator[Period]:
    """The period in equal parts, the oldest first."""
    step = (period.until - period.since) / count
    for number in range(count):
        yield Period(period.since + step * number, period.since + step * (number + 1))
