"""The engine's end of the writing process: hands in what a turn of the loop collected, tells the answers on.

Rare operations are functions, and run in this process on a connection of its own. While one runs, the writing process
rests: two connections that write and reset the WAL at once can corrupt it (SQLite before 3.51.3).
"""

from __future__ import annotations

import asyncio
import logging
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from engine.core.clock import Clock, to_micros
from engine.core.errors import StoreError
from engine.ports.journal import Appended, NewMessage, Outcome, Settlement
from engine.store.append import as_handed_in
from engine.store.batch import Batch, Done
from engine.store.commits import Answers, Commits, overtaking
from engine.store.faults import translate
from engine.store.leases import Fence
from engine.store.thread_writer import answering, call_back
from engine.store.transaction import Transaction
from engine.store.wire import Answered, Failure, Frames, Stored, Submitted, encode

log = logging.getLogger("isthmus.store")
T = TypeVar("T")
_TOO_SOON = 1.0  # seconds: a process that lives no longer is not replaced at once
_BACKOFF = 0.5  # seconds until it is replaced then
_EARLY = 16  # entries handed in before the turn's end: the process works while we collect more (tests/bench)
_FRAME_BYTES = 8 * 1024 * 1024  # bodies handed in at once: large ones do not pile up in one buffer
_ANSWER_BYTES = 65_536  # read at once
_END_SECONDS = 30


class ProcessWriter:
    """`engine.store.writer.Writer`, over one SQLite file.

    Args:
        commits: for operations, on this process's connection.
        keep: descriptor that the process holds open as long as it lives, as the journal's lock.
    """

    def __init__(self, path: Path, commits: Commits, fence: Fence, clock: Clock, slot: int, keep: int) -> None:
        self._path, self._commits, self._fence, self._clock = path, commits, fence, clock
        self._slot, self._keep = slot, keep
        self._loop = asyncio.get_running_loop()
        self._turn = _Turn()
        self._tick: asyncio.Handle | None = None
        self._waiting: deque[_Turn] = deque()  # handed in, not answered
        self._operations: list[tuple[str, Callable[[Transaction], Any], Done]] = []
        self._operating: asyncio.Task[None] | None = None
        self._resting = False  # the process rests, because an operation runs
        self._untouched = True  # nothing was handed in: it has no connection yet, and may still be starting
        self._closing = False
        self._end: _End | None = None
        self._start()

    # ------------------------------------------------------------------ handing in
    def append(self, message: NewMessage, done: Callable[[Appended | Exception], None]) -> None:
        turn = self._turn
        turn.messages.append(message)
        turn.told_messages.append(done)
        turn.bytes += len(message.body)
        self._soon(1)

    def finish(self, outcomes: Sequence[Outcome], done: Callable[[Exception | None], None]) -> None:
        turn = self._turn
        turn.outcomes.append(list(outcomes))
        turn.told_outcomes.append(done)
        turn.bytes += sum(len(document.body) for outcome in outcomes for document in outcome.documents)
        self._soon(len(outcomes))

    def settle(self, settlements: Sequence[Settlement], done: Callable[[Exception | None], None]) -> None:
        self._turn.settlements.append(list(settlements))
        self._turn.told_settlements.append(done)
        self._soon(len(settlements))

    async def perform(self, operation: Callable[[Transaction], T], *, fenced: bool = True) -> T:
        future: asyncio.Future[T] = self._loop.create_future()
        self._operations.append(("operations" if fenced else "free", operation, answering(future)))
        if self._operating is None:
            self._operating = self._loop.create_task(self._operate())
        return await future

    async def flush(self) -> None:
        await self.perform(lambda transaction: None)

    def _soon(self, weight: int) -> None:
        turn = self._turn
        turn.weight += weight
        if turn.weight >= _EARLY or turn.bytes >= _FRAME_BYTES:
            self._hand_in()
        elif self._tick is None:
            self._tick = self._loop.call_soon(self._ticked)

    def _ticked(self) -> None:
        self._tick = None
        self._hand_in()

    def _hand_in(self) -> None:
        if self._resting or not self._turn.waiting():
            return
        turn, self._turn = self._turn, _Turn()
        self._send(turn)

    def _send(self, turn: _Turn) -> None:
        if self._end is None:
            self._later([(done, _gone()) for done in turn.waiting()])
            return
        at, leases = to_micros(self._clock.now()), self._fence.tokens
        submitted = Submitted(at, self._end.lost, leases, turn.messages, turn.outcomes, turn.settlements)
        try:
            data = encode(submitted)
        except (TypeError, ValueError, OverflowError) as error:  # one value among all; the others must not suffer
            self._send_singly(turn, error)
            return
        self._waiting.append(turn)
        self._untouched = False
        self._end.send(data)

    def _send_singly(self, turn: _Turn, error: Exception) -> None:
        singles = turn.singles()
        if len(singles) == 1:
            self._later([(done, translate(error)) for done in turn.waiting()])
            return
        for one in singles:
            self._send(one)

    def _later(self, answers: Answers) -> None:
        """Nobody is called back while he still hands in."""
        self._loop.call_soon(call_back, self._loop, answers)

    # ------------------------------------------------------------------ answers
    def answered(self, answered: Answered) -> None:
        answers: Answers = []
        values = iter(answered.values)
        for _ in range(answered.submissions):
            turn = self._waiting.popleft()
            for message, done in zip(turn.messages, turn.told_messages, strict=True):
                value = next(values)
                answers.append((done, as_handed_in(message) if value is None else _told(value)))
            answers += [(done, _told(next(values))) for done in turn.told_outcomes + turn.told_settlements]
        self._tell(answers, answered.lost)

    def _tell(self, answers: Answers, lost: int) -> None:
        if self._end is not None and lost != self._end.lost:
            self._end.lost = lost
            answers = self._refused() + answers
        call_back(self._loop, answers)

    def _refused(self) -> Answers:
        """Outcomes of this turn were made before their owner heard of the loss."""
        turn = self._turn
        answers: Answers = [(done, overtaking()) for done in turn.told_outcomes]
        turn.weight -= sum(map(len, turn.outcomes))
        turn.outcomes, turn.told_outcomes = [], []
        return answers

    # ------------------------------------------------------------------ operations
    async def _operate(self) -> None:
        """Between two submissions: after what was handed in before, and before what comes meanwhile."""
        while self._operations:
            await self._rest()
            batch = Batch()
            del self._operations[: batch.take(self._operations)]
            told, at = self._commits.lost, to_micros(self._clock.now())
            answers = await asyncio.to_thread(self._carry_out, batch, at, told)
            self._resting = False
            call_back(self._loop, answers)
            self._hand_in()
        self._operating = None

    def _carry_out(self, batch: Batch, at: int, told: int) -> Answers:
        answers = self._commits.write(batch, at, told)
        self._commits.housekeep(idle=True)
        return answers

    async def _rest(self) -> None:
        self._hand_in()
        self._resting = True
        if self._end is None or self._untouched:
            return
        rested, turn = asyncio.Event(), _Turn()
        turn.told_settlements.append(lambda _: rested.set())  # to nothing handed in: see `Submitted`
        self._send(turn)
        await rested.wait()

    # ------------------------------------------------------------------ the process
    def _start(self) -> None:
        end = _End(self, self._loop)
        try:
            end.start([str(self._path), str(self._slot)], self._keep)
        except OSError as error:  # no memory, no more processes: until there is, everybody hears that nothing is stored
            log.warning("the process that writes the journal cannot be started: %s", error.strerror)
            self._loop.call_later(_BACKOFF, self._start_again)
        else:
            self._end = end

    def ended(self, end: _End) -> None:
        """Its socket closed. What it had not answered is on disk or not; whoever waits for it hears that."""
        self._end, self._untouched = None, False
        waiting, self._waiting = self._waiting, deque()
        answers = self._refused() + [(done, _gone()) for turn in waiting for done in turn.waiting()]
        call_back(self._loop, answers)
        if self._closing:
            return
        log.warning("the process that writes the journal ended; it is started again")
        if end.lived < _TOO_SOON:
            self._loop.call_later(_BACKOFF, self._start_again)
        else:
            self._start()

    def _start_again(self) -> None:
        if not self._closing and self._end is None:
            self._start()

    async def close(self) -> None:
        if self._operating is not None:
            await self._operating
        await self._rest()
        self._closing = True
        if self._end is not None:
            self._end.stop()
            await asyncio.to_thread(self._end.wait)
        await asyncio.to_thread(self._commits.close)


class _Turn:
    """What is handed in together."""

    __slots__ = (
        *("bytes", "messages", "outcomes", "settlements", "told_messages", "told_outcomes", "told_settlements"),
        "weight",
    )

    def __init__(self) -> None:
        self.messages: list[NewMessage] = []
        self.outcomes: list[list[Outcome]] = []
        self.settlements: list[list[Settlement]] = []
        self.told_messages: list[Done] = []
        self.told_outcomes: list[Done] = []
        self.told_settlements: list[Done] = []
        self.weight = self.bytes = 0

    def waiting(self) -> list[Done]:
        return self.told_messages + self.told_outcomes + self.told_settlements

    def singles(self) -> list[_Turn]:
        """One an entry."""
        found = []
        for what in ("messages", "outcomes", "settlements"):
            for value, done in zip(getattr(self, what), getattr(self, f"told_{what}"), strict=True):
                one = _Turn()
                getattr(one, what).append(value)
                getattr(one, f"told_{what}").append(done)
                found.append(one)
        return found


class _End:
    """One run of the process, and our end of its socket."""

    def __init__(self, owner: ProcessWriter, loop: asyncio.AbstractEventLoop) -> None:
        self.lost = 0  # failed commits of which our listeners have heard
        self._owner, self._loop, self._began = owner, loop, loop.time()
        self._frames = Frames(Answered)
        self._unsent = bytearray()

    @property
    def lived(self) -> float:
        return self._loop.time() - self._began

    def start(self, arguments: list[str], keep: int) -> None:
        self._socket, theirs = socket.socketpair()
        self._socket.setblocking(False)
        module = ["-X", "frozen_modules=on", "-m", "engine.store.writing_process", str(theirs.fileno())]
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, *module, *arguments],
                pass_fds=[theirs.fileno(), keep],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        self._loop.add_reader(self._socket, self._read)

    def send(self, data: bytes) -> None:
        if not self._unsent:
            try:
                data = data[self._socket.send(data) :]
            except BlockingIOError:
                pass  # its buffer is full: all of it waits
            except OSError:  # it is gone; reading says so
                return
            if data:
                self._loop.add_writer(self._socket, self._write)
        self._unsent += data

    def _write(self) -> None:
        try:
            del self._unsent[: self._socket.send(memoryview(self._unsent)[:_FRAME_BYTES])]
        except BlockingIOError:
            return
        except OSError:
            self._unsent.clear()
        if not self._unsent:
            self._loop.remove_writer(self._socket)

    def _read(self) -> None:
        try:
            data = self._socket.recv(_ANSWER_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._close()
            self._owner.ended(self)
            return
        for answered in self._frames.feed(data):
            self._owner.answered(answered)

    def _close(self) -> None:
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._socket.close()

    def stop(self) -> None:
        """Say that nothing more comes."""
        self._close()

    def wait(self) -> None:
        """Blocks until the process has ended, and ends it when it takes too long."""
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _told(value: Stored | Failure | None) -> Any:
    if isinstance(value, Stored):
        return value.appended
    return value.error() if isinstance(value, Failure) else None


def _gone() -> StoreError:
    return StoreError("the process that writes the journal ended", remedy="it is started again; retried")
