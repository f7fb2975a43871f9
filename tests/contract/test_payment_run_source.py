"""`payment_run`: a due time has one run, also after a restart, a refusing store, and several missed times."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from engine.canonical import PaymentRun
from engine.connectors.payment_run import PaymentRunSettings, PaymentRunSource
from engine.core.errors import ConfigurationError, StoreError
from engine.ports.connector import Receipt, Received, Verdict
from tests.support.connector_doubles import Clock, context

TUESDAY = datetime(2026, 11, 24, 15, 0, 5, tzinfo=UTC)  # ten o'clock and five seconds in New York
TIMES = {"cron": "0 10 * * tue,thu", "zone": "America/New_York"}


class Runs:
    """Makes empty runs and remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, date, date]] = []
        self.limits: list[Any] = []
        self.fails = False

    async def propose(self, number: str, pay_on: date, next_run: date, rules: Any) -> PaymentRun:
        if self.fails:
            raise StoreError("the store refuses")
        self.asked.append((number, pay_on, next_run))
        self.limits.append(rules.limit)
        return PaymentRun(run_number=number, pay_on=pay_on, next_run=next_run)


class Door:
    def __init__(self) -> None:
        self.taken: list[Received] = []

    async def __call__(self, received: Received) -> Receipt:
        self.taken.append(received)
        return Receipt(Verdict.ACCEPTED, len(self.taken), TUESDAY)


def source(tmp_path: Path, runs: Runs, now: datetime, **settings: Any) -> tuple[PaymentRunSource, Clock]:
    clock = Clock(now)
    made = context(tmp_path, clock=clock, services={"payment_runs": runs})
    return PaymentRunSource(PaymentRunSettings(**{**TIMES, **settings}), made), clock


async def test_a_due_time_makes_one_run_for_the_days_until_the_next(tmp_path: Path) -> None:
    runs, door = Runs(), Door()
    one, clock = source(tmp_path, runs, TUESDAY)

    await one.look(door)
    await one.look(door)
    clock.advance(timedelta(days=2))
    await one.look(door)

    assert runs.asked == [
        ("RUN-20261124T150000", date(2026, 11, 24), date(2026, 11, 26)),
        ("RUN-20261126T150000", date(2026, 11, 26), date(2026, 12, 1)),
    ]
    assert [json.loads(each.body)["run_number"] for each in door.taken] == [each[0] for each in runs.asked]
    assert [each.natural_id for each in door.taken] == [each[0] for each in runs.asked]


async def test_after_a_restart_the_time_is_met_again_under_the_same_number(tmp_path: Path) -> None:
    runs, door = Runs(), Door()
    for _ in range(2):
        await source(tmp_path, runs, TUESDAY)[0].look(door)

    assert len({each.natural_id for each in door.taken}) == 1


async def test_of_several_missed_times_the_latest_pays_for_all(tmp_path: Path) -> None:
    runs, door = Runs(), Door()
    one, _ = source(tmp_path, runs, TUESDAY + timedelta(days=2), catch_up="7d")

    await one.look(door)

    assert [number for number, *_ in runs.asked] == ["RUN-20261126T150000"]


async def test_a_store_that_refuses_leaves_the_time_due(tmp_path: Path) -> None:
    runs, door = Runs(), Door()
    one, _ = source(tmp_path, runs, TUESDAY)
    runs.fails = True
    await one.look(door)
    runs.fails = False

    await one.look(door)

    assert len(door.taken) == 1


async def test_an_engine_without_a_process_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no process"):
        PaymentRunSource(PaymentRunSettings(**TIMES), context(tmp_path))


@pytest.mark.parametrize("wrong", [{"limit": 0.1}, {"money_costs": 8.5}, {"limit": "-1"}, {"currency": "usd"}])
def test_amounts_are_exact_and_make_sense(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PaymentRunSettings(**{**TIMES, **wrong})


async def test_the_limit_has_its_currency(tmp_path: Path) -> None:
    runs = Runs()
    one, _ = source(tmp_path, runs, TUESDAY, limit="2500.00", currency="EUR")

    await one.look(Door())

    assert (str(runs.limits[0].amount), runs.limits[0].currency) == ("2500.00", "EUR")
