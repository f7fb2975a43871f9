"""Worker processes: every message gets a result, whatever its script does; the others never notice."""

from __future__ import annotations

import asyncio
import os
import signal
import struct
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import cast

import pytest

from engine.ports.script import Limits, Program, WorkItem, WorkResult
from engine.ports.states import MessageState
from engine.script import wire
from engine.script.cradle import begin
from engine.script.pool import Batch, Link, Pool

HL7 = b"MSH|^~\\&|A|B|C|D|20260101||ADT^A01|%d|P|2.5\rPID|1||4711\r"


def program(script: str, name: str = "demo", **settings: object) -> Program:
    return Program(
        key=f"{name}@1",
        channel=name,
        format="hl7v2",
        script_name=f"transforms/{name}.py",
        script=script,
        destinations={"out": {"send": None, "order_by": None, "when": None}},
        **settings,  # type: ignore[arg-type]
    )


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    pool = Pool(2)
    await pool.start()
    yield pool
    await pool.close()


async def run(
    pool: Pool, script: str, count: int, name: str = "demo", limits: Limits | None = None
) -> list[WorkResult]:
    pool.define(program(script, name), limits or Limits(seconds=0.4, memory_bytes=64 * 1024 * 1024))
    results: list[WorkResult] = []
    finished = asyncio.Event()

    def done(some: Sequence[WorkResult]) -> None:
        results.extend(some)
        if len(results) == count:
            finished.set()

    items = [WorkItem(n, f"{name}@1", HL7 % n, "ADT^A01") for n in range(1, count + 1)]
    pool.submit(name, items, done)
    await asyncio.wait_for(finished.wait(), 30)
    return results


PASS = "def transform(message):\n    message.set('PID-2', 'x')\n    return message\n"

DATED = """
from datetime import date, datetime

def transform(message):
    read = datetime.strptime("2026-11-21", "%Y-%m-%d").date()
    message.set("PID-2", f"{read:%Y%m%d}" + date(2026, 1, 2).strftime("%d.%m.%y"))
    return message
"""

BAD = """
def transform(message):
    if message.control_id == "3":
        {}
    return message
"""


async def test_dates_are_formatted_and_read_though_the_clock_may_not_be_imported(pool: Pool) -> None:
    (dated,) = await run(pool, DATED, 1)
    (clock,) = await run(pool, "import time\n" + PASS, 1, name="clock")

    assert dated.documents[0].body.endswith(b"PID|1|2026112102.01.26|4711\r")
    assert clock.reason is not None
    assert clock.reason.code == "S005"


async def test_results_come_in_order_with_routes(pool: Pool) -> None:
    results = await run(pool, PASS, 200)

    assert [r.message_id for r in results] == list(range(1, 201))
    assert all(r.state is MessageState.QUEUED for r in results)
    assert results[0].documents[0].body.endswith(b"PID|1|x|4711\r")
    assert results[0].routes[0].destination == "out"


@pytest.mark.parametrize(
    ("crime", "code"),
    [
        ("while True: pass", "S002"),
        ("x = [0] * 10**9", "S003"),
        ("raise ValueError('secret')", "S001"),
        ("import sys; sys.exit(3)", "S005"),
        ("import os; os._exit(3)", "S005"),
        ("import socket", "S005"),
        ("open('/etc/passwd')", "S001"),
        ("raise SystemExit", "S004"),
        ("().__class__.__base__.__subclasses__(); message.missing()", "S001"),
        ("return None", "S001"),
    ],
)
async def test_a_bad_script_costs_its_own_message_only(pool: Pool, crime: str, code: str) -> None:
    results = await run(pool, BAD.format(crime), 5)

    assert [r.message_id for r in results if r.state is MessageState.HELD] == [3]
    held = next(r for r in results if r.message_id == 3)
    assert held.reason is not None
    assert held.reason.code == code
    assert "transforms/demo.py" in (held.reason.where or "")
    assert "secret" not in held.reason.text.replace("ValueError('secret')", "")


async def test_a_process_that_dies_is_replaced(pool: Pool) -> None:
    # Freeing a million nested tuples, or printing them, overruns the C stack: no Python error, a dead process.
    script = BAD.format("import functools; repr(functools.reduce(lambda a, b: (a,), range(10**6)))")

    results = await run(pool, script, 5, limits=Limits(seconds=5, memory_bytes=512 * 1024 * 1024))

    assert sorted(r.message_id for r in results) == [1, 2, 3, 4, 5]
    assert [r.message_id for r in results if r.state is MessageState.HELD] == [3]


async def test_a_worker_killed_from_outside_loses_nothing(pool: Pool) -> None:
    running = asyncio.create_task(
        run(pool, "def transform(message):\n    sum(range(20000))\n    return message\n", 300)
    )
    await asyncio.sleep(0.05)
    for pid in pool.workers:
        os.kill(pid, signal.SIGKILL)

    results = await running

    assert {r.message_id for r in results} == set(range(1, 301))
    assert sum(r.state is MessageState.HELD for r in results) <= 1


async def test_a_message_that_was_answered_is_not_held_when_its_worker_dies_before_it_goes_on(pool: Pool) -> None:
    told: list[Sequence[WorkResult]] = []
    items = [WorkItem(n, "demo@1", HL7 % n, "ADT^A01") for n in range(1, 6)]
    batch = Batch(7, "demo", items, told.append)
    batch.received = 3

    pool._salvage(cast(Link, None), batch, at_batch=7, at=2)

    assert told == []
    assert [[item.message_id for item in some] for some, _ in pool._waiting["demo"]] == [[4, 5]]


async def test_code_that_signals_cannot_interrupt_is_killed(pool: Pool) -> None:
    script = BAD.format("import re; re.match('(a+)+$', 'a' * 40 + 'b')")

    results = await run(pool, script, 5)

    held = [r for r in results if r.state is MessageState.HELD]
    assert [r.message_id for r in held] == [3]
    assert held[0].reason is not None
    assert held[0].reason.code == "S002"


async def test_a_hanging_channel_does_not_stop_another(pool: Pool) -> None:
    each = Limits(seconds=1, memory_bytes=64 * 1024 * 1024)
    hang = asyncio.create_task(run(pool, "def transform(message):\n    while True: pass\n", 4, "hang", each))
    await asyncio.sleep(0.1)

    results = await run(pool, PASS, 50, "good")

    assert len(results) == 50
    assert not hang.done()
    assert all(r.state is MessageState.HELD for r in await hang)


async def test_a_script_that_does_not_load_holds_its_messages(pool: Pool) -> None:
    results = await run(pool, "def transform(message)\n    return 1\n", 2)

    assert all(r.state is MessageState.HELD for r in results)
    assert results[0].reason is not None
    assert "transforms/demo.py:1" in results[0].reason.text


def test_a_place_is_never_read_with_the_time_of_an_earlier_one() -> None:
    """The writer sets the time before the place: whoever reads in between sees the old place with the new time."""
    descriptor = os.memfd_create("page")
    os.ftruncate(descriptor, wire.PROGRESS_BYTES)
    progress, seen = wire.Progress(descriptor), []
    original = wire._SINCE.pack_into

    class Watched:
        size = wire._SINCE.size

        def pack_into(self, page: object, offset: int, since: float) -> None:
            original(page, offset, since)  # type: ignore[arg-type]
            seen.append(wire._PLACE.unpack_from(progress._page, 0))

    progress.write(1, -1, 10.0)
    setattr(wire, "_SINCE", Watched())  # noqa: B010  restored below
    try:
        progress.write(2, 0, 99.0)
    finally:
        setattr(wire, "_SINCE", struct.Struct("<d"))  # noqa: B010

    assert seen == [(1, -1)]
    assert progress.read() == (2, 0, 99.0)


async def test_a_nursery_that_was_started_before_the_loop_makes_the_workers() -> None:
    begun = begin()
    pool = Pool(1, begun=begun)
    await pool.start()
    try:
        assert [_parent(pid) for pid in pool.workers] == [begun.process.pid]
    finally:
        await pool.close()
    assert begun.process.returncode is not None


def test_a_nursery_that_nobody_takes_ends_with_its_engine() -> None:
    begun = begin()
    begun.control.close()

    assert begun.process.wait(30) == 0


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
