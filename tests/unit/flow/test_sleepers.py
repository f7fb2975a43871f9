"""One idle sender is woken for one delivery, all of them when the rules changed."""

from __future__ import annotations

import asyncio

from engine.flow.sleepers import Sleepers


async def _asleep(sleepers: Sleepers, count: int) -> list[asyncio.Task[None]]:
    tasks = [asyncio.create_task(sleepers.sleep(None)) for _ in range(count)]
    await asyncio.sleep(0)
    return tasks


async def test_each_call_wakes_another_one() -> None:
    sleepers = Sleepers()
    tasks = await _asleep(sleepers, 3)

    sleepers.wake_one()
    sleepers.wake_one()
    await asyncio.sleep(0)
    awake = sum(task.done() for task in tasks)
    sleepers.wake_all()
    await asyncio.gather(*tasks)

    assert awake == 2


async def test_the_time_wakes_too_and_is_forgotten_then() -> None:
    sleepers = Sleepers()
    async with asyncio.timeout(30):
        await sleepers.sleep(0.001)
    (other,) = await _asleep(sleepers, 1)

    sleepers.wake_one()  # must not be spent on the one that the time has woken
    await asyncio.wait([other], timeout=5)

    assert other.done()


async def test_a_cancelled_sleeper_takes_no_call_from_the_others() -> None:
    sleepers = Sleepers()
    other, gone = await _asleep(sleepers, 2)
    gone.cancel()
    await asyncio.sleep(0)

    sleepers.wake_one()
    await asyncio.wait([other], timeout=5)

    assert other.done()
