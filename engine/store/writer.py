"""The one thread that writes: everything pending becomes one transaction, one flush, one call back.

While a commit is being flushed the next batch gathers; that is the group commit. The loop's thread only appends to
lists. Nobody is called back before the flush; after a failure everybody of the batch hears of it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from engine.core.clock import Clock, to_micros
from engine.core.errors import IsthmusError, StoreError
from engine.ports.journal import Appended, NewMessage, Outcome, Settlement
from engine.ports.states import MessageState
from engine.store.append import write_messages
from engine.store.batch import Batch, Done, Entry
from engine.store.database import Database
from engine.store.faults import is_broken, is_collision, translate
from engine.store.finish import write_outcomes
from engine.store.names import Names
from engine.store.session import Session
from engine.store.settle import write_settlements
from engine.store.transaction import Transaction

T = TypeVar("T")
Guard = Callable[[Session], None]
_REMEMBERED = 100_000  # digests of received bodies kept until their outcome is written
_TRIES = 5  # of a transaction that collided with another node's
_BACKOFF = (0.05, 5.0)  # seconds between attempts to reach a lost database: first, longest


class Writer:
    """Owns the writing connection. Start and use it on the loop's thread.

    Args:
        guard: looks at the open transaction and raises when this node must not write.
        slot: this node's rows in the counters.
    """

    def __init__(self, database: Database, clock: Clock, names: Names, guard: Guard, slot: int = 0) -> None:
        self._database, self._clock, self._names, self._slot = database, clock, names, slot
        self._loop = asyncio.get_running_loop()
        self._pending: list[Entry] = []
        self._lock, self._wake = threading.Lock(), threading.Event()
        self._closing = False
        self._failures, self._told = 0, 0  # lost commits, and how many of them the loop has heard of
        self._session: Session | None = None
        self._raw: dict[int, bytes] = {}
        self._retry_at, self._backoff = 0.0, _BACKOFF[0]
        self._guard = guard
        self._thread = threading.Thread(target=self._serve, name="isthmus-store-writer", daemon=True)
        self._thread.start()

    # -- on the loop's thread
    def append(self, message: NewMessage, done: Callable[[Appended | Exception], None]) -> None:
        self._submit("messages", message, done)

    def finish(self, outcomes: Sequence[Outcome], done: Callable[[Exception | None], None]) -> None:
        self._submit("outcomes", outcomes, done)

    def settle(self, settlements: Sequence[Settlement], done: Callable[[Exception | None], None]) -> None:
        self._submit("settlements", settlements, done)

    async def perform(self, operation: Callable[[Transaction], T], *, fenced: bool = True) -> T:
        """Run rare work in the next commit; returns its value when that is flushed."""
        future: asyncio.Future[T] = self._loop.create_future()

        def done(value: Any) -> None:
            if future.done():
                return
            if isinstance(value, Exception):
                future.set_exception(value)
            else:
                future.set_result(value)

        self._submit("operations" if fenced else "free", operation, done)
        return await future

    def _submit(self, kind: str, value: Any, done: Done) -> None:
        with self._lock:
            self._pending.append((kind, value, done))
        if not self._wake.is_set():
            self._wake.set()

    async def flush(self) -> None:
        """Return when everything submitted so far is on disk."""
        await self.perform(lambda transaction: None)

    async def close(self) -> None:
        """Write what is pending, then end the thread."""
        self._closing = True
        self._wake.set()
        await asyncio.to_thread(self._thread.join)

    # -- on the writer's thread
    def _serve(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            while batch := self._take():
                self._answer(self._commit(batch))
                self._housekeep()  # after the answers: nobody waits for a checkpoint
            if self._closing:
                break
        self._drop_session()

    def _take(self) -> Batch:
        batch = Batch()
        with self._lock:
            del self._pending[: batch.take(self._pending)]
        return batch

    def _commit(self, batch: Batch) -> list[tuple[Done, Any]]:
        """Write a batch; what to tell each waiter."""
        if self._failures != self._told and batch.outcomes:
            return self._refuse_outcomes(batch)
        try:
            answers = self._try(batch)
        except Exception as error:  # isolation point: a batch's failure goes to its waiters, never to the thread
            return self._failed(batch, error)
        self._backoff = _BACKOFF[0]
        return answers

    def _refuse_outcomes(self, batch: Batch) -> list[tuple[Done, Any]]:
        """Outcomes handed in before their owner heard of a lost commit: written, they would overtake those in it."""
        error = StoreError("an earlier commit was lost", remedy="see the database's own log; retried")
        refused: list[tuple[Done, Any]] = [(done, error) for _, done in batch.outcomes]
        batch.outcomes.clear()
        return [*refused, *(self._commit(batch) if len(batch) else [])]

    def _try(self, batch: Batch) -> list[tuple[Done, Any]]:
        for attempt in range(_TRIES):
            session = self._connected()
            try:
                return self._write(session, batch)
            except Exception as error:
                self._undo(session)
                if not is_collision(error) or attempt == _TRIES - 1:
                    raise
        raise AssertionError("unreachable")

    def _write(self, session: Session, batch: Batch) -> list[tuple[Done, Any]]:
        transaction = Transaction(session, self._names, to_micros(self._clock.now()), self._slot)
        session.begin()
        if not batch.free:
            self._guard(session)
        answers = self._apply(transaction, batch)
        transaction.write_counts()
        session.commit()
        self._names.keep()
        self._forget(batch)
        return answers

    def _housekeep(self) -> None:
        """What fails here fails after the commit: the waiters' rows are safe, the connection is not trusted again."""
        if self._session is None:
            return
        try:
            self._database.after_commit(self._session, idle=not self._pending)
        except Exception:
            self._drop_session()
            self._database.suspect()

    def _apply(self, transaction: Transaction, batch: Batch) -> list[tuple[Done, Any]]:
        answers: list[tuple[Done, Any]] = []
        if batch.messages:
            self._remember(batch)
            appended = write_messages(transaction, [message for message, _ in batch.messages])
            answers += [(done, verdict) for (_, done), verdict in zip(batch.messages, appended, strict=True)]
        if batch.outcomes:
            write_outcomes(transaction, [one for outcomes, _ in batch.outcomes for one in outcomes], self._raw)
            answers += [(done, None) for _, done in batch.outcomes]
        if batch.settlements:
            write_settlements(transaction, [one for settlements, _ in batch.settlements for one in settlements])
            answers += [(done, None) for _, done in batch.settlements]
        answers += [(done, self._operate(transaction, operation)) for operation, done in batch.operations + batch.free]
        return answers

    def _operate(self, transaction: Transaction, operation: Callable[[Transaction], Any]) -> Any:
        """A refusal is the answer to the one who asked, and takes back only what that one wrote."""
        savepoint, before = transaction.session.sql.begin_nested(), transaction.remember()
        try:
            value = operation(transaction)
        except IsthmusError as error:
            savepoint.rollback()
            transaction.take_back(before)
            return error
        savepoint.commit()
        return value

    def _failed(self, batch: Batch, error: Exception) -> list[tuple[Done, Any]]:
        if is_broken(error):
            self._failures += 1
            self._drop_session()
            self._database.suspect()
        elif len(batch) > 1 and not isinstance(error, StoreError):
            return [answer for one in batch.singles() for answer in self._commit(one)]
        elif batch.outcomes:
            self._failures += 1
        told = translate(error)
        return [(done, told) for done in batch.waiting()]

    def _remember(self, batch: Batch) -> None:
        if len(self._raw) > _REMEMBERED:
            self._raw.clear()
        for message, _ in batch.messages:
            if message.state == MessageState.RECEIVED:
                self._raw[message.message_id] = message.digest

    def _forget(self, batch: Batch) -> None:
        for outcomes, _ in batch.outcomes:
            for outcome in outcomes:
                self._raw.pop(outcome.message_id, None)

    # -- the connection
    def _connected(self) -> Session:
        """The connection, opened again after a failure, not more often than the backoff allows."""
        if self._session is None:
            if self._clock.monotonic() < self._retry_at:
                raise StoreError("the store cannot be reached", remedy="see the database's own log; retried")
            self._retry_at = self._clock.monotonic() + self._backoff
            self._backoff = min(self._backoff * 2, _BACKOFF[1])
            self._session = self._database.writer()
        return self._session

    def _undo(self, session: Session) -> None:
        self._names.forget()
        try:
            session.rollback()
        except Exception:  # the connection is gone: the database rolls back by itself
            self._drop_session()

    def _drop_session(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            try:
                session.close()
            except Exception:  # closing what is broken; the reason was told to the waiters
                pass

    def _answer(self, answers: list[tuple[Done, Any]]) -> None:
        try:
            self._loop.call_soon_threadsafe(self._call, answers, self._failures)
        except RuntimeError:  # the loop was closed: nobody is left to hear it, and the rows are safe
            pass

    def _call(self, answers: list[tuple[Done, Any]], failures: int) -> None:
        for done, value in answers:
            try:
                done(value)
            except Exception as error:  # one listener's mistake must not silence the others
                self._loop.call_exception_handler({"message": "a store callback failed", "exception": error})
        self._told = failures
