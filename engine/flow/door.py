"""Receive: a message is journalled, committed and flushed before its sender hears anything."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import blake2b

from engine.core.clock import Clock, from_micros, to_micros
from engine.core.errors import UnstorableError
from engine.core.ids import IdSource, id_text
from engine.flow.meter import ChannelMeter
from engine.flow.waiters import Waiters
from engine.ports.connector import Reason, Receipt, Received, Verdict
from engine.ports.journal import Appended, Journal, NewMessage
from engine.ports.script import WorkItem
from engine.ports.states import MessageState

# As HL7's tables 0076, 0003 and 0354 and X12's sets write a type. In a broken message anything may stand there.
_TYPE = re.compile(r"[A-Z0-9]{2,4}(\^[A-Z0-9]{1,4})?(\^[A-Z0-9_]{1,8})?")
_PLACES = {"hl7v2": "MSH-9", "x12": "ST01", "fhir": "resourceType"}  # where a message says its type, by format
MAX_UNWRITTEN = 4096  # messages handed to the journal and not yet committed: above it, sources stop reading


class AcceptedTypes:
    """The channel's `accept:` list: `ADT^A01` exactly, `ADT` or `ADT^*` for every trigger event."""

    def __init__(self, names: Sequence[str], format_name: str = "") -> None:
        self._place = _PLACES.get(format_name)
        self._names = frozenset(names)
        self._families = frozenset(n.removesuffix("^*") for n in names if "^" not in n or n.endswith("^*"))

    def at_door(self, message_type: str | None) -> Reason | None:
        """As `refusal`; but an X12 interchange of several kinds is accepted set by set, where its answer is made."""
        return None if self._place == "ST01" and message_type is None else self.refusal(message_type)

    def refusal(self, message_type: str | None) -> Reason | None:
        if not self._names or message_type in self._names:
            return None
        # A message may name its structure too (ADT^A01^ADT_A01); only type and trigger count.
        parts = (message_type or "").split("^")
        if "^".join(parts[:2]) in self._names or parts[0] in self._families:
            return None
        text = "this channel does not accept this message type"
        return Reason("M006", text, self._place, "send it to its own channel")


class Door:
    """`accept` of one channel. `take` gets each accepted message; `revision` is the one that is active now."""

    def __init__(
        self,
        channel: str,
        journal: Journal,
        ids: IdSource,
        clock: Clock,
        meter: ChannelMeter,
        waiters: Waiters,
        take: Callable[[WorkItem], None],
    ) -> None:
        self.channel, self.meter = channel, meter
        # TRANSFORMED for a channel that only keeps messages: there is nothing a worker would do with them.
        self.accepted_state = MessageState.RECEIVED
        self.revision, self.types, self.after_delivery = 0, AcceptedTypes(()), False
        self.backlog: Callable[[], bool] = lambda: False
        self.reread: Callable[[], None] = lambda: None  # a message may be on disk that nobody took
        self._doubtful: dict[int, None] = {}  # ids whose commit failed, or only its answer
        self._journal, self._ids, self._clock, self._waiters, self._take = journal, ids, clock, waiters, take
        self._unwritten = 0

    @property
    def backlogged(self) -> bool:
        return self._unwritten >= MAX_UNWRITTEN or self.backlog()

    async def __call__(self, received: Received) -> Receipt:
        future: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()

        def done(receipt: Receipt | Exception) -> None:
            if future.done():
                return
            if isinstance(receipt, Exception):
                future.set_exception(receipt)
            else:
                future.set_result(receipt)

        self.submit(received, done)
        return await future

    def submit(self, received: Received, done: Callable[[Receipt | Exception], None]) -> None:
        now = self._clock.now()
        message = self._message(received, now)
        self._unwritten += 1

        def written(appended: Appended | Exception) -> None:
            self._unwritten -= 1
            if isinstance(appended, Exception):
                self.meter.store_failed(appended)
                if not isinstance(appended, UnstorableError):
                    self._doubt(message.message_id)
                done(appended)
            else:
                done(self._receipt(message, appended, now))

        self._journal.append(message, written)

    def _message(self, received: Received, now: datetime) -> NewMessage:
        refusal = received.refusal or self.types.at_door(received.message_type)
        message_id = self._ids.next()
        return NewMessage(
            message_id=message_id,
            channel=self.channel,
            revision=self.revision,
            body=received.body,
            digest=blake2b(received.body, digest_size=16).digest(),
            received_micros=to_micros(now),
            correlation_id=received.correlation_id,
            natural_id=received.natural_id,
            scope=received.scope or self.channel,
            message_type=_shown_type(received.message_type) if refusal else received.message_type,
            state=MessageState.REFUSED if refusal else self.accepted_state,
            reason=refusal,
            attributes=received.attributes,
            attachments=received.attachments,
        )

    def _doubt(self, message_id: int) -> None:
        """It may be on disk although the store's answer was lost; sent again it is a duplicate of itself then."""
        if len(self._doubtful) >= MAX_UNWRITTEN:
            del self._doubtful[next(iter(self._doubtful))]
        self._doubtful[message_id] = None
        self.reread()

    def _receipt(self, message: NewMessage, appended: Appended, now: datetime) -> Receipt:
        verdict, reason = appended.verdict, appended.reason or message.reason
        self.meter.received(verdict, appended.message_id, reason, now)
        # A repeated message is answered as its first was, with the time of that.
        received_at = now if appended.message_id == message.message_id else from_micros(appended.received_micros)
        if verdict is Verdict.ACCEPTED and message.state is MessageState.TRANSFORMED:
            return Receipt(verdict, appended.message_id, received_at)
        if verdict is Verdict.ACCEPTED:
            settled = self._waiters.wait(message.message_id) if self.after_delivery else None
            attributes = dict(message.attributes) | {
                "correlation": message.correlation_id or id_text(message.message_id)
            }
            key = f"{self.channel}@{message.revision}"
            self._take(WorkItem(message.message_id, key, message.body, message.message_type, attributes))
            return Receipt(verdict, appended.message_id, received_at, None, settled)
        if appended.message_id in self._doubtful:
            del self._doubtful[appended.message_id]
            self.reread()
        return Receipt(verdict, appended.message_id, received_at, reason)


def _shown_type(message_type: str | None) -> str | None:
    """Of a refused message: what is no type is not listed as one, it may be a patient's name."""
    return message_type if _TYPE.fullmatch(message_type or "") else None
