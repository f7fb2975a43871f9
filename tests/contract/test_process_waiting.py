"""Receipts that are told of half an hour late: nobody is asked before they could have come, and then at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from engine.canonical import Document
from engine.core.clock import from_micros
from engine.ports.procure import CaseQuery
from engine.procure.policies import USUAL
from engine.procure.process import Process
from engine.store.open import Store
from tests.support.connector_doubles import Clock
from tests.support.purchases import invoice, order, receipt

LAG = timedelta(minutes=30)
TICK = timedelta(seconds=30)
MINUTE = timedelta(minutes=1)
BEGIN = datetime(2026, 11, 20, 8, tzinfo=UTC)


class Morning:
    """Purchases whose invoice comes when the goods do; one in five was never delivered. All come within `hours`."""

    def __init__(self, count: int, hours: int, seed: int = 39) -> None:
        random = Random(seed)
        codes = Random(seed + 1).sample(range(10**7, 10**8), count)  # no two numbers are alike
        self.arrivals: defaultdict[datetime, list[Document]] = defaultdict(list)
        self.invoiced: dict[str, datetime] = {}
        self.missing: set[str] = set()
        for n in range(count):
            number = f"PO-{n}"
            at = BEGIN + TICK * random.randrange(hours * 120)
            total = f"{40 + n}.00" if n % 10 == 9 else None
            asked = invoice(number=f"I-{codes[n]}-{n}", order_number=number, total=total)
            self.arrivals[BEGIN].append(order(order_number=number))
            self.arrivals[at].append(asked)
            self.invoiced[asked.natural_key] = at
            if n % 5 == 0:
                self.missing.add(asked.natural_key)
            else:
                came = receipt(number=f"R-{n}").model_copy(update={"order_number": number})
                self.arrivals[at + random.choice((LAG / 2, LAG - TICK, -TICK))].append(came)

    @property
    def ticks(self) -> Iterator[datetime]:
        last = max(*self.arrivals, *self.invoiced.values()) + LAG + 2 * MINUTE
        at = min(self.arrivals)
        while at <= last:
            yield at
            at += TICK


async def _lives_through(morning: Morning, store: Store) -> dict[str, datetime]:
    """Invoice to when a person was asked about its receipt."""
    clock = Clock(BEGIN)
    process = Process(store.records, clock, lambda: USUAL)
    await process.told_until("orders", BEGIN + timedelta(days=1))
    for at in morning.ticks:
        clock.set(at)
        for document in morning.arrivals.get(at, ()):
            await process.take(document)
        await process.told_until("receipts", at - LAG)
        await process.look()
    found = await store.records.cases(CaseQuery(states=("open", "gone", "decided"), limit=10_000))
    return {
        one.case_id.split("#")[2].rpartition("/")[0]: from_micros(one.opened_micros)
        for one in found
        if one.type == "quantity_not_received"
    }


async def _nobody_is_asked_too_early_or_too_late(morning: Morning, store: Store) -> None:
    asked = await _lives_through(morning, store)

    early = {key: at - morning.invoiced[key] for key, at in asked.items() if at < morning.invoiced[key] + LAG}
    late = {key: at - morning.invoiced[key] for key, at in asked.items() if at > morning.invoiced[key] + LAG + MINUTE}
    assert (early, late) == ({}, {})
    assert asked.keys() == morning.missing
    posted = {one.command.natural_key for one in await store.records.given(0, ("post_invoice",), 10_000)}
    out_of_balance = {key for key in morning.invoiced if key.endswith("9")}
    assert posted == morning.invoiced.keys() - morning.missing - out_of_balance


async def test_in_a_lag_of_half_an_hour_people_are_asked_of_real_mismatches_only_and_within_a_minute(
    store: Store,
) -> None:
    await _nobody_is_asked_too_early_or_too_late(Morning(10, 1), store)


@pytest.mark.slow
async def test_the_same_of_a_thousand_invoices_in_eight_hours(store: Store) -> None:
    await _nobody_is_asked_too_early_or_too_late(Morning(1000, 8), store)
