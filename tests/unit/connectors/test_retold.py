"""What people did is not taken from a message that somebody edited or replayed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.connectors.procure import ProcureDestination, ProcureDestinationSettings
from engine.connectors.retold import is_retold
from engine.core.errors import DestinationError
from engine.ports.connector import Outbound
from engine.ports.journal import MessageRow
from engine.ports.states import MessageState
from tests.support.approvals_double import approvals_double
from tests.support.connector_doubles import context
from tests.support.suppliers import BERT, answer

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def _row(number: int, channel: str, parent: int | None) -> MessageRow:
    return MessageRow(
        message_id=number, channel=channel, revision=1, state=MessageState.QUEUED, received_at=NOW, changed_at=NOW,
        size=1, correlation_id="c", natural_id=None, message_type=None, reason=None, parent_id=parent,
    )  # fmt: skip


ROWS = {
    1: _row(1, "platform", None),
    2: _row(2, "platform", 1),  # edited, or replayed
    3: _row(3, "approvals", 1),  # handed over
    4: _row(4, "approvals", 2),  # handed over after it was edited
    5: _row(5, "approvals", 3),  # edited after it was handed over
    6: _row(6, "approvals", 99),  # its parent is gone
    7: _row(7, "a", 8),
    8: _row(8, "b", 7),  # a circle that nobody could have made
}


async def row_of(message_id: int) -> MessageRow | None:
    return ROWS.get(message_id)


@pytest.mark.parametrize(
    ("message_id", "retold"),
    [(1, False), (2, True), (3, False), (4, True), (5, True), (6, True), (7, True), (99, True)],
)
async def test_the_ancestors_tell_whether_a_person_had_a_hand_in_it(message_id: int, retold: bool) -> None:
    assert await is_retold(message_id, row_of) is retold


async def test_an_edited_message_approves_nothing(tmp_path: Path) -> None:
    office = approvals_double()
    destination = ProcureDestination(
        ProcureDestinationSettings(system="platform"),
        context(tmp_path, services={"procure": office, "message_row": row_of}),
    )
    body = answer("N", BERT, NOW).model_dump_json().encode()

    with pytest.raises(DestinationError, match="edited or replayed"):
        await destination.send(Outbound(1, 2, "process", "c", "k", body, kind="ApprovalAction"))
