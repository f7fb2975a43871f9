"""What may wait a moment is handed on together."""

from __future__ import annotations

import asyncio

from engine.flow.gathering import GATHERED, Gathering


async def test_what_comes_within_a_moment_is_handed_on_together_and_in_order() -> None:
    groups: list[list[int]] = []
    gathering = Gathering[int](groups.append)

    gathering.add(1, hurry=False)
    gathering.add(2, hurry=False)
    before = list(groups)
    async with asyncio.timeout(30):
        while not groups:
            await asyncio.sleep(0.001)

    assert before == []
    assert groups == [[1, 2]]


async def test_hurry_takes_along_what_was_gathered_and_nothing_comes_twice() -> None:
    groups: list[list[int]] = []
    gathering = Gathering[int](groups.append)

    gathering.add(1, hurry=False)
    gathering.add(2, hurry=True)
    gathering.hand_on()

    assert groups == [[1, 2]]
    assert len(gathering) == 0


async def test_a_full_group_does_not_wait() -> None:
    groups: list[list[int]] = []
    gathering = Gathering[int](groups.append)

    for number in range(GATHERED):
        gathering.add(number, hurry=False)

    assert groups == [list(range(GATHERED))]
