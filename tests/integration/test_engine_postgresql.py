"""The engine as a process, with its journal on PostgreSQL: killed, cut off, restarted; nothing lost, nothing twice.

The far side books every request that it gets and can be asked by our reference; it keeps no keys.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from engine.core.loopback import free_port
from engine.ports.states import MessageState
from tests.support.books import Books, Load, booking_site
from tests.support.postgresql import PostgresServer
from tests.support.stores import create_database
from tests.support.waiting import until, wait_until

pytestmark = [pytest.mark.integration, pytest.mark.process]

CUTS = int(os.environ.get("ISTHMUS_CUTS", "8"))
ENGINE = "store: {url: 'env:ISTHMUS_TEST_STORE'}\n"


@pytest.fixture
def books() -> Iterator[Books]:
    books = Books()
    yield books
    books.close()


class Site:
    """An engine on a database of its own."""

    def __init__(self, folder: Path, url: str, books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ISTHMUS_TEST_STORE", url)
        self.port, self.url, self.books = free_port(), url, books
        self.engine = booking_site(folder, books, self.port, ENGINE)

    def settled(self, acknowledged: set[str], seconds: float = 120) -> None:
        """Wait for the end of everything, then hold the engine to its promise."""
        with suppress(AssertionError):  # the books say what is wrong
            wait_until(lambda: acknowledged <= set(self.books.control_ids) and not self.unfinished(), "", seconds)
        self.books.check(acknowledged)

    def unfinished(self) -> int:
        with psycopg.connect(self.url) as connection:
            row = connection.execute(
                "SELECT count(*) FROM messages WHERE state <> %s", [MessageState.DELIVERED]
            ).fetchone()
        return int(row[0]) if row else 0


@pytest.fixture
def site(tmp_path: Path, postgres_uri: str, books: Books, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    url = create_database(postgres_uri, f"engine_{tmp_path.name}", "template_store")
    site = Site(tmp_path, url, books, monkeypatch)
    yield site
    site.engine.kill()


# ------------------------------------------------------------------ the tests
def test_a_restart_goes_on_with_what_was_pending(site: Site) -> None:
    async def play() -> set[str]:
        async with Load(site.port) as load:
            await load.goes_on(60)
            return load.acknowledged

    site.books.down = True
    site.engine.start()
    acknowledged = asyncio.run(play())
    assert site.engine.stop() == 0
    assert not site.books.booked
    site.books.down = False
    site.engine.start()

    site.settled(acknowledged)


def test_kills_lose_and_double_nothing(site: Site) -> None:
    kills, dice = int(os.environ.get("ISTHMUS_KILLS", "5")), random.Random(20261120)

    async def play() -> set[str]:
        async with Load(site.port) as load:
            for _ in range(kills):
                await asyncio.sleep(dice.uniform(0.05, 0.7))
                await asyncio.to_thread(site.engine.kill)
                await asyncio.to_thread(site.engine.start)
            await load.goes_on()
        return load.acknowledged

    site.engine.start()
    acknowledged = asyncio.run(play())

    site.settled(acknowledged)
    assert len(acknowledged) > kills


def terminate_backends(url: str) -> int:
    """Cut off everybody who is connected to this database, as a failover of the server does."""
    with psycopg.connect(url, autocommit=True) as connection:
        rows = connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchall()
    return len(rows)


def test_connections_cut_under_load_lose_and_double_nothing(site: Site) -> None:
    cut = 0

    async def play() -> set[str]:
        nonlocal cut
        async with Load(site.port) as load:
            for _ in range(CUTS):
                await load.goes_on(10)
                cut += await asyncio.to_thread(terminate_backends, site.url)
            await load.goes_on()
        return load.acknowledged

    site.engine.start()
    acknowledged = asyncio.run(play())

    site.settled(acknowledged)
    assert cut >= CUTS


def backends(url: str) -> list[int]:
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchall()
    return [pid for (pid,) in rows]


async def until_quiet(load: Load) -> int:
    """How many were acknowledged when half a second brought no more: what was under way has arrived."""
    before = -1
    while before != len(load.acknowledged):
        before = len(load.acknowledged)
        await asyncio.sleep(0.5)
    return before


def test_a_database_that_hangs_for_a_while_costs_time_only(site: Site) -> None:
    async def play() -> tuple[set[str], int]:
        async with Load(site.port) as load:
            await load.goes_on(20)
            frozen = await asyncio.to_thread(backends, site.url)
            for pid in frozen:
                os.kill(pid, signal.SIGSTOP)
            before = await until_quiet(load)
            await asyncio.sleep(2)
            meanwhile = len(load.acknowledged) - before
            for pid in frozen:
                os.kill(pid, signal.SIGCONT)
            await load.goes_on()
        return load.acknowledged, meanwhile

    site.engine.start()
    acknowledged, meanwhile = asyncio.run(play())

    site.settled(acknowledged)
    assert meanwhile == 0, "nothing is acknowledged that is not on disk"


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    server = PostgresServer()
    yield server
    server.end()


@pytest.mark.parametrize("how", ["stop", "crash"])
def test_a_server_that_goes_and_comes_back_costs_time_only(
    server: PostgresServer, how: str, tmp_path: Path, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site(tmp_path, create_database(server.uri, "engine"), books, monkeypatch)
    site.engine.start()

    async def play() -> tuple[set[str], int]:
        async with Load(site.port) as load:
            await load.goes_on()
            await asyncio.to_thread(getattr(server, how))
            with suppress(TimeoutError):
                await until(lambda: load.refused > 0)
            refused = load.refused
            await asyncio.to_thread(server.start)
            await load.goes_on()
        return load.acknowledged, refused

    try:
        acknowledged, refused = asyncio.run(play())

        site.settled(acknowledged)
        assert refused > 0, "with the store away nothing may be acknowledged, and the sender is told"
    finally:
        site.engine.kill()


def test_the_status_command_reads_the_same_store(site: Site) -> None:
    async def play() -> set[str]:
        async with Load(site.port) as load:
            await load.goes_on(20)
        return load.acknowledged

    site.engine.start()
    acknowledged = asyncio.run(play())
    site.settled(acknowledged)
    command = [sys.executable, "-m", "engine", "status", "--json", "--site", str(site.engine.site)]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    counts = json.loads(shown.stdout)["channels"][0]["counts"]

    assert counts["DELIVERED"] == len(acknowledged)


def test_a_store_that_cannot_be_reached_is_told_without_its_password(
    tmp_path: Path, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"postgresql://isthmus:invented-password@127.0.0.1:{free_port()}/isthmus"
    site = Site(tmp_path, url, books, monkeypatch)

    with pytest.raises(AssertionError, match="did not start"):
        site.engine.start()
    told = (tmp_path / "engine.log").read_text()
    assert "J001" in told
    assert "invented-password" not in told
    assert "Traceback" not in told
