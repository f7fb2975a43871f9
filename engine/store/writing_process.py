"""The process that writes an SQLite journal: reads what the engine hands in, commits, answers, keeps house.

    python -m engine.store.writing_process SOCKET PATH SLOT

It ends when the engine's end of the socket closes, after what had arrived is written. Signals of the terminal and of
the service manager are the engine's business: it drains, and this process is needed until then.
"""

from __future__ import annotations

import signal
import socket
import sys
from collections import deque
from itertools import count
from typing import Any

from engine.core.clock import SystemClock
from engine.core.errors import IsthmusError
from engine.ports.journal import Appended
from engine.store.batch import LONGEST, Batch
from engine.store.commits import Commits, overtaking
from engine.store.database import database
from engine.store.leases import Fence
from engine.store.names import Names
from engine.store.wire import Answered, Failure, Frames, Stored, Submitted, encode

_CHUNK = 1 << 18


class Inbox:
    """What has arrived, in order; waits for more only when there is nothing."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection, self._frames = connection, Frames(Submitted)
        self._arrived: deque[Submitted] = deque()
        self._chunk = memoryview(bytearray(_CHUNK))
        self._open = True

    @property
    def empty(self) -> bool:
        return not self._arrived

    def take(self) -> list[Submitted]:
        """As much as one commit should carry; a request to finish comes alone. Empty: the engine has gone."""
        if self._arrived:
            self._read(socket.MSG_DONTWAIT)
        while self._open and not self._arrived:
            self._read(0)
        taken: list[Submitted] = []
        weight = 0
        while self._arrived and weight < LONGEST:
            next_weight = self._arrived[0].weight
            if taken and not next_weight:
                break
            taken.append(self._arrived.popleft())
            weight += next_weight
            if not next_weight:
                break
        return taken

    def _read(self, flags: int) -> None:
        try:
            count = self._connection.recv_into(self._chunk, 0, flags)
        except BlockingIOError:
            return
        self._open = count > 0
        self._arrived.extend(self._frames.feed(self._chunk[:count]))


class WritingProcess:
    """Commits what arrives, batch after batch, until the engine has gone."""

    def __init__(self, connection: socket.socket, path: str, slot: int) -> None:
        self._connection, self._inbox = connection, Inbox(connection)
        self._fence = Fence()
        self._database = database(f"sqlite:///{path}")
        self._commits = Commits(
            self._database, SystemClock(), Names(), self._fence.check, slot, handed_in=lambda message: None
        )

    def serve(self) -> None:
        while taken := self._inbox.take():
            self._connection.sendall(encode(self._write(taken)))
            self._commits.housekeep(idle=self._inbox.empty)  # after the answers: nobody waits for a checkpoint
        self._commits.close()
        self._database.close()

    def _write(self, taken: list[Submitted]) -> Answered:
        self._fence.tokens = taken[-1].leases
        batch = Batch()
        values: list[Stored | Failure | None] = []
        for submitted in taken:
            start = len(values)
            values += [None] * submitted.answers
            self._add(batch, submitted, start, values)
        if len(batch):
            for slot, value in self._commits.write(batch, taken[-1].at, self._commits.lost):
                values[slot] = _answer(value)
        return Answered(self._commits.lost, len(taken), values)

    def _add(self, batch: Batch, submitted: Submitted, start: int, values: list[Any]) -> None:
        batch.messages += zip(submitted.messages, count(start), strict=False)
        start += len(submitted.messages)
        if submitted.told == self._commits.lost:
            batch.outcomes += zip(submitted.outcomes, count(start), strict=False)
        else:
            for slot, _ in zip(count(start), submitted.outcomes, strict=False):
                values[slot] = Failure.of(overtaking())
        start += len(submitted.outcomes)
        batch.settlements += zip(submitted.settlements, count(start), strict=False)


def _answer(value: Any) -> Stored | Failure | None:
    if isinstance(value, Appended):
        return Stored(value)
    return Failure.of(value) if isinstance(value, IsthmusError) else None


def main() -> None:
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    number, path, slot = sys.argv[1:]
    with socket.socket(fileno=int(number)) as connection:
        try:
            WritingProcess(connection, path, int(slot)).serve()
        except (BrokenPipeError, ConnectionResetError):  # the engine was killed: what it did not hear is on disk or not
            pass


if __name__ == "__main__":
    main()
