"""The journal (what came in) and the queue (what must go out): one store, one transaction.

Writes are grouped: each call joins the next commit and returns when that commit is flushed. Two stores keep
this contract, SQLite and PostgreSQL; `tests/contract/test_journal*.py` holds both to it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from engine.ports.connector import Attachment, Reason, Verdict
from engine.ports.ledger import OutboundNumber
from engine.ports.states import DeliveryState, MessageState


# ------------------------------------------------------------------ writing
class NewMessage(msgspec.Struct, frozen=True, array_like=True):
    """A message to be made durable. `digest` is BLAKE2b-128 of the body: deduplication and checksum.

    `state` is RECEIVED, REFUSED (then with `reason`), or TRANSFORMED in a channel that only keeps messages.
    `scope` + `natural_id` are unique for ever (also after retention dropped the message); `natural_id` None is
    never compared. `correlation_id` None: its own id. `parent_id`: the message that this one
    was edited from, was handed over by, or replays.
    """

    message_id: int
    channel: str
    revision: int
    body: bytes
    digest: bytes
    received_micros: int
    correlation_id: str | None = None
    natural_id: str | None = None
    scope: str = ""
    message_type: str | None = None
    state: MessageState = MessageState.RECEIVED
    reason: Reason | None = None
    parent_id: int | None = None
    attributes: Mapping[str, str] = {}
    attachments: tuple[Attachment, ...] = ()


class Appended(msgspec.Struct, frozen=True, array_like=True):
    """ACCEPTED and REFUSED: the new message. DUPLICATE: id, time, state and reason of the first one, nothing stored.

    CONFLICT: the new message is stored as REFUSED with reason M007; `message_id` is its own.
    """

    verdict: Verdict
    message_id: int
    received_micros: int
    reason: Reason | None = None


class NewDocument(msgspec.Struct, frozen=True, array_like=True):
    """A transform's product: canonical JSON (`kind` set) or protocol bytes (`kind` None)."""

    position: int
    body: bytes
    kind: str | None = None
    natural_key: str | None = None


class NewDelivery(msgspec.Struct, frozen=True, array_like=True):
    """A queue entry. `document` is the position of its NewDocument. `not_before_micros` 0: at once."""

    delivery_id: int
    destination: str
    document: int
    idempotency_key: str
    order_key: str | None = None
    not_before_micros: int = 0


class Outcome(msgspec.Struct, frozen=True, array_like=True):
    """What parse, accept and transform made of a message; written in one transaction with its deliveries.

    `keys` are business keys (`index:`), name and value; they are stored also for held and filtered messages.
    An outcome for a message that is no longer RECEIVED changes nothing (a crash may process one twice).
    """

    message_id: int
    state: MessageState
    reason: Reason | None = None
    documents: Sequence[NewDocument] = ()
    deliveries: Sequence[NewDelivery] = ()
    keys: Sequence[tuple[str, str]] = ()


class Settlement(msgspec.Struct, frozen=True, array_like=True):
    """What became of a delivery. The message's own state follows in the same transaction.

    `attachments`: files of the answer, which join those of the message.
    """

    delivery_id: int
    message_id: int
    state: DeliveryState
    attempts: int
    at_micros: int
    not_before_micros: int = 0
    reason: Reason | None = None
    response: bytes | None = None
    reference: str | None = None
    attachments: tuple[Attachment, ...] = ()


# ------------------------------------------------------------------ reading
class PendingMessage(msgspec.Struct, frozen=True):
    """A RECEIVED message to be transformed, as after a restart."""

    message_id: int
    channel: str
    revision: int
    body: bytes
    correlation_id: str
    message_type: str | None
    attributes: Mapping[str, str]


class PendingDelivery(msgspec.Struct, frozen=True):
    """A QUEUED or SENDING delivery with what it sends."""

    delivery_id: int
    message_id: int
    channel: str
    destination: str
    revision: int
    state: DeliveryState
    attempts: int
    not_before_micros: int
    first_micros: int
    idempotency_key: str
    correlation_id: str
    body: bytes
    kind: str | None = None
    natural_key: str | None = None
    order_key: str | None = None
    attributes: Mapping[str, str] = {}


class MessageRow(msgspec.Struct, frozen=True):
    """A line in a list of messages. No body."""

    message_id: int
    channel: str
    revision: int
    state: MessageState
    received_at: datetime
    changed_at: datetime
    size: int
    correlation_id: str
    natural_id: str | None
    message_type: str | None
    reason: Reason | None
    parent_id: int | None
    keys: Sequence[tuple[str, str]] = ()


class DeliveryView(msgspec.Struct, frozen=True):
    delivery_id: int
    message_id: int
    destination: str
    state: DeliveryState
    attempts: int
    document: int
    idempotency_key: str
    order_key: str | None
    not_before: datetime | None
    changed_at: datetime
    reason: Reason | None
    reference: str | None
    response: bytes | None
    acknowledgement: OutboundNumber | None = None  # of an X12 interchange: its number and what the partner said


class DocumentView(msgspec.Struct, frozen=True):
    position: int
    kind: str | None
    natural_key: str | None
    body: bytes


class AttachmentView(msgspec.Struct, frozen=True):
    """What is kept beside a message, without its bytes. `digest` is BLAKE2b-128 in hex, `size` bytes."""

    position: int
    name: str
    media_type: str
    size: int
    digest: str


class MessageView(msgspec.Struct, frozen=True):
    """Every stage of one message."""

    row: MessageRow
    body: bytes
    attributes: Mapping[str, str]
    documents: Sequence[DocumentView]
    deliveries: Sequence[DeliveryView]
    children: Sequence[int]
    attachments: Sequence[AttachmentView] = ()


class Query(msgspec.Struct, frozen=True):
    """A search; every part that is set must match. Newest first; `before_id` pages on.

    `key` is `(name or None, value, prefix?)`: business keys and natural ids by equality or prefix, always by index.
    """

    channel: str | None = None
    states: Sequence[MessageState] = ()
    key: tuple[str | None, str, bool] | None = None
    correlation_id: str | None = None
    message_type: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before_id: int | None = None
    limit: int = 50


class ChannelCount(msgspec.Struct, frozen=True):
    channel: str
    state: MessageState
    count: int


class RevisionRow(msgspec.Struct, frozen=True):
    """A deployed revision of a channel: what it said and who deployed it. `content` is canonical JSON of settings,
    script text and lookups; `digest` its BLAKE2b in hex."""

    channel: str
    revision: int
    digest: str
    content: bytes
    deployed_at: datetime
    deployed_by: str
    note: str | None
    active: bool


ATTACHMENTS = "attachments"  # name of this reading in ConnectorContext.services
ReadAttachments = Callable[[int], Awaitable[list[Attachment]]]
"""The files kept with a message, by its id."""


class Journal(Protocol):
    # -- writing: on the hot path, without a task; `done` is called on the loop's thread after the flush
    def append(self, message: NewMessage, done: Callable[[Appended | Exception], None]) -> None: ...

    def finish(self, outcomes: Sequence[Outcome], done: Callable[[Exception | None], None]) -> None:
        """After a failure, whatever was handed in before `done` told of it fails, too: nothing overtakes.

        UnstorableError: the values of this call are refused for good. Other errors: it may even be stored.
        """
        ...

    def settle(self, settlements: Sequence[Settlement], done: Callable[[Exception | None], None]) -> None: ...

    async def flush(self) -> None:
        """Return when everything submitted so far is on disk."""
        ...

    # -- recovery and refill (bodies are verified; a broken one is HELD with J003 and not returned)
    async def pending_messages(self, channel: str, after_id: int, limit: int) -> list[PendingMessage]:
        """RECEIVED messages of a channel in order of id."""
        ...

    async def pending_deliveries(
        self, channel: str, destination: str, after_id: int, limit: int
    ) -> list[PendingDelivery]:
        """QUEUED and SENDING deliveries in order of delivery id, due or not."""
        ...

    async def held_order_keys(self, channel: str, destination: str) -> set[str]:
        """Order keys whose oldest open delivery is HELD: later deliveries of these keys wait behind it."""
        ...

    async def oldest_not_taken(self, channel: str, destination: str) -> int | None:
        """When the oldest message of a channel came (microseconds) that waits for its transform or for a person, or
        whose documents the destination does not have yet. None: it has all."""
        ...

    # -- operators
    async def search(self, query: Query) -> list[MessageRow]: ...

    async def view(self, message_id: int) -> MessageView | None:
        """All stages; a body whose checksum differs raises ChecksumError and marks the message HELD."""
        ...

    async def attachments(self, message_id: int) -> list[Attachment]:
        """The files kept with a message, in order. One whose checksum differs raises ChecksumError."""
        ...

    async def counts(self) -> list[ChannelCount]:
        """Messages per channel and state; cheap enough for a console that asks every second."""
        ...

    async def queue_depths(self) -> dict[tuple[str, str], int]:
        """QUEUED and SENDING deliveries per (channel, destination)."""
        ...

    async def resend_message(self, message_id: int, revision: int) -> bool:
        """HELD → RECEIVED under this revision; open deliveries are cancelled. False: it was not HELD."""
        ...

    async def resend_delivery(self, delivery_id: int) -> bool:
        """HELD → QUEUED, attempts from zero, same idempotency key. False: it was not HELD."""
        ...

    async def confirm_delivery(self, delivery_id: int, reference: str | None) -> bool:
        """HELD → DELIVERED: a person saw it at the far side."""
        ...

    async def close_message(self, message_id: int, state: MessageState, reason: Reason) -> bool:
        """HELD → SUPERSEDED or DISCARDED; open deliveries are CANCELLED."""
        ...

    async def prune(self, before: datetime, keep: Callable[[str], bool] | None = None) -> int:
        """Drop final messages received before this time with bodies, documents, deliveries and keys, and give the
        disk back. In small steps: no step blocks writers over 100 ms. Returns how many were dropped."""
        ...

    async def delivered_keys(self, idempotency_keys: Sequence[str]) -> set[str]:
        """Which of these were already DELIVERED: a replay's plan counts its duplicates with it."""
        ...

    # -- revisions
    async def deploy(self, row: RevisionRow) -> RevisionRow:
        """Store a revision (its number is assigned: highest + 1) and make it the active one."""
        ...

    async def activate(self, channel: str, revision: int, by: str) -> None: ...

    async def revisions(self, channel: str | None = None) -> list[RevisionRow]:
        """Newest first."""
        ...

    # -- channel states
    async def channel_states(self) -> dict[str, str]:
        """What people set: `running`, `paused` or `stopped` per channel; survives a restart."""
        ...

    async def set_channel_state(self, channel: str, state: str) -> None: ...

    async def close(self) -> None: ...
