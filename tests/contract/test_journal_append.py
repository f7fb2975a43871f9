"""What `append` promises: durable before called back, natural ids recognised, nothing half done."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from engine.core.errors import StoreError
from engine.ports.connector import Reason, Verdict
from engine.ports.journal import Query
from engine.ports.states import MessageState
from engine.store.open import open_store
from tests.support.stores import CLOCK, Driver, engine_store, resolver, sql


async def test_a_message_is_durable_before_its_callback(store_url: str, drive: Driver) -> None:
    seen: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    message = drive.message("A1")

    def done(verdict: Any) -> None:
        rows = sql(store_url, f"SELECT count(*) FROM messages WHERE id = {verdict.message_id}")
        seen.set_result(rows[0][0])

    drive.store.journal.append(message, done)

    assert await seen == 1


async def test_a_new_message_is_accepted_and_received(drive: Driver) -> None:
    appended = await drive.append("A1", b"body", message_type="ADT^A01", attributes={"peer": "10.0.0.1"})

    view = await drive.store.journal.view(appended.message_id)
    assert appended.verdict is Verdict.ACCEPTED
    assert view is not None
    assert (view.body, view.row.state, view.row.natural_id) == (b"body", MessageState.RECEIVED, "A1")
    assert (view.row.message_type, dict(view.attributes), view.row.size) == ("ADT^A01", {"peer": "10.0.0.1"}, 4)


async def test_the_same_id_with_the_same_body_is_a_duplicate_of_the_first(drive: Driver) -> None:
    first = await drive.append("A1", b"same")

    again = await drive.append("A1", b"same")

    assert again.verdict is Verdict.DUPLICATE
    assert (again.message_id, again.received_micros) == (first.message_id, first.received_micros)
    assert len(await drive.store.journal.search(Query())) == 1


async def test_the_same_id_with_another_body_is_a_conflict_kept_as_refused(drive: Driver) -> None:
    first = await drive.append("A1", b"one")

    other = await drive.append("A1", b"two")

    assert other.verdict is Verdict.CONFLICT
    assert other.reason is not None
    assert other.reason.code == "M007"
    assert other.message_id != first.message_id
    assert await drive.state(other.message_id) is MessageState.REFUSED
    assert await drive.state(first.message_id) is MessageState.RECEIVED


async def test_duplicates_and_conflicts_are_found_within_one_batch(drive: Driver) -> None:
    bodies = [b"one", b"one", b"two", b"one"]

    verdicts = await asyncio.gather(*(drive.submit(drive.message("A1", body)) for body in bodies))

    kinds = [one.verdict for one in verdicts]
    assert kinds == [Verdict.ACCEPTED, Verdict.DUPLICATE, Verdict.CONFLICT, Verdict.DUPLICATE]
    assert verdicts[1].message_id == verdicts[0].message_id


async def test_a_natural_id_is_unique_within_its_scope_only(drive: Driver) -> None:
    verdicts = [await drive.append("1", b"a", scope=scope) for scope in ("supplier A", "supplier B")]

    assert [one.verdict for one in verdicts] == [Verdict.ACCEPTED, Verdict.ACCEPTED]


async def test_without_a_scope_the_channel_is_the_scope(drive: Driver) -> None:
    verdicts = [await drive.append("1", b"a", channel=channel) for channel in ("orders", "invoices")]

    assert [one.verdict for one in verdicts] == [Verdict.ACCEPTED, Verdict.ACCEPTED]


async def test_a_message_without_natural_id_is_never_compared(drive: Driver) -> None:
    verdicts = [await drive.append(None, b"same") for _ in range(3)]

    assert {one.verdict for one in verdicts} == {Verdict.ACCEPTED}


async def test_a_refused_message_is_kept_with_its_reason_also_for_its_duplicates(drive: Driver) -> None:
    why = Reason("M002", "no MSH segment", where="byte 1")
    refused = await drive.append("A1", b"junk", state=MessageState.REFUSED, reason=why)

    again = await drive.append("A1", b"junk")

    assert (refused.verdict, again.verdict) == (Verdict.REFUSED, Verdict.DUPLICATE)
    assert again.reason == why
    assert (await drive.store.journal.search(Query()))[0].reason == why


async def test_natural_ids_are_recognised_after_a_restart(store_url: str, drive: Driver) -> None:
    first = await drive.append("A1", b"same")
    other = await open_store(store_url, CLOCK)
    try:
        again = await Driver(other).append("A1", b"same")
    finally:
        await other.close()

    assert (again.verdict, again.message_id) == (Verdict.DUPLICATE, first.message_id)


async def test_callbacks_come_in_order_and_once(drive: Driver) -> None:
    order: list[int] = []
    for number in range(700):
        drive.store.journal.append(drive.message(f"A{number}"), lambda _, n=number: order.append(n))

    await drive.store.journal.flush()

    assert order == list(range(700))


async def test_a_callback_that_raises_silences_no_other(drive: Driver) -> None:
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)

    def bad(_: Any) -> None:
        raise ValueError("a listener's mistake")

    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    drive.store.journal.append(drive.message("A1"), bad)
    drive.store.journal.append(drive.message("A2"), resolver(future))

    assert (await future).verdict is Verdict.ACCEPTED


async def test_a_message_that_cannot_be_stored_fails_alone(drive: Driver) -> None:
    good, twin = drive.message("A1"), drive.message("A2")
    bad = drive.message("A3", message_id=good.message_id)

    results = await asyncio.gather(*map(drive.submit, (good, bad, twin)), return_exceptions=True)

    assert isinstance(results[1], StoreError)
    assert [getattr(one, "verdict", None) for one in results] == [Verdict.ACCEPTED, None, Verdict.ACCEPTED]


async def test_errors_name_no_value_of_a_message(drive: Driver) -> None:
    message = drive.message("PATIENT-4711")
    await drive.submit(message)

    with pytest.raises(StoreError) as caught:
        await drive.append("PATIENT-4712", message_id=message.message_id)

    assert "PATIENT" not in str(caught.value)


async def test_a_read_only_store_reads_beside_the_engine_and_writes_nothing(store_url: str, drive: Driver) -> None:
    await drive.append("A1")
    reading = await open_store(store_url, CLOCK, read_only=True)
    try:
        found = await reading.journal.search(Query())
        with pytest.raises(StoreError, match="reading only"):
            await Driver(reading).append("A2")
    finally:
        await reading.close()

    assert [row.natural_id for row in found] == ["A1"]


async def test_what_was_submitted_before_close_is_written(store_url: str) -> None:
    opened = await engine_store(store_url)
    driver = Driver(opened)
    for number in range(300):
        opened.journal.append(driver.message(f"A{number}"), lambda _: None)

    await opened.close()

    assert sql(store_url, "SELECT count(*) FROM messages")[0][0] == 300


async def test_flush_waits_for_everything_submitted_before_it(drive: Driver) -> None:
    """More than one commit takes, of every kind."""
    called: list[int] = []
    for number in range(2500):
        message = drive.message(f"A{number}")
        drive.store.journal.append(message, lambda _, n=number: called.append(n))
        drive.finishing(drive.outcome(message.message_id, "erp"))

    await drive.store.journal.flush()

    assert called == list(range(2500))
    assert await drive.store.journal.queue_depths() == {("orders", "erp"): 2500}


@pytest.mark.parametrize("natural_id", ["x" * 5000, "with\x00nul", "", "é" * 3000])
async def test_odd_natural_ids_are_stored_and_recognised(drive: Driver, natural_id: str) -> None:
    first = await drive.append(natural_id)
    other = await drive.append(natural_id + "!")

    again = await drive.append(natural_id)

    assert (first.verdict, other.verdict) == (Verdict.ACCEPTED, Verdict.ACCEPTED)
    assert (again.verdict, again.message_id) == (Verdict.DUPLICATE, first.message_id)
    found = await drive.store.journal.search(Query(key=(None, natural_id, False)))
    assert [row.message_id for row in found] == [first.message_id]


async def test_the_journals_file_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "sub" / "journal.db"
    store = await open_store(f"sqlite:///{path}", CLOCK)
    await Driver(store).append("A1")

    rights = {one.name: one.stat().st_mode & 0o777 for one in path.parent.iterdir()}
    await store.close()

    assert set(rights.values()) == {0o600}
    assert len(rights) == 3
