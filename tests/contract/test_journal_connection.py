"""The connection to the server is lost while messages come in: none lost, none twice."""

from __future__ import annotations

import asyncio

import pytest

from engine.core.errors import StoreError
from engine.ports.connector import Verdict
from engine.ports.journal import Query
from engine.store.open import open_store
from tests.support.stores import CLOCK, Driver, create_database, sql

_KILL = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@pytest.mark.integration
@pytest.mark.parametrize("losses", [8, pytest.param(100, marks=pytest.mark.slow)])
async def test_every_message_is_stored_once_however_often_the_connection_is_lost(
    postgres_uri: str, losses: int
) -> None:
    url = create_database(postgres_uri, f"lost_{losses}", "template_store")
    store = await open_store(url, CLOCK)
    drive = Driver(store)
    refused = 0

    async def send(number: int) -> None:
        """As a sender does: the same id and body again until it is acknowledged."""
        nonlocal refused
        while True:
            try:
                appended = await drive.append(f"N{number}", b"%d" % number)
                assert appended.verdict in (Verdict.ACCEPTED, Verdict.DUPLICATE)
                return
            except StoreError:
                refused += 1
                await asyncio.sleep(0.01)

    for round_ in range(losses):
        sending = [asyncio.create_task(send(round_ * 50 + n)) for n in range(50)]
        await asyncio.sleep(0.002 * (round_ % 5))
        await asyncio.to_thread(sql, url, _KILL)
        await asyncio.gather(*sending)
    found = await store.journal.search(_everything())
    await store.close()

    assert refused > 0
    assert sorted(row.natural_id or "" for row in found) == sorted(f"N{n}" for n in range(losses * 50))


def _everything() -> Query:
    return Query(limit=1_000_000)


@pytest.mark.integration
async def test_a_store_that_is_gone_refuses_quickly_and_comes_back(postgres_uri: str) -> None:
    url = create_database(postgres_uri, "gone", "template_store")
    store = await open_store(url, CLOCK)
    drive = Driver(store)
    await drive.append("A1")

    sql(url, _KILL)
    told = await asyncio.gather(*(drive.append(f"B{n}") for n in range(5)), return_exceptions=True)
    back = await drive.stored("A2")
    await store.close()

    assert any(isinstance(one, StoreError) for one in told)
    assert back.verdict is Verdict.ACCEPTED
