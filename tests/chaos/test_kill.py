"""kill -9 of the engine at random moments under load: nothing acknowledged is lost, nothing is posted twice.

The far side that counts postings is deliberately not idempotent: it books every request that it gets, and can be
asked by our reference. Long form: 500 kills (marked slow); short form: 20, or ISTHMUS_KILLS.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from engine.core.loopback import free_port
from tests.support.books import Books, Load, booking_site
from tests.support.engine_process import ROOT, EngineProcess

SECONDS, SECONDS_A_KILL = 180, 1  # for what is left when the last kill is over: each leaves some of its work behind


class Outcome(NamedTuple):
    """`states`: how many messages of the journal are in each state at the end."""

    acknowledged: set[str]
    states: dict[str, int]


@pytest.fixture
def books() -> Iterator[Books]:
    books = Books()
    yield books
    books.close()


async def _play(engine: EngineProcess, port: int, kills: int, dice: random.Random) -> set[str]:
    async with Load(port) as load:
        for number in range(1, kills + 1):
            await asyncio.sleep(dice.uniform(0.02, 0.7))
            await asyncio.to_thread(engine.kill)
            await asyncio.to_thread(engine.start)
            if number % 50 == 0:
                print(f"{number} kills, {len(load.acknowledged)} acknowledged", flush=True)
        await load.goes_on()
    return load.acknowledged


def _kill_many(folder: Path, books: Books, kills: int) -> Outcome:
    port = free_port()
    engine = booking_site(folder, books, port)
    engine.start()
    acknowledged = asyncio.run(_play(engine, port, kills, random.Random(20261120)))

    deadline, states = time.monotonic() + SECONDS + kills * SECONDS_A_KILL, _states(engine)
    while set(states) != {"DELIVERED"} and time.monotonic() < deadline:
        time.sleep(0.5 if kills < 100 else 5)  # asking costs the engine's processor time
        states = _states(engine)
    engine.stop()
    print(f"{kills} kills, {len(acknowledged)} acknowledged, {len(books.booked)} booked, states {states}")
    return Outcome(acknowledged, states)


def _states(engine: EngineProcess) -> dict[str, int]:
    command = [sys.executable, "-m", "engine", "status", "--json", "--site", str(engine.site)]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    status = json.loads(shown.stdout)
    return {k: v for channel in status["channels"] for k, v in channel["counts"].items() if v}


def _check(outcome: Outcome, books: Books, kills: int) -> None:
    assert len(outcome.acknowledged) > kills, "under load"
    assert set(outcome.states) == {"DELIVERED"}, "without a final state"
    books.check(outcome.acknowledged)


@pytest.mark.process
def test_twenty_kills_lose_and_double_nothing(tmp_path: Path, books: Books) -> None:
    kills = int(os.environ.get("ISTHMUS_KILLS", "20"))

    outcome = _kill_many(tmp_path, books, kills)

    _check(outcome, books, kills)
    assert set(books.control_ids) >= outcome.acknowledged


@pytest.mark.slow
@pytest.mark.process
def test_five_hundred_kills_lose_and_double_nothing(tmp_path: Path, books: Books) -> None:
    outcome = _kill_many(tmp_path, books, 500)

    _check(outcome, books, 500)
    assert set(books.control_ids) >= outcome.acknowledged
