"""Stores for tests, each test with one of its own: SQLite written by a thread, by a process, and a real PostgreSQL."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from engine.core.clock import Clock, SystemClock, to_micros
from engine.core.errors import StoreError
from engine.core.ids import IdSource, id_text
from engine.ports.connector import Reason
from engine.ports.journal import (
    Appended,
    NewDelivery,
    NewDocument,
    NewMessage,
    Outcome,
    PendingDelivery,
    Settlement,
)
from engine.ports.states import DeliveryState, MessageState
from engine.store.checksum import checksum
from engine.store.database import database
from engine.store.migrate import bring_up_to_date
from engine.store.open import Store, open_store
from tests.support.postgresql import PostgresServer
from tests.support.waiting import LIMIT_SECONDS

CLOCK = SystemClock()
_COUNT = itertools.count(1)


# ------------------------------------------------------------------ servers and databases
@pytest.fixture(scope="session")
def postgres_uri() -> Iterator[str]:
    """A PostgreSQL server of this test run, with an up-to-date empty store as template."""
    server = PostgresServer()
    uri = server.uri
    create_database(uri, "template_store")
    template = database(uri.replace("/postgres?", "/template_store?"))
    bring_up_to_date(template)
    template.close()
    yield uri
    server.end()


def create_database(uri: str, name: str, template: str | None = None) -> str:
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{template}"' if template else ""))  # type: ignore[call-overload]
    return uri.replace("/postgres?", f"/{name}?")


_APART = "apart.db"


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("sqlite, process", marks=pytest.mark.integration),
        pytest.param("postgresql", marks=pytest.mark.integration),
    ]
)
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/journal.db"
    if request.param == "sqlite, process":
        return f"sqlite:///{tmp_path}/{_APART}"
    uri: str = request.getfixturevalue("postgres_uri")
    return create_database(uri, f"store_{next(_COUNT)}", "template_store")


async def engine_store(url: str, clock: Clock = CLOCK) -> Store:
    """As an engine opens it: at an url of the kind "sqlite, process" a process of its own writes."""
    return await open_store(url, clock, exclusive=url.endswith(_APART))


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    opened = await engine_store(store_url)
    yield opened
    await opened.close()


# ------------------------------------------------------------------ driving a journal
def resolver(future: asyncio.Future[Any]) -> Callable[[Any], None]:
    def done(value: Any) -> None:
        if isinstance(value, Exception):
            future.set_exception(value)
        else:
            future.set_result(value)

    return done


@dataclass
class Driver:
    """Short words for a journal's callers. `flow` settings are those of channel `orders`, destination `erp`."""

    store: Store
    channel: str = "orders"
    ids: IdSource = field(default_factory=IdSource)

    def message(self, natural_id: str | None = None, body: bytes = b"MSH|one", **more: Any) -> NewMessage:
        message_id = more.pop("message_id", None) or self.ids.next()
        settings: dict[str, Any] = {
            "channel": self.channel,
            "revision": 1,
            "received_micros": to_micros(CLOCK.now()),
            "correlation_id": id_text(message_id),
        } | more
        return NewMessage(message_id=message_id, body=body, digest=checksum(body), natural_id=natural_id, **settings)

    def submit(self, message: NewMessage) -> asyncio.Future[Appended]:
        future: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        self.store.journal.append(message, resolver(future))
        return future

    async def append(self, natural_id: str | None = None, body: bytes = b"MSH|one", **more: Any) -> Appended:
        return await self.submit(self.message(natural_id, body, **more))

    async def stored(self, natural_id: str) -> Appended:
        """As a sender does: again until it is acknowledged."""
        async with asyncio.timeout(LIMIT_SECONDS):
            while True:
                with suppress(StoreError):
                    return await self.append(natural_id)
                await asyncio.sleep(0.05)

    def finishing(self, *outcomes: Outcome) -> asyncio.Future[None]:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.store.journal.finish(outcomes, resolver(future))
        return future

    def settling(self, *settlements: Settlement) -> asyncio.Future[None]:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.store.journal.settle(settlements, resolver(future))
        return future

    def outcome(self, message_id: int, *destinations: str, **more: Any) -> Outcome:
        """QUEUED with one document and one delivery a destination."""
        document = more.pop("document", NewDocument(0, b'{"total":"1.00"}', "Invoice", "INV-1"))
        deliveries = [
            NewDelivery(self.ids.next(), name, document.position, f"{message_id}/{name}") for name in destinations
        ]
        return Outcome(message_id, more.pop("state", MessageState.QUEUED), None, [document], deliveries, **more)

    async def queued(self, *destinations: str, **more: Any) -> tuple[int, list[PendingDelivery]]:
        """A new message with deliveries waiting at these destinations."""
        appended = await self.append(**more)
        await self.finishing(self.outcome(appended.message_id, *destinations))
        waiting = []
        for name in destinations:
            waiting += await self.waiting(name, appended.message_id)
        return appended.message_id, waiting

    async def waiting(self, destination: str, message_id: int | None = None) -> list[PendingDelivery]:
        found = await self.store.journal.pending_deliveries(self.channel, destination, 0, 1000)
        return [one for one in found if message_id in (None, one.message_id)]

    async def state(self, message_id: int) -> MessageState:
        view = await self.store.journal.view(message_id)
        assert view is not None
        return view.row.state

    async def held(self, *destinations: str) -> tuple[int, list[PendingDelivery]]:
        """A message whose deliveries are all HELD."""
        message_id, waiting = await self.queued(*destinations)
        await self.settling(*(settlement(one, DeliveryState.HELD, reason=REFUSED) for one in waiting))
        return message_id, waiting


REFUSED = Reason("T002", "the far side refused", where="erp", remedy="correct and resend")


def settlement(pending: PendingDelivery, state: DeliveryState, **more: Any) -> Settlement:
    settings: dict[str, Any] = {"attempts": pending.attempts + 1, "at_micros": to_micros(CLOCK.now())} | more
    return Settlement(pending.delivery_id, pending.message_id, state, **settings)


@pytest.fixture
def drive(store: Store) -> Driver:
    return Driver(store)


def sql(url: str, statement: str) -> list[tuple[Any, ...]]:
    """Run one statement on a connection of its own: what another process would see, or do."""
    if url.startswith("sqlite"):
        import sqlite3

        connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        try:
            return connection.execute(statement).fetchall()
        finally:
            connection.close()
    with psycopg.connect(url, autocommit=True) as postgres:
        cursor = postgres.execute(statement)  # type: ignore[call-overload]
        return cursor.fetchall() if cursor.description else []
