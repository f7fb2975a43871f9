"""Two engines on one PostgreSQL journal: one works, one stands by; a stopped owner is overtaken and acts no more."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from engine.core.loopback import free_port
from engine.ports.states import MessageState
from tests.support.books import Books, Load, booking_site
from tests.support.engine_process import EngineProcess
from tests.support.stores import create_database

pytestmark = [pytest.mark.integration, pytest.mark.process]

TAKEOVERS = int(os.environ.get("ISTHMUS_TAKEOVERS", "2"))
ENGINE = "store: {url: 'env:ISTHMUS_TEST_STORE', lease: 2s}\n"


class Pair:
    """Two sites, as on two machines, with one journal and one far side. They share the port: one listens at a time."""

    def __init__(self, folder: Path, url: str) -> None:
        self.books, self.port, self.url = Books(), free_port(), url
        self.engines = [booking_site(self._folder(folder, name), self.books, self.port, ENGINE) for name in "ab"]

    def _folder(self, folder: Path, name: str) -> Path:
        (folder / name).mkdir()
        return folder / name

    def one_request_at_a_time(self) -> None:
        for engine in self.engines:
            [channel] = engine.site.rglob("intake.yaml")
            channel.write_text(channel.read_text().replace("order_by", "parallel: 1\n    order_by"))

    def log(self, engine: EngineProcess) -> str:
        return (engine.site / "engine.log").read_text()

    def unfinished(self) -> int:
        with psycopg.connect(self.url) as connection:
            query = "SELECT count(*) FROM messages WHERE state <> %s"
            row = connection.execute(query, [MessageState.DELIVERED]).fetchone()
        return int(row[0]) if row else 0


@pytest.fixture
def pair(tmp_path: Path, postgres_uri: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    url = create_database(postgres_uri, f"pair_{tmp_path.name}", "template_store")
    monkeypatch.setenv("ISTHMUS_TEST_STORE", url)
    pair = Pair(tmp_path, url)
    yield pair
    for engine in pair.engines:
        if engine.running:
            engine.signal(signal.SIGCONT)
            engine.kill()
    pair.books.close()


async def until(what: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not await asyncio.to_thread(what):
        assert time.monotonic() < deadline, "it did not come to that in time"
        await asyncio.sleep(0.05)


async def test_the_standby_takes_over_at_once_when_the_owner_ends_properly(pair: Pair) -> None:
    owner, standby = pair.engines
    await asyncio.to_thread(owner.start)
    standby.spawn()
    await until(lambda: "standing by" in pair.log(standby))

    assert await asyncio.to_thread(owner.stop) == 0
    began = time.monotonic()
    await asyncio.to_thread(standby.wait_until_ready)

    assert time.monotonic() - began < 30
    assert await asyncio.to_thread(standby.stop) == 0


async def test_a_standby_that_is_asked_to_stop_ends_at_once(pair: Pair) -> None:
    owner, standby = pair.engines
    await asyncio.to_thread(owner.start)
    standby.spawn()
    await until(lambda: "standing by" in pair.log(standby))

    assert await asyncio.to_thread(standby.stop, 20) == 0
    assert "stopped while standing by" in pair.log(standby)


async def stop(pair: Pair, owner: EngineProcess, moment: str) -> None:
    """SIGSTOP, in the middle of whatever it does, or while a request of it is booked and not answered."""
    if moment == "any":
        return owner.signal(signal.SIGSTOP)
    stopped = threading.Event()

    def at_booking() -> None:
        pair.books.at_booking = None
        owner.signal(signal.SIGSTOP)
        stopped.set()

    pair.books.at_booking = at_booking
    assert await asyncio.to_thread(stopped.wait, 60), "nothing was booked"


# At any moment: also between its last look at the lease and the first byte of a request, where it cannot know.
@pytest.mark.parametrize("moment", ["unanswered", pytest.param("any", marks=pytest.mark.slow)])
async def test_a_stopped_owner_is_overtaken_and_nothing_is_lost_or_booked_twice(pair: Pair, moment: str) -> None:
    pair.one_request_at_a_time()
    owner, standby = pair.engines
    await asyncio.to_thread(owner.start)
    async with Load(pair.port, pause=0.1) as load:
        for _ in range(TAKEOVERS):
            standby.spawn()
            await until(lambda one=standby: "standing by" in pair.log(one))  # type: ignore[misc]
            await load.goes_on(20)
            await stop(pair, owner, moment)
            await asyncio.to_thread(standby.wait_until_ready)
            owner.signal(signal.SIGCONT)
            assert await asyncio.to_thread(owner.wait, 120) == 1
            assert "J005" in pair.log(owner)
            (owner.site / "engine.log").write_text("")
            owner, standby = standby, owner
            await load.goes_on(20)
    await until(lambda: load.acknowledged <= set(pair.books.control_ids) and not pair.unfinished(), 60)

    pair.books.check(load.acknowledged)
    assert len(load.acknowledged) >= TAKEOVERS * 40
