"""A file whose message is refused after it was taken in goes over to the error folder; others stay."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.connectors.file.afterwards import SERVICE, Afterwards, Taken, move_over
from engine.connectors.file.folder import write_whole
from engine.core.errors import StoreError
from engine.ports.connector import Reason, Receipt, Verdict
from engine.ports.journal import MessageRow
from engine.ports.states import MessageState

NOW = datetime(2026, 11, 20, tzinfo=UTC)
WHY = Reason("X905", "wrong count", "SE01", "send it again")


class Journal:
    """States by message id."""

    def __init__(self, states: dict[int, MessageState]) -> None:
        self.states, self.down = states, False

    async def row(self, message_id: int) -> MessageRow | None:
        if self.down:
            raise StoreError("the store is away")
        state = self.states.get(message_id)
        reason = WHY if state is MessageState.REFUSED else None
        if state is None:
            return None
        return MessageRow(message_id, "in", 1, state, NOW, NOW, 1, "c", None, "810", reason, None)


def taken(*message_ids: int) -> Taken:
    return Taken(Path("done/a.edi"), "a.edi", [Receipt(Verdict.ACCEPTED, one, NOW) for one in message_ids])


def watching(journal: Journal, *files: Taken) -> Afterwards:
    afterwards = Afterwards({SERVICE: journal.row})
    for one in files:
        afterwards.watch(one)
    return afterwards


async def test_a_refused_one_is_told_once_with_its_reason() -> None:
    afterwards = watching(Journal({1: MessageState.DELIVERED, 2: MessageState.REFUSED}), taken(1, 2))
    found = await afterwards.refused()

    assert [one.reason for one in found[0].receipts] == [None, WHY]
    assert await afterwards.refused() == []


async def test_one_on_its_way_is_asked_for_again() -> None:
    journal = Journal({1: MessageState.RECEIVED})
    afterwards = watching(journal, taken(1))
    before = await afterwards.refused()
    journal.states[1] = MessageState.REFUSED

    assert before == []
    assert len(await afterwards.refused()) == 1


async def test_a_store_that_is_away_loses_nothing() -> None:
    journal = Journal({1: MessageState.REFUSED})
    afterwards, journal.down = watching(journal, taken(1)), True
    with pytest.raises(StoreError):
        await afterwards.refused()
    journal.down = False

    assert len(await afterwards.refused()) == 1


@pytest.mark.parametrize("state", [MessageState.DELIVERED, MessageState.HELD, MessageState.FILTERED, None])
async def test_what_is_not_refused_stays(state: MessageState | None) -> None:
    assert await watching(Journal({} if state is None else {1: state}), taken(1)).refused() == []


def test_a_deleted_file_leaves_its_explanation(tmp_path: Path) -> None:
    move_over(taken(1)._replace(path=None), tmp_path, b"why", write_whole)

    assert [path.name for path in tmp_path.iterdir()] == ["a.edi.reason.txt"]
