"""One flipped bit in what is stored is found when it is read: held or refused, never delivered."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.core.errors import ChecksumError, StoreError
from engine.core.ids import id_text
from engine.ports.journal import NewDocument, Query
from engine.ports.states import DeliveryState, MessageState
from engine.store.open import open_store
from tests.support.stores import CLOCK, Driver, settlement

ROUNDS = [3, pytest.param(100, marks=pytest.mark.slow)]
AT_ONCE = 100
LENGTH = 1200


def flip(path: Path, table: str, chance: random.Random) -> None:
    """One bit of every stored body of a table, at a place of its own."""

    def flipped(body: bytes) -> bytes:
        at = chance.randrange(len(body))
        return body[:at] + bytes([body[at] ^ 1 << chance.randrange(8)]) + body[at + 1 :]

    connection = sqlite3.connect(path)
    connection.create_function("flipped", 1, flipped)
    with connection:
        connection.execute(f"UPDATE {table} SET body = flipped(body) WHERE body IS NOT NULL")
    connection.close()


def body(number: int) -> bytes:
    return (b"%06d|" % number) * (LENGTH // 7)


@pytest.mark.parametrize("rounds", ROUNDS)
async def test_a_flipped_bit_in_a_received_body_holds_the_message(tmp_path: Path, rounds: int) -> None:
    chance = random.Random(1)
    for number in range(rounds):
        path = tmp_path / f"{number}.db"
        store = await open_store(f"sqlite:///{path}", CLOCK)
        drive = Driver(store)
        for one in range(AT_ONCE):
            drive.submit(drive.message(f"A{one}", body(one)))
        await store.journal.flush()
        flip(path, "bodies", chance)

        assert await store.journal.pending_messages("orders", 0, 1000) == []
        rows = await store.journal.search(Query(limit=1000))
        await store.close()

        assert len(rows) == AT_ONCE
        assert {(row.state, row.reason.code) for row in rows if row.reason} == {(MessageState.HELD, "J003")}


@pytest.mark.parametrize("rounds", ROUNDS)
@pytest.mark.parametrize("table", ["documents", "bodies"])
async def test_a_flipped_bit_in_what_is_to_be_sent_holds_the_delivery(tmp_path: Path, rounds: int, table: str) -> None:
    """`bodies`: the document is the received body itself, kept once."""
    chance = random.Random(2)
    for number in range(rounds):
        path = tmp_path / f"{number}.db"
        store = await open_store(f"sqlite:///{path}", CLOCK)
        drive = Driver(store)
        for one in range(AT_ONCE // 2):
            message = drive.message(f"A{one}", body(one))
            drive.submit(message)
            made = body(one) + b"made" if table == "documents" else body(one)
            drive.finishing(drive.outcome(message.message_id, "erp", document=NewDocument(0, made)))
        await store.journal.flush()
        flip(path, table, chance)

        assert await drive.waiting("erp") == []
        rows = await store.journal.search(Query(limit=1000))
        depths = await store.journal.queue_depths()
        await store.close()

        assert {(row.state, row.reason.code) for row in rows if row.reason} == {(MessageState.HELD, "J003")}
        assert depths == {}


@pytest.mark.parametrize("table", ["bodies", "documents", "responses"])
async def test_a_flipped_bit_is_found_when_a_person_looks(tmp_path: Path, table: str) -> None:
    path = tmp_path / "journal.db"
    store = await open_store(f"sqlite:///{path}", CLOCK)
    drive = Driver(store)
    message_id, (erp,) = await drive.queued("erp")
    await drive.settling(settlement(erp, DeliveryState.DELIVERED, response=b"MSA|AA|1"))
    flip(path, table, random.Random(3))

    with pytest.raises(ChecksumError, match=id_text(message_id)):
        await store.journal.view(message_id)

    rows = await store.journal.search(Query())
    await store.close()
    assert (rows[0].state, rows[0].reason.code if rows[0].reason else None) == (MessageState.HELD, "J003")


@pytest.mark.parametrize("flips", [60, pytest.param(2000, marks=pytest.mark.slow)])
async def test_a_flipped_bit_anywhere_in_the_file_never_changes_what_is_delivered(tmp_path: Path, flips: int) -> None:
    original = await _filled(tmp_path / "original.db")
    chance = random.Random(4)
    for number in range(flips):
        path = tmp_path / f"{number}.db"
        damaged = bytearray(original)
        at = chance.randrange(4096, len(damaged))
        damaged[at] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)

        for read in await _read_everything(path):
            assert read == body(int(read[:6])), f"byte {at}"

        for old in tmp_path.glob(f"{number}.db*"):
            old.unlink()


async def _filled(path: Path) -> bytes:
    store = await open_store(f"sqlite:///{path}", CLOCK)
    drive = Driver(store)
    for number in range(40):
        message = drive.message(f"A{number}", body(number))
        drive.submit(message)
        if number % 2:
            drive.finishing(drive.outcome(message.message_id, "erp", document=NewDocument(0, body(number))))
    await store.close()
    return path.read_bytes()


async def _read_everything(path: Path) -> list[bytes]:
    """Bodies that would be transformed or delivered; a damaged file may refuse to be read or to be opened."""
    found: list[bytes] = []
    try:
        store = await open_store(f"sqlite:///{path}", CLOCK)
    except StoreError:
        return found
    readers: list[Callable[[], object]] = [
        lambda: store.journal.pending_messages("orders", 0, 1000),
        lambda: store.journal.pending_deliveries("orders", "erp", 0, 1000),
    ]
    for read in readers:
        try:
            found += [one.body for one in await read()]  # type: ignore[misc]
        except StoreError:
            pass  # refused, not delivered
    await store.close()
    return found
