"""Batches become transactions on the one writing connection, which is opened again when it is lost.

Whoever owns a `Commits` calls it from one thread at a time: the writer's thread, or the writer's own process.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.core.clock import Clock
from engine.core.errors import IsthmusError, StoreError
from engine.ports.journal import NewMessage
from engine.ports.states import MessageState
from engine.store.append import as_handed_in, write_messages
from engine.store.batch import Batch
from engine.store.database import Database
from engine.store.faults import is_broken, is_collision, translate
from engine.store.finish import write_outcomes
from engine.store.names import Names
from engine.store.session import Session
from engine.store.settle import write_settlements
from engine.store.transaction import Transaction

Guard = Callable[[Session], None]
Answers = list[tuple[Any, Any]]
"""Whom to tell, as it came with the entry; what: a value, None, or the error."""

_REMEMBERED = 100_000  # digests of received bodies kept until their outcome is written
_TRIES = 5  # of a transaction that collided with another node's
_BACKOFF = (0.05, 5.0)  # seconds between attempts to reach a lost database: first, longest


class Commits:
    """Owns the writing connection.

    Args:
        guard: looks at the open transaction and raises when this node must not write.
        slot: this node's rows in the counters.
        handed_in: the answer to a message that is on disk as it was handed in.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        names: Names,
        guard: Guard,
        slot: int,
        handed_in: Callable[[NewMessage], Any] = as_handed_in,
    ) -> None:
        self.lost = 0  # commits that failed so far
        self._handed_in = handed_in
        self._database, self._clock, self._names, self._guard, self._slot = database, clock, names, guard, slot
        self._session: Session | None = None
        self._raw: dict[int, bytes] = {}
        self._retry_at, self._backoff = 0.0, _BACKOFF[0]

    def write(self, batch: Batch, at: int, told: int) -> Answers:
        """Write a batch, flushed when this returns; the answer to each entry.

        Args:
            at: microseconds since 1970 UTC.
            told: how many lost commits the owner of the entries had heard of when it handed them in.
        """
        if self.lost != told and batch.outcomes:
            return self._refuse_outcomes(batch, at, told)
        try:
            answers = self._try(batch, at)
        except Exception as error:  # isolation point: a batch's failure goes to its waiters, never to the thread
            return self._failed(batch, at, told, error)
        self._backoff = _BACKOFF[0]
        return answers

    def housekeep(self, idle: bool) -> None:
        """What fails here fails after the commit: the waiters' rows are safe, the connection is not trusted again."""
        if self._session is None:
            return
        try:
            self._database.after_commit(self._session, idle)
        except Exception:
            self.close()
            self._database.suspect()

    def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            try:
                session.close()
            except Exception:  # closing what is broken; the reason was told to the waiters
                pass

    # ------------------------------------------------------------------ one batch
    def _refuse_outcomes(self, batch: Batch, at: int, told: int) -> Answers:
        """Outcomes handed in before their owner heard of a lost commit: written, they would overtake those in it."""
        refused: Answers = [(done, overtaking()) for _, done in batch.outcomes]
        batch.outcomes.clear()
        return [*refused, *(self.write(batch, at, told) if len(batch) else [])]

    def _try(self, batch: Batch, at: int) -> Answers:
        for attempt in range(_TRIES):
            session = self._connected()
            try:
                return self._write(session, batch, at)
            except Exception as error:
                self._undo(session)
                if not is_collision(error) or attempt == _TRIES - 1:
                    raise
        raise AssertionError("unreachable")

    def _write(self, session: Session, batch: Batch, at: int) -> Answers:
        transaction = Transaction(session, self._names, at, self._slot)
        session.begin()
        if not batch.free:
            self._guard(session)
        answers = self._apply(transaction, batch)
        transaction.write_counts()
        transaction.write_feed()
        session.commit()
        self._names.keep()
        self._forget(batch)
        return answers

    def _apply(self, transaction: Transaction, batch: Batch) -> Answers:
        answers: Answers = []
        if batch.messages:
            self._remember(batch)
            verdicts = write_messages(transaction, [message for message, _ in batch.messages])
            answers += [
                (done, verdict or self._handed_in(message))
                for (message, done), verdict in zip(batch.messages, verdicts, strict=True)
            ]
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

    def _failed(self, batch: Batch, at: int, told: int, error: Exception) -> Answers:
        if is_broken(error):
            self.lost += 1
            self.close()
            self._database.suspect()
        elif len(batch) > 1 and not isinstance(error, StoreError):
            return [answer for one in batch.singles() for answer in self.write(one, at, told)]
        elif batch.outcomes:
            self.lost += 1
        words = translate(error)
        return [(done, words) for done in batch.waiting()]

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

    # ------------------------------------------------------------------ the connection
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
            self.close()


def overtaking() -> StoreError:
    """What the owner of an outcome hears that came too early after a lost commit; it hands it in again."""
    return StoreError("an earlier commit was lost", remedy="see the database's own log; retried")
