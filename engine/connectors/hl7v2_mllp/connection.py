"""One connection of the listener: frames in, acknowledgements out, in the order of arrival."""

from __future__ import annotations

import asyncio
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, cast

from engine.connectors.hl7v2_mllp.answers import Answer, is_taken_in
from engine.connectors.hl7v2_mllp.intake import Taken, holds_several, is_plain
from engine.core.errors import IsthmusError, MessageError
from engine.ports.connector import Receipt, Settled
from engine.protocols.hl7v2.batch import acknowledge_batch, is_batch
from engine.protocols.hl7v2.framing import MllpFramer, frame

if TYPE_CHECKING:
    from engine.connectors.hl7v2_mllp.source import MllpSource


class Slot:
    """The place of one frame in the order of answers; `replies` are filled as its messages are decided."""

    __slots__ = ("batch", "missing", "replies")

    def __init__(self, count: int, batch: bytes | None = None) -> None:
        self.replies: list[bytes] = [b""] * count
        self.missing, self.batch = count, batch


class MllpConnection(asyncio.Protocol):
    """Made by the listener for each peer; it lives and fails alone."""

    def __init__(self, source: MllpSource) -> None:
        self._source, self._framer = source, MllpFramer(source.settings.max_message)
        self._transport: asyncio.Transport | None = None
        self._slots: deque[Slot] = deque()
        self._closing, self._paused, self._peer_slow = False, False, False
        self._deferred = 0  # application acknowledgements that wait for the delivery, outside the order of frames
        self._is_tls = source.settings.tls is not None
        self._attributes: dict[str, str] = {}
        self.buffered = 0
        self.active_at = source.monotonic()
        self.began_at: float | None = None
        self.closing_at: float | None = None

    # ------------------------------------------------------------------ called by the transport
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        peer = transport.get_extra_info("peername")
        self._attributes = {"peer": str(peer[0]) if peer else "local"}
        if not self._source.admit(self, self._transport):
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._closing:
            return
        try:
            frames = self._framer.feed(data)
        except IsthmusError as error:
            self._break(error)
            return
        for body in frames:
            if body:  # an empty frame is how some peers ask whether we are there
                self._take(body)
        if self._framer.fault is not None:
            self._break(self._framer.fault)
        self._account(bool(frames))
        self._balance()

    def eof_received(self) -> bool:
        """The peer sends no more; what it sent is still answered, where TLS does not forbid it."""
        self._finish()
        return not self._is_tls

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._slots.clear()
        self._source.note_findings(self._attributes.get("peer", ""), self._framer.findings)
        self._source.forget(self)

    def pause_writing(self) -> None:
        """The peer does not read its acknowledgements: nothing more is taken from it."""
        self._peer_slow = True
        self._balance()

    def resume_writing(self) -> None:
        self._peer_slow = False
        self._balance()

    # ------------------------------------------------------------------ called by the source
    @property
    def waiting(self) -> int:
        """Frames and deliveries without their answer."""
        return len(self._slots) + self._deferred

    def balance(self) -> None:
        """Look again whether more may be read."""
        self._balance()

    def drop(self) -> None:
        """Close now, without waiting for anything."""
        if self._transport is not None:
            self._transport.abort()

    def close_gently(self) -> None:
        """Read no more; close when all is answered."""
        self._finish()

    # ------------------------------------------------------------------ messages
    def _take(self, body: bytes) -> None:
        if is_plain(body):
            self._take_one(self._source.intake.take(body, self._attributes, plain=True))
            return
        if not holds_several(body):
            self._take_one(self._source.intake.take(body, self._attributes))
            return
        try:
            bodies = self._source.intake.messages(body)
        except MessageError as error:  # the batch as a whole is kept as REFUSED
            self._take_one(self._source.intake.refuse(body, self._attributes, error))
            return
        slot = Slot(len(bodies), body if is_batch(body) else None)
        self._slots.append(slot)
        for index, one in enumerate(bodies):
            self._submit(self._source.intake.take(one, self._attributes), slot, index)

    def _take_one(self, taken: Taken) -> None:
        slot = Slot(1)
        self._slots.append(slot)
        self._submit(taken, slot, 0)

    def _submit(self, taken: Taken, slot: Slot, index: int) -> None:
        self._source.accept.submit(taken.received, partial(self._stored, taken, slot, index))

    def _stored(self, taken: Taken, slot: Slot, index: int, outcome: Receipt | Exception) -> None:
        if self._transport is None:
            return
        if taken.sender is not None:
            if isinstance(outcome, Receipt) and is_taken_in(outcome) and not self._source.waits:
                self._decide(slot, index, taken.sender.acknowledge(taken.control_id, outcome))
                return
            taken = self._source.intake.reread(taken)
        header = taken.header
        if header is None:
            # Without a header nobody can be answered: the message is kept as REFUSED, and its sender goes.
            self._decide(slot, index, b"")
            self._finish()
        elif taken.is_acknowledgement:
            self._decide(slot, index, b"")
        elif isinstance(outcome, Exception):
            self._source.note_failure(outcome)
            self._decide(slot, index, Answer(header, False).to_failure(*self._source.stamp()))
        else:
            self._answer(Answer(header, self._source.waits), slot, index, outcome)

    def _answer(self, answer: Answer, slot: Slot, index: int, receipt: Receipt) -> None:
        now, deferred = answer.to_receipt(receipt)
        if not deferred:
            self._decide(slot, index, now)
        elif now:  # enhanced mode: the application acknowledgement follows by itself, whenever it is known
            self._deferred += 1
            self._source.when_settled(receipt, partial(self._settled_later, answer, receipt))
            self._decide(slot, index, now)
        else:
            self._source.when_settled(receipt, partial(self._settled, answer, slot, index, receipt))

    def _settled(self, answer: Answer, slot: Slot, index: int, receipt: Receipt, settled: Settled | None) -> None:
        if self._transport is not None:
            self._decide(slot, index, answer.to_settled(receipt, settled))

    def _settled_later(self, answer: Answer, receipt: Receipt, settled: Settled | None) -> None:
        self._deferred -= 1
        if self._transport is not None:
            self._write(answer.to_settled(receipt, settled))
            self._close_when_done()

    # ------------------------------------------------------------------ answers
    def _decide(self, slot: Slot, index: int, reply: bytes) -> None:
        slot.replies[index] = reply
        slot.missing -= 1
        slots = self._slots
        if slot.missing or not slots or slots[0] is not slot:
            return
        out = self._joined(slots.popleft())
        while slots and not slots[0].missing:
            out += self._joined(slots.popleft())
        self._write(out)
        if self._paused:  # an answer can only make room
            self._balance()
        self._close_when_done()

    def _close_when_done(self) -> None:
        if self._closing and not self.waiting and self._transport is not None:
            self._close(self._transport)

    def _joined(self, slot: Slot) -> bytes:
        """The answers of one frame; those of a batch travel as a batch."""
        if len(slot.replies) == 1 and slot.batch is None:
            return slot.replies[0]
        if slot.batch is None or not any(slot.replies):
            return b"".join(slot.replies)
        bodies = [reply[1:-2] for reply in slot.replies if reply]
        moment, control_id = self._source.stamp()
        header = slot.batch.replace(b"\n", b"\r").split(b"\r", 1)[0]
        return frame(acknowledge_batch(header, bodies, control_id, moment))

    def _write(self, data: bytes) -> None:
        if data and self._transport is not None:
            self._source.outgoing.write(self._transport, data)

    def _close(self, transport: asyncio.Transport) -> None:
        self._source.outgoing.flush(transport)
        transport.close()

    # ------------------------------------------------------------------ flow and end
    def _account(self, completed: bool) -> None:
        """Note what an unfinished message holds and since when: bytes alone do not keep a connection open."""
        pending = self._framer.pending
        if pending != self.buffered:
            more, self.buffered = pending - self.buffered, pending
            self._source.count_buffered(more)
        if completed:
            self.active_at = self._source.monotonic()
        if self._framer.idle:
            self.began_at = None
        elif completed or self.began_at is None:
            self.began_at = self._source.monotonic()

    def _balance(self) -> None:
        transport = self._transport
        if transport is None or self._closing:
            return
        full = len(self._slots) >= self._source.settings.in_flight or self._peer_slow
        if not full and self._source.accept.backlogged:
            full = True
            self._source.look_again()
        if full != self._paused:
            self._paused = full
            (transport.pause_reading if full else transport.resume_reading)()

    def _break(self, error: IsthmusError) -> None:
        """The peer broke the protocol: what it sent properly is answered, then it goes."""
        self._source.note_break(self._attributes["peer"], error)
        self._finish()

    def _finish(self) -> None:
        if self._transport is None or self._closing:
            return
        self._closing, self.closing_at = True, self._source.monotonic()
        if not self.waiting:
            self._close(self._transport)
        elif not self._paused and not self._transport.is_closing():
            self._transport.pause_reading()
