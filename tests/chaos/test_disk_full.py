"""The disk is full, or the device fails, at every place where the store writes: nobody is told that it was stored."""

from __future__ import annotations

import asyncio
import resource
import shutil
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from engine.core.errors import DiskFullError, StoreError
from engine.ports.connector import Verdict
from engine.ports.journal import Query
from engine.ports.states import DeliveryState, MessageState
from engine.store.database import database
from engine.store.migrate import bring_up_to_date
from engine.store.open import Store, open_store
from tests.support.faulty_store import DEVICE, DISK_FULL, FaultyDatabase
from tests.support.stores import CLOCK, REFUSED, Driver, settlement, sql


class Bench:
    """A store over a database that fails on command, and a sender that does not give up."""

    def __init__(self, template: Path, path: Path, fail_at: int | None, words: str = DISK_FULL) -> None:
        shutil.copy(template, path)
        self.faults = FaultyDatabase(database(f"sqlite:///{path}"))
        self.faults.fail_at, self.faults.words = fail_at, words
        self.store = Store(self.faults, CLOCK)
        self.drive = Driver(self.store)
        self.refusals: list[StoreError] = []

    async def life(self) -> None:
        """A message from receipt to delivery, with a person in between, every step repeated until it is stored."""
        drive = self.drive
        message = drive.message("A1", b"body")
        await self.stubborn(lambda: drive.submit(message))
        outcome = drive.outcome(message.message_id, "erp", keys=[("order", "PO-1")])
        await self.stubborn(lambda: drive.finishing(outcome))
        (erp,) = await drive.waiting("erp")
        await self.stubborn(lambda: drive.settling(settlement(erp, DeliveryState.HELD, reason=REFUSED)))
        await self.stubborn(lambda: drive.store.journal.resend_delivery(erp.delivery_id))
        await self.stubborn(lambda: drive.settling(settlement(erp, DeliveryState.DELIVERED, response=b"AA")))
        await self.stubborn(lambda: drive.store.audit.record("ana", "resend", "message"))

    async def stubborn(self, work: Callable[[], Awaitable[Any]]) -> None:
        """As a sender does: again until it is acknowledged. The database is mended after the first refusal."""
        while True:
            try:
                await work()
                return
            except StoreError as error:
                self.refusals.append(error)
                self.faults.mend()
                await asyncio.sleep(0.06)  # the writer's own backoff


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "template.db"
    made = database(f"sqlite:///{path}")
    bring_up_to_date(made)
    made.close()
    return path


@pytest.mark.parametrize(("words", "kind"), [(DISK_FULL, DiskFullError), (DEVICE, StoreError)])
async def test_a_failure_at_any_write_refuses_and_then_goes_on(
    tmp_path: Path, template: Path, words: str, kind: type[StoreError]
) -> None:
    whole = Bench(template, tmp_path / "whole.db", None)
    await whole.life()
    await whole.store.close()
    assert len(whole.faults.steps) > 40

    for number in range(1, len(whole.faults.steps) + 1):
        path = tmp_path / f"{number}.db"
        bench = Bench(template, path, number, words)
        await bench.life()
        await bench.store.close()

        assert [type(one) for one in bench.refusals] == [kind], f"site {number}"
        assert bench.faults.suspected == 1
        assert _everything_once(f"sqlite:///{path}"), f"site {number}"
        for old in tmp_path.glob(f"{number}.db*"):
            old.unlink()


def _everything_once(url: str) -> bool:
    tables = ("deliveries", "documents", "responses", "audit", "keys", "inbox")
    once = all(sql(url, f"SELECT count(*) FROM {table}") == [(1,)] for table in tables)
    delivered = [(int(MessageState.DELIVERED),)]
    counted = sql(url, "SELECT state FROM counters WHERE count <> 0 AND destination = 0")
    return once and sql(url, "SELECT state FROM messages") == counted == delivered


async def test_while_the_disk_is_full_everybody_hears_it_and_nothing_is_stored(tmp_path: Path, template: Path) -> None:
    bench = Bench(template, tmp_path / "journal.db", 1)

    told = await asyncio.gather(*(bench.drive.append(f"A{n}") for n in range(200)), return_exceptions=True)

    assert {isinstance(one, StoreError) for one in told} == {True}
    assert await bench.store.journal.search(Query()) == []
    bench.faults.mend()
    assert (await bench.drive.stored("A1")).verdict is Verdict.ACCEPTED
    await bench.store.close()


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """The operating system refuses to let files grow, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_when_files_cannot_grow_nothing_acknowledged_is_lost_and_work_resumes(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/journal.db"
    store = await open_store(url, CLOCK)
    drive = Driver(store)
    await drive.append("before")

    with no_file_larger_than((tmp_path / "journal.db-wal").stat().st_size + 60_000):
        told = await asyncio.gather(*(drive.append(f"A{n}", b"x" * 3000) for n in range(100)), return_exceptions=True)
    acknowledged = {one.message_id for one in told if not isinstance(one, BaseException)}
    after = await drive.stored("after")
    await store.close()

    assert any(isinstance(one, StoreError) for one in told)
    stored = {row[0] for row in sql(url, "SELECT id FROM messages")}
    assert acknowledged | {after.message_id} <= stored
    assert sql(url, "PRAGMA integrity_check") == [("ok",)]


async def test_a_database_at_its_page_limit_says_that_the_disk_is_full(tmp_path: Path) -> None:
    store = await open_store(f"sqlite:///{tmp_path}/journal.db", CLOCK)
    drive = Driver(store)
    await store._writer.perform(lambda one: one.session.sql.exec_driver_sql("PRAGMA max_page_count = 100").scalar())

    told = await asyncio.gather(*(drive.append(f"A{n}", b"x" * 9000) for n in range(200)), return_exceptions=True)

    assert any(isinstance(one, DiskFullError) for one in told)
    await store.close()
