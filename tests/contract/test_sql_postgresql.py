"""What only a real server shows of `sql`: transactions side by side, statements that hang, connections that are cut."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from engine.connectors.sql.destination import SqlDestination
from engine.connectors.sql.settings import SqlDestinationSettings, SqlSourceSettings
from engine.connectors.sql.source import SqlSource
from engine.core.errors import TransportError
from engine.ports.connector import Outbound
from tests.support.connector_doubles import Door, Secrets, context
from tests.support.stores import create_database
from tests.support.waiting import until

pytestmark = pytest.mark.integration
_COUNT = itertools.count(1)
HANGING = "CREATE VIEW receipts AS SELECT 1 AS id, pg_sleep(60)::text AS slept"


@pytest.fixture
def uri(postgres_uri: str) -> str:
    return create_database(postgres_uri, f"sql_{next(_COUNT)}")


@pytest.fixture
def server(uri: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(uri, autocommit=True) as connection:
        yield connection


def source_of(uri: str, folder: Path, **settings: Any) -> SqlSource:
    usual: dict[str, Any] = {"url": "env:URL", "table": "receipts", "key": ["id"], "watermark": "id", "poll": "20ms"}
    surroundings = context(folder, secrets=Secrets({"env:URL": uri}))
    return SqlSource(SqlSourceSettings(**usual | settings), surroundings)


def destination_of(uri: str, folder: Path, **settings: Any) -> SqlDestination:
    surroundings = context(folder, secrets=Secrets({"env:URL": uri}))
    return SqlDestination(SqlDestinationSettings(url="env:URL", **settings), surroundings)


def invoice(number: str = "1", **more: Any) -> Outbound:
    body = json.dumps({"number": number} | more).encode()
    return Outbound(1, 1, "under_test", "correlation", f"key-{number}", body, natural_key=number)


def busy(server: psycopg.Connection[Any]) -> int:
    query = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%isthmus_row%'"
    found = server.execute(query + " AND pid <> pg_backend_pid()").fetchone()
    return int(found[0]) if found else 0


async def until_busy(server: psycopg.Connection[Any], wanted: bool) -> None:
    async with asyncio.timeout(30):
        while (busy(server) > 0) is not wanted:
            await asyncio.sleep(0.02)


async def test_no_row_of_transactions_that_overlap_is_lost_or_repeated(
    uri: str, server: psycopg.Connection[Any], tmp_path: Path
) -> None:
    server.execute("CREATE TABLE receipts (id BIGSERIAL PRIMARY KEY, clerk INTEGER)")
    door, chance = Door(), random.Random(7)

    async def clerk(number: int) -> None:
        async with await psycopg.AsyncConnection.connect(uri) as connection:
            for _ in range(15):
                await connection.execute("INSERT INTO receipts (clerk) VALUES (%s)", (number,))
                await asyncio.sleep(chance.random() * 0.03)  # its number is taken, its row not seen yet
                await (connection.rollback() if chance.random() < 0.2 else connection.commit())

    async def late_clerk() -> None:
        async with await psycopg.AsyncConnection.connect(uri) as connection:
            inserted = await connection.execute("INSERT INTO receipts (clerk) VALUES (9) RETURNING id")
            row = await inserted.fetchone()
            assert row is not None
            await until(lambda: any(json.loads(one.body)["id"] > row[0] for one in door.stored))

    polling = asyncio.ensure_future(source_of(uri, tmp_path, page=4).run(door))
    await asyncio.gather(late_clerk(), *(clerk(number) for number in range(6)))
    there = [row[0] for row in server.execute("SELECT id FROM receipts ORDER BY id")]
    async with asyncio.timeout(30):
        while len(door.stored) < len(there):
            await asyncio.sleep(0.02)
    await asyncio.sleep(0.1)  # long enough to take one of them again
    polling.cancel()
    await asyncio.gather(polling, return_exceptions=True)
    taken = [json.loads(one.body)["id"] for one in door.stored]

    assert sorted(taken) == there
    assert taken != sorted(taken)  # one did end late, or this test shows nothing
    assert door.asked == len(there)


async def test_cancelled_source_ends_its_statement_on_the_server(
    uri: str, server: psycopg.Connection[Any], tmp_path: Path
) -> None:
    server.execute(HANGING)
    running = asyncio.ensure_future(source_of(uri, tmp_path).run(Door()))
    await until_busy(server, True)
    began = time.monotonic()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await until_busy(server, False)

    assert time.monotonic() - began < 5


async def test_statement_that_hangs_is_given_up_in_time(
    uri: str, server: psycopg.Connection[Any], tmp_path: Path
) -> None:
    server.execute(HANGING)
    source = source_of(uri, tmp_path, timeout="300ms")
    await asyncio.wait_for(source.look(Door()), 30)
    await source._database.close()

    assert source.problem == "the database did not finish it (QueryCanceled 57014)"
    await until_busy(server, False)


async def test_connection_that_was_cut_is_made_again(uri: str, server: psycopg.Connection[Any], tmp_path: Path) -> None:
    server.execute("CREATE TABLE receipts (id INTEGER PRIMARY KEY)")
    source, door = source_of(uri, tmp_path), Door()
    await source.look(door)
    server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    server.execute("INSERT INTO receipts VALUES (1)")
    await source.look(door)
    await source._database.close()

    assert source.problem is None
    assert len(door.stored) == 1


async def test_connection_cut_in_a_transaction_is_a_transport_error_and_nothing_is_written(
    uri: str, server: psycopg.Connection[Any], tmp_path: Path
) -> None:
    server.execute("CREATE TABLE invoices (number TEXT PRIMARY KEY)")
    destination = destination_of(uri, tmp_path, table="invoices", key=["number"], columns={"number": "number"})
    with psycopg.connect(uri) as holding:
        holding.execute("LOCK TABLE invoices IN ACCESS EXCLUSIVE MODE")
        sending = asyncio.ensure_future(destination.send(invoice()))
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        async with asyncio.timeout(30):
            while not server.execute(cut).fetchall():
                await asyncio.sleep(0.02)
        with pytest.raises(TransportError) as caught:
            await sending
    await destination.close()

    assert not caught.value.sent
    assert server.execute("SELECT * FROM invoices").fetchall() == []


async def test_server_that_is_not_there_is_a_transport_error_without_the_password(tmp_path: Path) -> None:
    secrets = Secrets({"env:URL": "postgresql://u:CANARY@127.0.0.1:1/db"})
    settings = SqlDestinationSettings(url="env:URL", table="invoices", key=["number"], columns={"number": "number"})
    destination = SqlDestination(settings, context(tmp_path, secrets=secrets))
    with pytest.raises(TransportError) as caught:
        await destination.send(invoice())
    health = await destination.check()
    await destination.close()

    assert not caught.value.sent
    assert not health.ok
    assert "CANARY" not in str(caught.value) + health.text


async def test_values_of_postgresql_are_exact_json_whatever_the_session_s_zone(
    uri: str, server: psycopg.Connection[Any], tmp_path: Path
) -> None:
    server.execute(
        "CREATE TABLE receipts (id BIGINT PRIMARY KEY, price NUMERIC, at TIMESTAMPTZ, extra JSONB, tags TEXT[], "
        "code UUID, took INTERVAL, open BOOLEAN, at_noon TIME)"
    )
    server.execute(
        "INSERT INTO receipts VALUES (9007199254740993, 123456789012345678.900, '2026-03-01 10:00:00+05', "
        "'{\"rate\": 0.10000000000000000555, \"n\": [1, null]}', '{a,b}', "
        "'6f1a2b3c-0000-4000-8000-000000000001', '90 minutes', true, '12:00')"
    )
    door, source = Door(), source_of(uri, tmp_path)
    await source.look(door)
    await source._database.close()

    assert json.loads(door.stored[0].body) == {
        "id": 9007199254740993,
        "price": "123456789012345678.900",
        "at": "2026-03-01T05:00:00Z",
        "extra": {"rate": "0.10000000000000000555", "n": [1, None]},
        "tags": ["a", "b"],
        "code": "6f1a2b3c-0000-4000-8000-000000000001",
        "took": "PT5400S",
        "open": True,
        "at_noon": "12:00:00",
    }


async def test_time_watermark_with_a_zone_and_a_uuid_key(
    uri: str, server: psycopg.Connection[Any], tmp_path: Path
) -> None:
    server.execute(
        "CREATE TABLE receipts (id UUID PRIMARY KEY DEFAULT gen_random_uuid(), changed TIMESTAMPTZ DEFAULT now())"
    )
    door = Door()
    for _ in range(3):
        server.execute("INSERT INTO receipts SELECT gen_random_uuid(), now() FROM generate_series(1, 5)")
        source = source_of(uri, tmp_path, watermark="changed", page=2)
        await source.look(door)
        await source.look(door)
        await source._database.close()

    assert len(door.stored) == door.asked == 15


async def test_types_of_columns_take_a_document_s_texts(
    uri: str, server: psycopg.Connection[Any], tmp_path: Path
) -> None:
    server.execute(
        "CREATE SCHEMA finance; CREATE TYPE finance.state AS ENUM ('open', 'paid'); "
        "CREATE TABLE finance.invoices (number TEXT PRIMARY KEY, raw BYTEA, extra JSONB, tags TEXT[], at TIMESTAMPTZ, "
        "paid BOOLEAN, rate DOUBLE PRECISION, code UUID, state finance.state, message TEXT)"
    )
    columns = {name: name for name in ("number", "raw", "extra", "tags", "at", "paid", "rate", "code", "state")}
    columns["message"] = "@message_id"
    destination = destination_of(uri, tmp_path, table="finance.invoices", key=["number"], columns=columns)
    code = "6f1a2b3c-0000-4000-8000-000000000001"
    plain = {"raw": "AP8=", "extra": {"a": [1]}, "tags": ["x", "y"], "at": "2026-03-01T10:00:00Z"}
    document = invoice(**plain, paid=True, rate=0.5, code=code, state="paid")
    await destination.send(document)
    await destination.send(document)
    await destination.close()
    query = (
        "SELECT raw, extra, tags, at = '2026-03-01 10:00:00+00', paid, rate, code::text, state::text "
        "FROM finance.invoices"
    )

    assert server.execute(query).fetchall() == [
        (b"\x00\xff", {"a": [1]}, ["x", "y"], True, True, 0.5, code, "paid"),
    ]


async def test_injection_in_a_value_is_a_value(uri: str, server: psycopg.Connection[Any], tmp_path: Path) -> None:
    server.execute("CREATE TABLE invoices (number TEXT PRIMARY KEY)")
    wicked = "'; DROP TABLE invoices; -- %(x)s :y \\"
    destination = destination_of(uri, tmp_path, table="invoices", key=["number"], columns={"number": "number"})
    await destination.send(invoice(wicked))
    await destination.close()
    source, door = source_of(uri, tmp_path, table="invoices", key=["number"], watermark="number"), Door()
    await source.look(door)
    await source._database.close()

    assert server.execute("SELECT number FROM invoices").fetchall() == [(wicked,)]
    assert json.loads(door.stored[0].body) == {"number": wicked}
