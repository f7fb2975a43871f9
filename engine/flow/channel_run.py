"""One channel at work: its door, its source, its transform, its deliveries. Revisions come and go; it stays."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from engine.channel.model import ChannelModel, DestinationModel, SourceModel
from engine.channel.revision import layouts_of, model_of, program_of
from engine.core.clock import Clock
from engine.core.ids import IdSource
from engine.flow.deliver import Deliverer
from engine.flow.door import AcceptedTypes, Door
from engine.flow.late import build_now_or_later
from engine.flow.meter import ChannelMeter, DeliveryMeter, Emit
from engine.flow.policy import RateLimiter
from engine.flow.transform import Transformer
from engine.flow.waiters import Waiters
from engine.ports.connector import Destination, Source
from engine.ports.journal import Journal, PendingDelivery, RevisionRow
from engine.ports.ledger import ControlNumberLedger
from engine.ports.script import Limits, Program, ScriptPool
from engine.ports.states import MessageState as M

log = logging.getLogger("isthmus.flow")

LONGEST_RESTART_SECONDS = 30.0


@dataclass(frozen=True)
class Parts:
    """What all channels of an engine share. `source` and `destination` build connectors.

    `backlog`: messages of one channel that wait for their transform before its sources slow down.
    `owns`: whether this engine certainly still has the journal; see `engine.flow.ownership`.
    """

    journal: Journal
    pool: ScriptPool
    ids: IdSource
    clock: Clock
    emit: Emit
    source: Callable[[ChannelModel], Source]
    destination: Callable[[ChannelModel, DestinationModel], Destination]
    ledger: ControlNumberLedger | None = None
    backlog: int = 100_000
    owns: Callable[[], bool] = lambda: True
    limiters: dict[str, RateLimiter] = field(default_factory=dict)


@dataclass
class Running:
    """A destination at work, with the settings it was built from."""

    model: DestinationModel
    deliverer: Deliverer
    connector: Destination
    task: asyncio.Task[None]


class ChannelRun:
    """`state`: running, paused, stopped, failed."""

    def __init__(self, name: str, parts: Parts) -> None:
        self.name, self.state = name, "stopped"
        self.meter = ChannelMeter(name, parts.emit)
        self.waiters = Waiters()
        self.model: ChannelModel | None = None
        self.revision = 0
        self.destinations: dict[str, Running] = {}
        self.source: Source | None = None
        self._parts = parts
        self._layouts: dict[str, str] = {}
        self._source_task: asyncio.Task[None] | None = None
        self.transformer = Transformer(
            name,
            parts.journal,
            parts.pool,
            parts.ids,
            parts.clock,
            self.meter,
            self.waiters,
            self._enqueue,
            parts.ledger,
        )
        self.door = Door(name, parts.journal, parts.ids, parts.clock, self.meter, self.waiters, self.transformer.take)
        self.door.backlog = lambda: self.transformer.backlog > parts.backlog
        self.door.reread = self.transformer.reread
        self.transformer.queue_uncertain = self.rescan

    def _enqueue(self, delivery: PendingDelivery) -> None:
        running = self.destinations.get(delivery.destination)
        if running is not None:
            running.deliverer.put(delivery)

    # ------------------------------------------------------------------ revisions
    def know(self, row: RevisionRow) -> Program:
        """Make a stored revision runnable: messages that it received may still be waiting."""
        program = program_of(row.content, row.revision)
        settings = program.settings
        limits = Limits(float(settings["seconds"]), int(settings["memory_bytes"]))
        self._parts.pool.define(program, limits)
        return program

    async def apply(self, row: RevisionRow) -> None:
        """Go over to this revision. What did not change keeps running; sends under way finish first."""
        model = model_of(row.content)
        program = self.know(row)
        before, self.model, self.revision = self.model, model, row.revision
        self.door.revision, self.door.types = row.revision, AcceptedTypes(model.accept, program.format)
        self.door.accepted_state = M.TRANSFORMED if _only_keeps(model, row) else M.RECEIVED
        self.door.after_delivery = model.source.settings.get("acknowledge") == "after_delivery"
        layouts = layouts_of(row.content)
        changed = {name for name, layout in layouts.items() if self._layouts.get(name) != layout}
        self._layouts = layouts
        await self._apply_destinations(model, changed)
        if before is None or not _same_source(before, model) or model.source.layout in changed:
            await self._restart_source()

    async def _apply_destinations(self, model: ChannelModel, changed: set[str]) -> None:
        """`changed`: layouts that are other ones now."""
        wanted = {d.name: d for d in model.destinations if not d.standby}
        for name, running in list(self.destinations.items()):
            # A fallback is part of how its destination behaves, so a change there counts as well.
            same = running.model == wanted.get(name) and running.model.layout not in changed
            if same and not _fallback_changed(running, model):
                continue
            if name in wanted:
                await self._end(self.destinations.pop(name))
        for name, destination in wanted.items():
            if name not in self.destinations:
                self.destinations[name] = self._begin(model, destination)

    def _begin(self, model: ChannelModel, destination: DestinationModel) -> Running:
        connector = build_now_or_later(lambda: self._parts.destination(model, destination))
        deliverer = Deliverer(
            self.name,
            destination,
            connector,
            self._parts.journal,
            self._parts.clock,
            DeliveryMeter(self.name, destination.name, self._parts.emit),
            self.waiters,
            limiter=self._limiter(destination),
            fallback=self._fallback(model, destination),
            owns=self._parts.owns,
        )
        deliverer.paused = self.state == "paused"
        return Running(destination, deliverer, connector, asyncio.create_task(deliverer.run()))

    def _fallback(self, model: ChannelModel, destination: DestinationModel) -> Destination | None:
        standby = next((d for d in model.destinations if d.name == destination.fallback), None)
        return None if standby is None else build_now_or_later(lambda: self._parts.destination(model, standby))

    def _limiter(self, destination: DestinationModel) -> RateLimiter | None:
        if destination.rate is None:
            return None
        # A quota belongs to the far side: everything that names the same connection shares it.
        key = str(destination.settings.get("connection") or f"{self.name}.{destination.name}")
        return self._parts.limiters.setdefault(key, RateLimiter(destination.rate))

    async def _end(self, running: Running, seconds: float = 10.0) -> None:
        running.deliverer.draining = True
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while running.deliverer.busy:
                    await asyncio.sleep(0.01)
        await _cancel(running.task)
        await running.connector.close()
        if running.deliverer.fallback is not None:
            await running.deliverer.fallback.close()

    # ------------------------------------------------------------------ states
    async def start(self) -> None:
        """Receive, transform, deliver. What an earlier run left is taken up first."""
        if self.state in ("stopped", "failed") or self._source_task is None:
            self.state = "running"
            await self._restart_source()
        self.state = "running"
        self.transformer.resume()
        for running in self.destinations.values():
            running.deliverer.paused = False
            running.deliverer.wake()

    def pause(self) -> None:
        """Go on receiving and journalling; transform and send nothing."""
        self.state = "paused"
        self.transformer.paused = True
        for running in self.destinations.values():
            running.deliverer.paused = True

    async def stop_source(self) -> None:
        """Receive nothing more; what was received is still transformed and delivered."""
        task, self._source_task = self._source_task, None
        if task is not None:
            await _cancel(task)

    async def stop(self) -> None:
        self.state = "stopped"
        await self.stop_source()

    async def close(self, seconds: float = 10.0) -> None:
        """`seconds`: how long sends under way may take to end."""
        await self.stop_source()
        await asyncio.gather(*(self._end(r, seconds) for r in self.destinations.values()))

    @property
    def quiet(self) -> bool:
        """Nothing under way; queued deliveries may wait in the journal."""
        transformed = self.transformer.idle or self.state == "paused"
        return transformed and not any(r.deliverer.busy for r in self.destinations.values())

    def business(self) -> str:
        """What is under way, in words."""
        parts = [] if self.transformer.idle else [f"{self.transformer.backlog} messages to transform"]
        parts += [f"{name} is sending" for name, r in self.destinations.items() if r.deliverer.busy]
        return ", ".join(parts)

    def rescan(self, destination: str | None = None) -> None:
        for name, running in self.destinations.items():
            if destination in (None, name):
                running.deliverer.rescan()

    # ------------------------------------------------------------------ source
    async def _restart_source(self) -> None:
        await self.stop_source()
        if self.model is None or self.state == "stopped":
            return
        self._source_task = asyncio.create_task(self._serve(self.model), name=f"source {self.name}")

    async def _serve(self, model: ChannelModel) -> None:
        wait = 1.0
        while True:
            try:
                self.source = self._parts.source(model)
                await self.source.run(self.door)
                return
            except Exception as error:  # one source's trouble (a port in use, a missing secret) is its own
                self.meter.source_failed(error)
                self.state = "failed" if self.state == "running" else self.state
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_RESTART_SECONDS)
            if self.state == "failed":
                self.state = "running"


def _only_keeps(model: ChannelModel, row: RevisionRow) -> bool:
    """Nothing is read from a message, and nothing made of it: it is journalled, and that is all."""
    work = model.transform or model.map or model.filter or model.index or model.destinations
    return not work and program_of(row.content, row.revision).format in ("hl7v2", "bytes")


def _same_source(before: ChannelModel, after: ChannelModel) -> bool:
    def parts(model: ChannelModel) -> tuple[SourceModel, str | None, str, dict[str, str]]:
        return model.source, model.charset, model.zone, model.index

    return parts(before) == parts(after)


def _fallback_changed(running: Running, model: ChannelModel) -> bool:
    standby = next((d for d in model.destinations if d.name == running.model.fallback), None)
    return (standby is None) != (running.deliverer.fallback is None)


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError, Exception):
        await task
