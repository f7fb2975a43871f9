"""The process that writes the journal is killed, or the engine before it: who was told, is on disk; work goes on."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.core.errors import StoreError, UnstorableError
from engine.ports.connector import Verdict
from engine.ports.journal import Appended
from engine.ports.states import DeliveryState, MessageState
from engine.store.lock import JournalLock
from engine.store.open import Store, open_store
from tests.support.stores import CLOCK, Driver, settlement, sql
from tests.support.waiting import until

pytestmark = pytest.mark.process


async def writing_process(*gone: int) -> int:
    """The child of this process that writes, when there is one besides those that are gone."""
    found: list[int] = []

    def there() -> bool:
        found[:] = [one for one in _writing_processes() if one not in gone]
        return bool(found)

    await until(there)
    return found[0]


def _writing_processes() -> Iterator[int]:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            parent = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, IndexError):
            continue
        if parent == os.getpid() and b"engine.store.writing_process" in words:
            yield int(folder.name)


class Sender:
    """Sends messages under its own ids until each is answered, as a hospital system does."""

    def __init__(self, store: Store) -> None:
        self.drive, self.answered, self.refused = Driver(store), list[Appended](), 0

    async def send(self, natural_id: str) -> None:
        while True:
            try:
                self.answered.append(await self.drive.append(natural_id))
                return
            except StoreError:
                self.refused += 1
                await asyncio.sleep(0.05)


async def test_killed_under_load_it_is_replaced_and_nothing_acknowledged_is_lost_or_doubled(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/journal.db"
    store = await open_store(url, CLOCK, exclusive=True)
    sender = Sender(store)
    await sender.send("first")
    work = [asyncio.create_task(sender.send(f"A{number}")) for number in range(3000)]
    killed = set()
    for turn in range(3):
        await asyncio.sleep(1.2)  # one that lives longer is replaced at once
        work += [asyncio.create_task(sender.send(f"B{turn}-{number}")) for number in range(2000)]
        await asyncio.sleep(0.02)
        process = await writing_process(*killed)
        os.kill(process, signal.SIGKILL)
        killed.add(process)
    await asyncio.gather(*work)
    await store.close()

    assert len(killed) == 3
    assert sender.refused > 0
    assert len(sender.answered) == 9001
    assert {one.verdict for one in sender.answered} <= {Verdict.ACCEPTED, Verdict.DUPLICATE}
    stored = {row[0] for row in sql(url, "SELECT id FROM messages")}
    assert len(stored) == 9001
    assert {one.message_id for one in sender.answered} == stored
    assert sql(url, "PRAGMA integrity_check") == [("ok",)]


async def test_an_engine_that_starts_does_not_wait_for_it_before_it_is_handed_something(tmp_path: Path) -> None:
    store = await open_store(f"sqlite:///{tmp_path}/journal.db", CLOCK, exclusive=True)
    process = await writing_process()
    os.kill(process, signal.SIGSTOP)
    try:
        await store.records.set_watermark("orders", 1)
        waiting = asyncio.create_task(Driver(store).append("A"))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        operation = asyncio.create_task(store.records.set_watermark("orders", 2))
        await asyncio.sleep(0.05)
        assert not operation.done()  # from now on it rests first
    finally:
        os.kill(process, signal.SIGCONT)
    assert (await waiting).verdict is Verdict.ACCEPTED
    await operation
    assert await store.records.watermarks() == {"orders": 2}
    await store.close()


async def test_what_it_had_not_answered_is_refused_and_may_be_handed_in_again(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/journal.db"
    store = await open_store(url, CLOCK, exclusive=True)
    drive = Driver(store)
    message_id, (delivery,) = await drive.queued("erp")
    new = (await drive.append()).message_id

    await asyncio.sleep(1.1)  # one that lived longer is replaced at once
    process = await writing_process()
    os.kill(process, signal.SIGSTOP)
    outcome, end = drive.outcome(new, "erp"), settlement(delivery, DeliveryState.DELIVERED)
    waiting = [drive.submit(drive.message("N")), drive.finishing(outcome), drive.settling(end)]
    await asyncio.sleep(0.05)
    os.kill(process, signal.SIGKILL)
    told = await asyncio.gather(*waiting, return_exceptions=True)

    assert [type(one) for one in told] == [StoreError] * 3
    assert [str(one).count("started again") for one in told] == [1, 1, 1]
    await drive.finishing(outcome)
    await drive.settling(end)
    assert (await drive.append("N")).verdict is Verdict.ACCEPTED
    assert sql(url, f"SELECT state FROM messages WHERE id = {message_id}") == [(int(MessageState.DELIVERED),)]
    assert sql(url, f"SELECT state FROM messages WHERE id = {new}") == [(int(MessageState.QUEUED),)]
    await store.close()


async def test_when_its_files_cannot_grow_nothing_acknowledged_is_lost_and_work_resumes(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/journal.db"
    store = await open_store(url, CLOCK, exclusive=True)
    drive = Driver(store)
    await drive.append("before")

    limit = (tmp_path / "journal.db-wal").stat().st_size + 60_000
    process = await writing_process()
    before = resource.prlimit(process, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    told = await asyncio.gather(*(drive.append(f"A{n}", b"x" * 3000) for n in range(100)), return_exceptions=True)
    resource.prlimit(process, resource.RLIMIT_FSIZE, before)
    after = await drive.stored("after")
    await store.close()

    assert any(isinstance(one, StoreError) for one in told)
    acknowledged = {one.message_id for one in told if not isinstance(one, BaseException)}
    stored = {row[0] for row in sql(url, "SELECT id FROM messages")}
    assert acknowledged | {after.message_id} <= stored
    assert sql(url, "PRAGMA integrity_check") == [("ok",)]


async def test_a_value_that_cannot_be_handed_over_costs_its_own_entry_only(tmp_path: Path) -> None:
    store = await open_store(f"sqlite:///{tmp_path}/journal.db", CLOCK, exclusive=True)
    drive = Driver(store)
    too_large = drive.message("B", received_micros=1 << 70)

    told = await asyncio.gather(
        *(drive.submit(one) for one in (drive.message("A"), too_large, drive.message("C"))), return_exceptions=True
    )

    assert [type(one) for one in told] == [Appended, UnstorableError, Appended]
    store.journal.finish([], told.append)
    await store.journal.flush()
    assert told[-1] is None
    await store.close()


async def test_a_second_engine_is_refused_with_the_number_of_the_first(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/journal.db"
    store = await open_store(url, CLOCK, exclusive=True)
    second = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _SECOND, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    words, _ = await second.communicate()
    await store.close()

    assert f"another engine has this journal open (process {os.getpid()})" in words.decode()
    assert "stop it first" in words.decode()


_SECOND = """
import asyncio, sys
from engine.core.clock import SystemClock
from engine.core.errors import StoreError, UnstorableError
from engine.store.open import open_store
async def main():
    try:
        await open_store(f"sqlite:///{sys.argv[1]}/journal.db", SystemClock(), exclusive=True)
    except StoreError as error:
        print(error)
asyncio.run(main())
"""


async def test_after_a_kill_the_next_engine_waits_until_the_last_commit_is_done(tmp_path: Path) -> None:
    """The lock is held by the writing process too: it ends when it has written what had reached it."""
    path = tmp_path / "journal.db"
    lock = await JournalLock.take(path)
    child = await asyncio.create_subprocess_exec("sleep", "0.6", pass_fds=[lock.descriptor])
    lock.release()  # the engine is gone, what it started is not
    Path(f"{path}.lock").write_text(f"{_dead()}\n")

    began = time.monotonic()
    (await JournalLock.take(path)).release()

    assert time.monotonic() - began > 0.3
    assert await child.wait() == 0


def _dead() -> int:
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid
