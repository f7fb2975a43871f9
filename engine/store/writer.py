"""What the parts of the store hand their writes to; two ways to carry them out keep this contract.

`thread_writer` is a thread of this process, for PostgreSQL and for short-lived commands. `process_writer` is a process
of its own, for an engine on SQLite: there the interpreter lock is out of the way of both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from engine.ports.journal import Appended, NewMessage, Outcome, Settlement
from engine.store.transaction import Transaction

T = TypeVar("T")


class Writer(Protocol):
    """Everything pending becomes one transaction, one flush, one call back; called on the loop's thread.

    Nobody is called back before the flush; after a failure everybody of the batch hears of it.
    """

    def append(self, message: NewMessage, done: Callable[[Appended | Exception], None]) -> None: ...

    def finish(self, outcomes: Sequence[Outcome], done: Callable[[Exception | None], None]) -> None: ...

    def settle(self, settlements: Sequence[Settlement], done: Callable[[Exception | None], None]) -> None: ...

    async def perform(self, operation: Callable[[Transaction], T], *, fenced: bool = True) -> T:
        """Run rare work in a commit after what was submitted before; returns its value when that is flushed."""
        ...

    async def flush(self) -> None:
        """Return when everything submitted so far is on disk."""
        ...

    async def close(self) -> None:
        """Write what is pending, then let the connection go."""
        ...
