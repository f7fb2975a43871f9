"""Worker processes as the flow sees them: `submit` a batch of one channel, get every result back, whatever happens.

A worker serves one channel at a time, so a channel's messages keep their order and a script that hangs holds up
its own channel only. When a worker dies or must be killed, the message it was at is HELD and the rest of its
batch goes to a new worker.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import cast

from engine.ports.connector import Reason
from engine.ports.script import Limits, Program, WorkItem, WorkResult
from engine.ports.states import MessageState
from engine.script import wire
from engine.script.cradle import Begun
from engine.script.nursery import Nursery
from engine.script.wire import HEAD_BYTES, Kind, Mark, Progress, ResultFrame, frame, parse_head

Done = Callable[[Sequence[WorkResult]], None]

BATCH = 64
SUSPECT_BATCH = 4  # after a hang, a channel's batches are small: each message may cost its whole limit
PIPELINE = 2  # batches under way at one worker: it need not wait for us between two
_WATCH_SECONDS = 0.2


class Batch:
    """Items of one channel under way; `done` is called for results as they come."""

    __slots__ = ("channel", "done", "items", "number", "received")

    def __init__(self, number: int, channel: str, items: list[WorkItem], done: Done) -> None:
        self.number, self.channel, self.items, self.done = number, channel, items, done
        self.received = 0


class Link(asyncio.Protocol):
    """Our end of one worker."""

    def __init__(self, pool: Pool, pid: int, progress: Progress) -> None:
        self.pool, self.pid, self.progress = pool, pid, progress
        self.batches: deque[Batch] = deque()
        self.known: set[str] = set()
        self.retiring, self.killed = False, False
        self.suspected: Mark | None = None
        self._buffer = bytearray()
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) >= HEAD_BYTES:
            length, _ = parse_head(self._buffer)
            end = HEAD_BYTES + length
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[HEAD_BYTES:end])
            del self._buffer[:end]
            self.pool.results_came(self, wire.result_decoder.decode(body))

    def connection_lost(self, error: Exception | None) -> None:
        self.pool.link_lost(self)

    def send(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.write(data)


class Pool:
    """Starts `size` workers and keeps that many alive.

    Args:
        size: worker processes.
        replaced: told (pid, why) when a worker was replaced, for telemetry.
        begun: the nursery's process, when it was started already.
    """

    def __init__(
        self, size: int, replaced: Callable[[int, str], None] | None = None, begun: Begun | None = None
    ) -> None:
        self._size = max(1, size)
        self._replaced = replaced or (lambda pid, why: None)
        self._nursery = Nursery(self._child_ended, begun)
        self._links: list[Link] = []
        self._waiting: OrderedDict[str, deque[tuple[list[WorkItem], Done]]] = OrderedDict()
        self._programs: dict[str, tuple[Program, Limits]] = {}
        self._suspects: dict[str, float] = {}
        self._numbers = 0
        self._closing = False
        self._tasks: set[asyncio.Task[None]] = set()

    # ------------------------------------------------------------------ life
    def spawn(self) -> None:
        """Begin starting the nursery, so that its imports overlap with other start-up work."""
        self._nursery.spawn()

    async def start(self) -> None:
        await asyncio.gather(*(self._add_worker() for _ in range(self._size)))
        self._task(self._watch())

    async def close(self) -> None:
        """End every worker; batches under way are abandoned (their messages are still RECEIVED)."""
        self._closing = True
        for task in list(self._tasks):
            task.cancel()
        for link in self._links:
            if link.transport is not None:
                link.transport.abort()
        await asyncio.sleep(0)
        self._nursery.close()

    def define(self, program: Program, limits: Limits) -> None:
        """Make a revision known; it is sent to a worker when its first message goes there."""
        self._programs[program.key] = (program, limits)

    @property
    def workers(self) -> list[int]:
        """Process ids, for status and tests."""
        return [link.pid for link in self._links]

    # ------------------------------------------------------------------ work
    def submit(self, channel: str, items: list[WorkItem], done: Done) -> None:
        """Run items of one channel in order. `done` is called on the loop, in order, with one or more results."""
        size = SUSPECT_BATCH if channel in self._suspects else BATCH
        queue = self._waiting.setdefault(channel, deque())
        for start in range(0, len(items), size):
            queue.append((items[start : start + size], done))
        self._assign()

    def _assign(self) -> None:
        for channel in list(self._waiting):
            queue = self._waiting[channel]
            while queue and (link := self._link_for(channel)) is not None:
                items, done = queue.popleft()
                self._numbers += 1
                self._give(link, Batch(self._numbers, channel, items, done))
            if not queue:
                del self._waiting[channel]

    def _link_for(self, channel: str) -> Link | None:
        """The worker that has this channel, if it can take more; else an idle one."""
        for link in self._links:
            if link.batches and link.batches[0].channel == channel:
                ready = not link.retiring and not link.killed and len(link.batches) < PIPELINE
                return link if ready else None
        return next((x for x in self._links if not x.batches and not x.retiring and not x.killed), None)

    def _give(self, link: Link, batch: Batch) -> None:
        out = []
        for key in dict.fromkeys(item.program for item in batch.items):
            if key not in link.known and key in self._programs:
                link.known.add(key)
                out.append(frame(Kind.PROGRAM, wire.ProgramFrame(*self._programs[key])))
        out.append(frame(Kind.WORK, wire.WorkFrame(batch.number, batch.items)))
        link.batches.append(batch)
        link.send(b"".join(out))

    def results_came(self, link: Link, frame_: ResultFrame) -> None:
        batch = next(b for b in link.batches if b.number == frame_.batch)
        batch.received += len(frame_.results)
        if any(r.reason is not None and r.reason.code == "S002" for r in frame_.results):
            self._suspects[batch.channel] = time.monotonic()
        if frame_.last:
            link.batches.remove(batch)
        if frame_.retire:
            self._retire(link, "memory")
        batch.done(frame_.results)
        self._rotate(batch.channel)
        self._assign()

    def _rotate(self, channel: str) -> None:
        if channel in self._waiting:
            self._waiting.move_to_end(channel)

    # ------------------------------------------------------------------ death and replacement
    def _retire(self, link: Link, why: str) -> None:
        link.retiring = True
        self._replaced(link.pid, why)
        if not link.batches and link.transport is not None:
            link.transport.close()

    def link_lost(self, link: Link) -> None:
        if link in self._links:
            self._links.remove(link)
        if self._closing:
            return
        mark = link.progress.read()
        for batch in reversed(link.batches):
            self._salvage(link, batch, mark.batch, mark.position)
        link.batches.clear()
        link.progress.close()
        if not link.retiring:
            self._replaced(link.pid, "killed over its limit" if link.killed else "died")
        self._task(self._add_worker())

    def _salvage(self, link: Link, batch: Batch, at_batch: int, at: int) -> None:
        """What the dead worker had not answered: the message it was at is HELD, the others go on."""
        rest = batch.items[batch.received :]
        if at_batch == batch.number and at >= batch.received:  # else it had answered, and died before it went on
            # Results before `at` that were not flushed are lost: those messages simply run again.
            culprit = batch.items[at]
            rest = [item for item in rest if item is not culprit]
            batch.done([_held(culprit, link.killed, self._programs)])
            self._suspects[batch.channel] = time.monotonic()
        if rest:
            self._waiting.setdefault(batch.channel, deque()).appendleft((rest, batch.done))

    def _child_ended(self, pid: int, status: int) -> None:
        # The socket's end tells the same, in order with its last results; nothing to do here.
        return

    async def _add_worker(self) -> None:
        pid, connection, progress = await self._nursery.hatch()
        await self._connect(pid, connection, progress)
        self._assign()

    async def _connect(self, pid: int, connection: socket.socket, progress: Progress) -> None:
        link = Link(self, pid, progress)
        await asyncio.get_running_loop().create_connection(lambda: link, sock=connection)
        self._links.append(link)

    async def _watch(self) -> None:
        """Kill a worker whose message is far over its limit: code that Python's signals cannot interrupt."""
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            now = time.monotonic()
            for link in self._links:
                self._check(link, now)
            self._suspects = {c: t for c, t in self._suspects.items() if now - t < 60}

    def _check(self, link: Link, now: float) -> None:
        if link.retiring and not link.batches and link.transport is not None:
            link.transport.close()
        mark = link.progress.read()
        if not link.batches or mark.position < 0 or link.killed:
            return
        batch = next((b for b in link.batches if b.number == mark.batch), None)
        if batch is None or mark.position >= len(batch.items):
            return
        program = self._programs.get(batch.items[mark.position].program)
        limit = program[1].seconds if program else Limits().seconds
        if now - mark.since <= limit * 1.5 + 0.5:
            link.suspected = None
        elif link.suspected != mark:
            link.suspected = mark  # seen once; a page read while it is being written must not kill anybody
        else:
            link.killed = True
            with suppress(ProcessLookupError):
                os.kill(link.pid, signal.SIGKILL)

    def _task(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _held(item: WorkItem, over_time: bool, programs: dict[str, tuple[Program, Limits]]) -> WorkResult:
    program = programs.get(item.program)
    name = program[0].script_name if program else None
    if over_time:
        limit = program[1].seconds if program else Limits().seconds
        reason = Reason("S002", f"the transform ran longer than {limit:g} s and had to be killed", name,
                        "look for a slow regular expression or a huge number")  # fmt: skip
    else:
        reason = Reason("S004", "the transform ended its process", name, "it may not exit, crash or exhaust memory")
    return WorkResult(item.message_id, MessageState.HELD, reason)
