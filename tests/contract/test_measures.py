"""Every measure over a month that was worked out by hand, on both stores."""

from __future__ import annotations

from engine.procure.measures.catalog import MEASURES
from engine.procure.measures.compute import compute
from engine.store.open import Store
from tests.support.march import AFTER, EXPECTED, MARCH, play


async def test_every_measure_says_of_a_month_what_was_worked_out_by_hand(store: Store) -> None:
    await play(store)

    told = {}
    for name, one in MEASURES.items():
        rows = await compute(store.measures, one, MARCH, AFTER)
        told[name] = rows[0].value if len(rows) == 1 else [row.value for row in rows]

    assert told == EXPECTED
