"""What makes the writer's answers trustworthy, with a database that fails on command."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from engine.core.errors import ConfigurationError, StoreError
from engine.store.database import SqliteDatabase
from engine.store.migrate import bring_up_to_date
from engine.store.open import Store
from engine.store.transaction import Transaction
from tests.support.faulty_store import FaultyDatabase
from tests.support.stores import CLOCK, Driver, sql


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def faults(path: Path) -> FaultyDatabase:
    real = SqliteDatabase(path)
    bring_up_to_date(real)
    return FaultyDatabase(real)


@pytest.fixture
async def drive(faults: FaultyDatabase) -> AsyncIterator[Driver]:
    store = Store(faults, CLOCK)
    yield Driver(store)
    await store.close()


async def test_everything_pending_shares_one_commit(drive: Driver, faults: FaultyDatabase) -> None:
    await asyncio.gather(*(drive.submit(drive.message(f"A{n}")) for n in range(200)))

    assert faults.steps.count("commit") < 10


async def test_a_refused_operation_takes_back_its_own_writes_only(drive: Driver, path: Path) -> None:
    def refuse(transaction: Transaction) -> None:
        transaction.count_message(transaction.number("invoices"), 1)
        raise ConfigurationError("not allowed")

    writer = drive.store._writer
    appended = drive.submit(drive.message("A1"))
    with pytest.raises(ConfigurationError):
        await writer.perform(refuse)

    assert (await appended).message_id
    assert sql(f"sqlite:///{path}", "SELECT name FROM names") == [("orders",)]
    await drive.append("A1", channel="invoices")
    assert [(one.channel, one.count) for one in await drive.store.journal.counts()] == [("orders", 1), ("invoices", 1)]


async def test_an_operation_of_a_cancelled_task_disturbs_nobody(drive: Driver) -> None:
    task = asyncio.create_task(drive.store.audit.record("ana", "view", "message"))
    await asyncio.sleep(0)
    task.cancel()

    assert (await drive.append("A1")).message_id


async def test_after_a_failed_commit_the_connection_is_reopened_and_looked_at(
    drive: Driver, faults: FaultyDatabase
) -> None:
    await drive.append("A1")
    faults.fail_at = len(faults.steps) + 1

    with pytest.raises(StoreError):
        await drive.append("A2")

    assert faults.suspected == 1


async def test_a_lost_database_is_not_hammered(drive: Driver, faults: FaultyDatabase) -> None:
    faults.fail_at = 1
    told: list[Any] = await asyncio.gather(*(drive.append(f"A{n}") for n in range(3)), return_exceptions=True)
    steps = len(faults.steps)

    told += await asyncio.gather(*(drive.append(f"B{n}") for n in range(50)), return_exceptions=True)

    assert all(isinstance(one, StoreError) for one in told)
    assert len(faults.steps) <= steps + 2
