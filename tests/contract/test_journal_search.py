"""Search: every part must match, newest first, and always along an index."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from engine.ports.journal import Outcome, Query
from engine.ports.states import DeliveryState, MessageState
from engine.store.names import Names
from engine.store.open import open_store
from engine.store.read import open_after, received_after
from engine.store.search import search_statement
from tests.support.stores import CLOCK, REFUSED, Driver, settlement

M = MessageState


async def keyed(drive: Driver, value: str, name: str = "order", **more: object) -> int:
    appended = await drive.append(**more)  # type: ignore[arg-type]
    await drive.finishing(Outcome(appended.message_id, M.FILTERED, REFUSED, keys=[(name, value)]))
    return appended.message_id


async def found(drive: Driver, **query: object) -> list[int]:
    return [row.message_id for row in await drive.store.journal.search(Query(**query))]  # type: ignore[arg-type]


async def test_a_business_key_is_found_by_equality_and_by_prefix(drive: Driver) -> None:
    first, second, _ = [await keyed(drive, value) for value in ("PO-100", "PO-1001", "PO-2")]

    assert await found(drive, key=("order", "PO-100", False)) == [first]
    assert await found(drive, key=("order", "PO-100", True)) == [second, first]
    assert await found(drive, key=("invoice", "PO-100", False)) == []
    assert await found(drive, key=(None, "PO-1001", False)) == [second]


async def test_a_natural_id_is_found_by_equality_and_by_prefix(drive: Driver) -> None:
    first = await drive.append("MSG001")
    second = await drive.append("MSG002", scope="supplier")
    conflict = await drive.append("MSG001", b"other")

    assert await found(drive, key=(None, "MSG002", False)) == [second.message_id]
    assert await found(drive, key=(None, "MSG", True)) == [conflict.message_id, second.message_id, first.message_id]
    assert await found(drive, key=(None, "MSG001", False)) == [conflict.message_id, first.message_id]


@pytest.mark.parametrize("value", ["50%", "a_b", "x'y", "Ä-1", "\U0001f600", "*"])
async def test_wildcards_and_odd_characters_mean_themselves(drive: Driver, value: str) -> None:
    wanted = await keyed(drive, value + "z")
    await keyed(drive, "unrelated")

    assert await found(drive, key=("order", value, True)) == [wanted]


async def test_every_part_must_match(drive: Driver) -> None:
    wanted = await keyed(drive, "PO-1", message_type="850")
    await keyed(drive, "PO-1", message_type="810")
    await keyed(drive, "PO-1", message_type="850", channel="invoices")

    assert await found(drive, channel="orders", message_type="850", key=("order", "PO-1", False)) == [wanted]
    assert await found(drive, channel="nowhere") == []


async def test_pages_go_back_in_time(drive: Driver) -> None:
    ids = [(await drive.append()).message_id for _ in range(5)]

    first = await found(drive, limit=2)
    assert first == [ids[4], ids[3]]
    assert await found(drive, limit=2, before_id=first[-1]) == [ids[2], ids[1]]


async def test_a_time_range_includes_its_start_and_not_its_end(drive: Driver) -> None:
    appended = await drive.append()
    row = (await drive.store.journal.search(Query()))[0]
    later = row.received_at + timedelta(microseconds=1)

    assert await found(drive, since=row.received_at, until=later) == [appended.message_id]
    assert await found(drive, since=later) == await found(drive, until=row.received_at) == []


async def test_a_correlation_id_finds_the_first_message_and_all_that_carry_it(drive: Driver) -> None:
    first = await drive.append()
    row = (await drive.store.journal.search(Query()))[0]
    second = await drive.append(correlation_id=row.correlation_id, channel="invoices")
    foreign = await drive.append(correlation_id="from upstream")

    assert await found(drive, correlation_id=row.correlation_id) == [second.message_id, first.message_id]
    assert await found(drive, correlation_id="from upstream") == [foreign.message_id]


@pytest.mark.parametrize("state", [M.RECEIVED, M.QUEUED, M.DELIVERED, M.HELD, M.FILTERED])
async def test_messages_are_found_by_state(drive: Driver, state: M) -> None:
    by_state = {M.RECEIVED: (await drive.append()).message_id, M.FILTERED: await keyed(drive, "x")}
    by_state[M.QUEUED], _ = await drive.queued("erp")
    by_state[M.HELD], _ = await drive.held("erp")
    by_state[M.DELIVERED], (one,) = await drive.queued("mail")
    await drive.settling(settlement(one, DeliveryState.DELIVERED))

    assert await found(drive, states=[state]) == [by_state[state]]
    assert await found(drive, states=[state], channel="orders") == [by_state[state]]


QUERIES = {
    "newest": Query(),
    "channel": Query(channel="orders"),
    "state": Query(states=[M.HELD]),
    "states": Query(states=[M.HELD, M.REFUSED], channel="orders"),
    "queued": Query(states=[M.QUEUED]),
    "key": Query(key=("order", "1", False)),
    "any key by prefix": Query(key=(None, "1", True)),
    "correlation": Query(correlation_id="0CMX288BR0000"),
    "time": Query(since=CLOCK.now() - timedelta(days=2), until=CLOCK.now() - timedelta(days=1)),
}


@pytest.mark.parametrize("name", QUERIES)
async def test_no_search_scans_the_messages(tmp_path: Path, name: str) -> None:
    """Every table is entered through an index or the id; the newest-first walk reads ids in order."""
    plan = await _plan(tmp_path, lambda connection: search_statement(connection, Names(), QUERIES[name]))

    scans = [line for line in plan if line.startswith("SCAN") and not line.startswith(FREE_TO_SCAN)]
    assert scans == (["SCAN messages"] if name == "newest" else [])
    if name in ("newest", "channel", "time"):
        assert not any("TEMP B-TREE" in line for line in plan)


# The dictionary of names is small, and the index of open deliveries has only these.
FREE_TO_SCAN = ("SCAN names", "SCAN deliveries USING INDEX deliveries_open")


async def test_what_is_pending_is_read_along_its_partial_index_in_order(tmp_path: Path) -> None:
    """A restart with a million queued messages reads a page, not a million."""
    received = await _plan(tmp_path, lambda _: received_after(1, 7, 100))
    queued = await _plan(tmp_path, lambda _: open_after(1, 2, 7, 100))

    assert "messages_state (state=? AND channel=? AND id>?)" in received[0]
    assert "deliveries_open (channel=? AND destination=? AND id>?)" in queued[0]
    assert not any("SCAN" in line or "TEMP B-TREE" in line for line in received + queued)


async def _plan(folder: Path, make: Callable[[sa.Connection], sa.Select[Any] | None]) -> list[str]:
    store = await open_store(f"sqlite:///{folder}/journal.db", CLOCK)
    await keyed(Driver(store), "1")
    await store.close()
    engine = sa.create_engine("sqlite://", creator=lambda: sqlite3.connect(folder / "journal.db"))
    with engine.connect() as connection:
        statement = make(connection)
        assert statement is not None
        text = str(statement.compile(connection, compile_kwargs={"literal_binds": True}))
        return [row[3] for row in connection.exec_driver_sql("EXPLAIN QUERY PLAN " + text)]
