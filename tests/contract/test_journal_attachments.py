"""Files kept with a message: in its commit, whole or not at all, checked when read, and gone when it goes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine.core.clock import to_micros
from engine.core.errors import ChecksumError
from engine.core.ids import first_id_at
from engine.ports.connector import Attachment, Verdict
from engine.ports.journal import Outcome
from engine.ports.states import DeliveryState, MessageState
from engine.store.checksum import checksum
from tests.support.stores import CLOCK, REFUSED, Driver, settlement, sql

OLD = CLOCK.now() - timedelta(days=40)
CUT = CLOCK.now() - timedelta(days=30)
INVOICE = Attachment("invoice 88021.pdf", "application/pdf", b"%PDF-1.7\x00\xff")
SCAN = Attachment("Lieferschein – 7.png", "image/png", bytes(range(256)) * 4096)


async def test_attachments_come_back_as_they_were_in_their_order(drive: Driver) -> None:
    appended = await drive.append("A1", attachments=(INVOICE, SCAN))

    assert await drive.store.journal.attachments(appended.message_id) == [INVOICE, SCAN]
    view = await drive.store.journal.view(appended.message_id)
    assert view is not None
    assert [(one.position, one.name, one.media_type, one.size, one.digest) for one in view.attachments] == [
        (0, INVOICE.name, INVOICE.media_type, len(INVOICE.body), checksum(INVOICE.body).hex()),
        (1, SCAN.name, SCAN.media_type, len(SCAN.body), checksum(SCAN.body).hex()),
    ]


async def test_a_duplicate_brings_no_second_copy(store_url: str, drive: Driver) -> None:
    await drive.append("A1", attachments=(INVOICE,))
    repeated = await drive.append("A1", attachments=(INVOICE,))

    assert repeated.verdict is Verdict.DUPLICATE
    assert sql(store_url, "SELECT count(*) FROM attachments") == [(1,)]


async def test_a_message_without_attachments_has_none(drive: Driver) -> None:
    appended = await drive.append("A1")

    assert await drive.store.journal.attachments(appended.message_id) == []


async def test_a_flipped_bit_in_an_attachment_is_found(store_url: str, drive: Driver) -> None:
    appended = await drive.append("A1", attachments=(INVOICE,))
    flipped = bytes([INVOICE.body[0] ^ 1]) + INVOICE.body[1:]
    literal = f"x'{flipped.hex()}'" if store_url.startswith("sqlite") else f"'\\x{flipped.hex()}'::bytea"
    sql(store_url, f"UPDATE attachments SET body = {literal}")

    with pytest.raises(ChecksumError, match="attachment 1"):
        await drive.store.journal.attachments(appended.message_id)


async def test_files_of_an_answer_join_those_of_the_message_once(drive: Driver) -> None:
    message_id, pending = await drive.queued("erp", "archive", attachments=(INVOICE,))
    terms, again = (Attachment(f"{name}/terms.pdf", "application/pdf", b"%PDF terms") for name in ("erp", "archive"))

    await drive.settling(settlement(pending[0], DeliveryState.SENDING, attachments=()))
    await drive.settling(settlement(pending[0], DeliveryState.DELIVERED, attachments=(terms, terms)))
    await drive.settling(settlement(pending[1], DeliveryState.DELIVERED, attachments=(again,)))
    found = await drive.store.journal.attachments(message_id)

    assert found == [INVOICE, terms, again]
    assert [one.is_of_an_answer for one in found] == [False, True, True]


async def test_attachments_go_with_their_message_and_stay_with_one_that_waits(store_url: str, drive: Driver) -> None:
    def made(number: int) -> dict[str, int]:
        return {"message_id": first_id_at(OLD) + number, "received_micros": to_micros(OLD)}

    final = await drive.append("A1", attachments=(INVOICE,), **made(1))
    await drive.finishing(Outcome(final.message_id, MessageState.FILTERED, REFUSED))
    waiting = await drive.append("A2", attachments=(SCAN,), **made(2))

    await drive.store.journal.prune(CUT)

    assert await drive.store.journal.attachments(final.message_id) == []
    assert await drive.store.journal.attachments(waiting.message_id) == [SCAN]
    assert sql(store_url, "SELECT count(*) FROM attachments") == [(1,)]
