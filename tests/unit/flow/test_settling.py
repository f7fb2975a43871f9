"""Notes about deliveries reach the journal, however often it fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import cast

import pytest

from engine.core.errors import StoreError
from engine.flow import settling as module
from engine.flow.meter import DeliveryMeter
from engine.flow.settling import Settling
from engine.ports.journal import Journal, Settlement
from engine.ports.states import DeliveryState


class _Journal:
    """Refuses the first `failures` calls."""

    def __init__(self, failures: int) -> None:
        self.failures, self.written = failures, list[list[int]]()

    def settle(self, settlements: Sequence[Settlement], done: Callable[[Exception | None], None]) -> None:
        if self.failures:
            self.failures -= 1
            asyncio.get_running_loop().call_soon(done, StoreError("away"))
            return
        self.written.append([one.delivery_id for one in settlements])
        asyncio.get_running_loop().call_soon(done, None)


def _settling(journal: _Journal) -> Settling:
    return Settling(cast(Journal, journal), DeliveryMeter("channel", "out"))


def _note(delivery_id: int) -> Settlement:
    return Settlement(delivery_id, 1, DeliveryState.DELIVERED, 1, 0)


async def _written(settling: Settling) -> None:
    async with asyncio.timeout(30):
        while settling.unwritten:
            await asyncio.sleep(0.001)


async def test_gathered_notes_are_one_call_and_each_is_told() -> None:
    journal, told = _Journal(0), list[int]()
    settling = _settling(journal)

    for number in (1, 2, 3):
        settling.gather(_note(number), lambda number=number: told.append(number), False)  # type: ignore[misc]
    unwritten = settling.unwritten
    await _written(settling)

    assert unwritten == 3
    assert journal.written == [[1, 2, 3]]
    assert told == [1, 2, 3]


async def test_after_a_failure_each_note_is_written_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STORE_RETRY_SECONDS", 0.001)
    journal, told = _Journal(2), list[int]()
    settling = _settling(journal)

    settling.gather(_note(1), lambda: told.append(1), False)
    settling.gather(_note(2), lambda: told.append(2), True)
    await _written(settling)

    assert sorted(journal.written) == [[1], [2]]
    assert sorted(told) == [1, 2]


async def test_a_note_that_must_be_written_is_tried_until_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STORE_RETRY_SECONDS", 0.001)
    journal = _Journal(3)

    async with asyncio.timeout(30):
        await _settling(journal).write_surely(_note(7))

    assert journal.written == [[7]]
