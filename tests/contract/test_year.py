"""A seeded year of a hospital network, played through the real process: every figure is what was counted beside it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from engine.ports.measures import Period
from engine.procure.measures.catalog import MEASURES
from engine.procure.measures.check import differences
from engine.procure.measures.compute import compute
from engine.store.open import Store, open_store
from tests.support.connector_doubles import Clock
from tests.support.stores import create_database
from tests.support.year.maker import FIRST, LAST
from tests.support.year.messages import Messages
from tests.support.year.oracle import SPECS, Row, value
from tests.support.year.play import Year, play, year

WHOLE = Period(FIRST, LAST)
_STARTS = [FIRST, *(datetime(2025, month, 1, tzinfo=FIRST.tzinfo) for month in (4, 7, 10)), LAST]
AT_ONCE = 256  # documents that are decided together, at most
JUNE = datetime(2025, 6, 12, 15, tzinfo=FIRST.tzinfo)  # of a year that is not over
QUARTERS = [Period(one, other) for one, other in pairwise(_STARTS)]


@pytest.fixture
def clock() -> Clock:
    """The store's own: what is not told by documents happens by it."""
    return Clock(FIRST)


@pytest.fixture
async def sqlite(tmp_path: Path, clock: Clock) -> AsyncIterator[Store]:
    store = await open_store(f"sqlite:///{tmp_path}/year.db", clock)
    yield store
    await store.close()


@pytest.fixture
async def postgresql(postgres_uri: str, clock: Clock) -> AsyncIterator[Store]:
    store = await open_store(create_database(postgres_uri, "year", "template_store"), clock)
    yield store
    await store.close()


async def test_every_figure_of_a_year_and_of_its_quarters_is_the_one_counted_by_hand_in_every_slice(
    sqlite: Store, clock: Clock
) -> None:
    made = year(80)

    await play(made, sqlite)
    await Messages(made.maker, 60).play(sqlite, clock)

    assert await disagreements(sqlite, made, [WHOLE, *QUARTERS]) == {}
    assert await on_time(sqlite, JUNE) == made.oracle.rows("supplier_on_time", FIRST, LAST, JUNE)
    assert await on_time(sqlite, JUNE) != await on_time(sqlite, LAST)
    assert await differences(sqlite.measures, sqlite.records, WHOLE, LAST) == []


@pytest.mark.slow
async def test_a_year_of_thousands_of_invoices_is_counted_as_exactly(sqlite: Store, clock: Clock) -> None:
    """`ISTHMUS_YEAR_INVOICES` says how many; 120000 are the year of a network of 500 beds (two hours, 12 GB)."""
    made = year(int(os.environ.get("ISTHMUS_YEAR_INVOICES", "2000")), seed=3, suppliers=240)

    await play(made, sqlite)
    await Messages(made.maker, 600).play(sqlite, clock)

    assert await disagreements(sqlite, made, [WHOLE]) == {}
    assert await differences(sqlite.measures, sqlite.records, WHOLE, LAST) == []


@pytest.mark.integration
async def test_postgresql_counts_another_year_as_it_was_counted_by_hand(postgresql: Store, clock: Clock) -> None:
    made = year(30, seed=2)

    await play(made, postgresql)
    await Messages(made.maker, 20).play(postgresql, clock)

    assert await disagreements(postgresql, made, [WHOLE, QUARTERS[2]]) == {}
    assert await differences(postgresql.measures, postgresql.records, WHOLE, LAST) == []


def test_the_hand_count_knows_every_measure_and_every_slice_of_it() -> None:
    assert {name: set(one.slices) for name, one in MEASURES.items()} == {
        name: set(spec.slices) for name, spec in SPECS.items()
    }


async def disagreements(
    store: Store, made: Year, periods: list[Period]
) -> dict[tuple[str, str | None, int], tuple[list[Row], list[Row]]]:
    """By measure, slice and first month: what is shown, and what was counted by hand."""
    return {
        (name, by, period.since.month): (found, wanted)
        for period in periods
        for name, spec in SPECS.items()
        for by in (None, *spec.slices)
        if not _agree(
            name,
            found := await _shown(store, name, period, by),
            wanted := made.oracle.rows(name, period.since, period.until, LAST, by),
        )
    }


def _agree(name: str, found: list[Row], wanted: list[Row]) -> bool:
    """Exact, but for spans of time: what comes at once is told apart by a microsecond each."""
    if SPECS[name].per == 1:
        return found == wanted
    return len(found) == len(wanted) and all(map(partial(_near, name), found, wanted))


def _near(name: str, found: Row, wanted: Row) -> bool:
    *of, shown, numerator, denominator = found
    *whom, _, counted, count = wanted
    apart = abs(int(numerator) - int(counted))
    return (
        (of, denominator) == (whom, count)
        and apart <= AT_ONCE * int(count)
        and shown == value(name, int(numerator), int(denominator))
    )


async def on_time(store: Store, now: datetime) -> list[Row]:
    """Of the whole year: what is to come is not late."""
    return await _shown(store, "supplier_on_time", WHOLE, None, now)


async def _shown(store: Store, name: str, period: Period, by: str | None, now: datetime = LAST) -> list[Row]:
    rows = await compute(store.measures, MEASURES[name], period, now, by)
    return sorted(((one.of, one.currency, one.value, one.numerator, one.denominator) for one in rows), key=str)
