"""The one thread that writes: everything pending becomes one transaction, one flush, one call back.

While a commit is being flushed the next batch gathers; that is the group commit. The loop's thread only appends to
lists.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from engine.core.clock import Clock, to_micros
from engine.ports.journal import Appended, NewMessage, Outcome, Settlement
from engine.store.batch import Batch, Done, Entry
from engine.store.commits import Answers, Commits
from engine.store.transaction import Transaction

T = TypeVar("T")


class ThreadWriter:
    """`engine.store.writer.Writer`. Start and use it on the loop's thread."""

    def __init__(self, commits: Commits, clock: Clock) -> None:
        self._commits, self._clock = commits, clock
        self._loop = asyncio.get_running_loop()
        self._pending: list[Entry] = []
        self._lock, self._wake = threading.Lock(), threading.Event()
        self._closing = False
        self._told = 0  # lost commits that the loop has heard of
        self._thread = threading.Thread(target=self._serve, name="isthmus-store-writer", daemon=True)
        self._thread.start()

    # ------------------------------------------------------------------ on the loop's thread
    def append(self, message: NewMessage, done: Callable[[Appended | Exception], None]) -> None:
        self._submit("messages", message, done)

    def finish(self, outcomes: Sequence[Outcome], done: Callable[[Exception | None], None]) -> None:
        self._submit("outcomes", outcomes, done)

    def settle(self, settlements: Sequence[Settlement], done: Callable[[Exception | None], None]) -> None:
        self._submit("settlements", settlements, done)

    async def perform(self, operation: Callable[[Transaction], T], *, fenced: bool = True) -> T:
        future: asyncio.Future[T] = self._loop.create_future()
        self._submit("operations" if fenced else "free", operation, answering(future))
        return await future

    def _submit(self, kind: str, value: Any, done: Done) -> None:
        with self._lock:
            self._pending.append((kind, value, done))
        if not self._wake.is_set():
            self._wake.set()

    async def flush(self) -> None:
        await self.perform(lambda transaction: None)

    async def close(self) -> None:
        self._closing = True
        self._wake.set()
        await asyncio.to_thread(self._thread.join)

    # ------------------------------------------------------------------ on the writer's thread
    def _serve(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            while batch := self._take():
                self._answer(self._commits.write(batch, to_micros(self._clock.now()), self._told))
                self._commits.housekeep(idle=not self._pending)  # after the answers: nobody waits for a checkpoint
            if self._closing:
                break
        self._commits.close()

    def _take(self) -> Batch:
        batch = Batch()
        with self._lock:
            del self._pending[: batch.take(self._pending)]
        return batch

    def _answer(self, answers: Answers) -> None:
        try:
            self._loop.call_soon_threadsafe(self._call, answers, self._commits.lost)
        except RuntimeError:  # the loop was closed: nobody is left to hear it, and the rows are safe
            pass

    def _call(self, answers: Answers, lost: int) -> None:
        call_back(self._loop, answers)
        self._told = lost


def answering(future: asyncio.Future[T]) -> Done:
    """A call back that puts a value or an error into a future."""

    def done(value: Any) -> None:
        if future.done():
            return
        if isinstance(value, Exception):
            future.set_exception(value)
        else:
            future.set_result(value)

    return done


def call_back(loop: asyncio.AbstractEventLoop, answers: Answers) -> None:
    """One listener's mistake must not silence the others."""
    for done, value in answers:
        try:
            done(value)
        except Exception as error:
            loop.call_exception_handler({"message": "a store callback failed", "exception": error})
