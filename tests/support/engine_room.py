"""A whole flow on a real store with doubles at both ends: what the tests of delivery and recovery stand on."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.channel.model import ChannelModel, DestinationModel
from engine.channel.revision import canonical_json
from engine.core.clock import SystemClock
from engine.core.ids import IdSource
from engine.flow.channel_run import ChannelRun, Parts
from engine.ports.connector import Accept, Attachment, Delivered, Health, Outbound, Receipt, Received, Semantics, Source
from engine.ports.journal import MessageView, RevisionRow
from engine.script.pool import Pool
from engine.store.open import Store
from tests.support.stores import engine_store

FAST = {"retry": {"first": "20ms", "longest": "50ms"}, "circuit": {"failures": 1000}}
ECHO = "def transform(message):\n    return message\n"


class Quiet:
    """A source that never brings anything: tests use the door."""

    async def run(self, accept: Accept) -> None:
        await asyncio.Event().wait()

    async def check(self) -> Health:
        return Health(True, "here")


class Far:
    """The far side: remembers what arrived; `answer` decides what happens to an attempt (raise, or return)."""

    def __init__(self, semantics: Semantics = Semantics.IDEMPOTENT, parallel: int = 1) -> None:
        self.semantics, self.parallel = semantics, parallel
        self.arrived: list[Outbound] = []
        self.attempts: dict[str, int] = defaultdict(int)
        self.inquiries: list[str] = []
        self.answer: Callable[[Outbound, int], Awaitable[None] | None] = lambda outbound, attempt: None
        self.down: Exception | None = None
        self.files: tuple[Attachment, ...] = ()

    async def send(self, outbound: Outbound) -> Delivered:
        self.attempts[outbound.idempotency_key] += 1
        if self.down is not None:
            raise self.down
        waiting = self.answer(outbound, self.attempts[outbound.idempotency_key])
        if waiting is not None:
            await waiting
        self.arrive(outbound)
        return Delivered(b"ok", f"REF-{len(self.arrived)}", self.files)

    def arrive(self, outbound: Outbound) -> None:
        known = {o.idempotency_key for o in self.arrived}
        if self.semantics is not Semantics.IDEMPOTENT or outbound.idempotency_key not in known:
            self.arrived.append(outbound)

    async def inquire(self, outbound: Outbound) -> Delivered | None:
        self.inquiries.append(outbound.idempotency_key)
        if self.down is not None:
            raise self.down
        found = any(o.idempotency_key == outbound.idempotency_key for o in self.arrived)
        return Delivered(None, "FOUND") if found else None

    async def check(self) -> Health:
        return Health(True, "here")

    async def close(self) -> None:
        return

    @property
    def bodies(self) -> list[bytes]:
        return [o.body for o in self.arrived]


class Room:
    """One channel on a store. `far` by destination name."""

    def __init__(self, store: Store, pool: Pool, run: ChannelRun, far: dict[str, Far]) -> None:
        self.store, self.pool, self.run, self.far = store, pool, run, far

    async def receive(self, body: bytes, natural_id: str | None = None) -> Receipt:
        return await self.run.door(Received(body, natural_id))

    async def view(self, message_id: int) -> MessageView:
        view = await self.store.journal.view(message_id)
        assert view is not None
        return view

    async def until(self, what: Callable[[], bool | Awaitable[bool]], seconds: float = 60) -> None:
        """Wait until `what` is true; a failure says what was waited for."""
        async with asyncio.timeout(seconds):
            while True:
                found = what()
                if found if isinstance(found, bool) else await found:
                    return
                await asyncio.sleep(0.01)

    async def reaches(self, message_id: int, state: str) -> MessageView:
        async def there() -> bool:
            await self.store.journal.flush()
            return (await self.view(message_id)).row.state.name == state

        await self.until(there)
        return await self.view(message_id)


def row(script: str | None = ECHO, revision: int = 1, form: str = "json", **channel: Any) -> RevisionRow:
    settings = {
        "channel": "room",
        "version": 1,
        "title": "Room",
        "source": {"type": "quiet", "format": "json"},
        "transform": "echo",
        "destinations": [{"name": "out", "type": "far"} | FAST],
    } | channel
    model = ChannelModel.model_validate(settings)
    content = {"channel": model.model_dump(mode="json"), "format": form, "script": script, "lookups": {}}
    return RevisionRow(
        "room", revision, f"digest{revision}", canonical_json(content), datetime.now(UTC), "test", None, True
    )


@asynccontextmanager
async def room(
    at: Path | str,
    deployed: RevisionRow,
    far: dict[str, Far] | None = None,
    between: Callable[[Any], Any] = lambda journal: journal,
) -> AsyncIterator[Room]:
    """Open, run, close: open again at the same place and it is a restart.

    Args:
        at: a folder for an SQLite journal, or the url of a store.
        between: puts something between the flow and the journal.
    """
    store = await engine_store(at if isinstance(at, str) else f"sqlite:///{at / 'journal.db'}")
    pool = Pool(2)
    await pool.start()
    sides = far if far is not None else {"out": Far()}

    def destination(model: ChannelModel, one: DestinationModel) -> Far:
        return sides[one.name]

    def source(model: ChannelModel) -> Source:
        return Quiet()

    parts = Parts(between(store.journal), pool, IdSource(), SystemClock(), lambda *_: None, source, destination)
    run = ChannelRun("room", parts)
    await run.apply(deployed)
    run.transformer.recover()
    await run.start()
    try:
        yield Room(store, pool, run, sides)
    finally:
        await run.close()
        await pool.close()
        await store.close()
