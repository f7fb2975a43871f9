"""What a source, a destination and the flow promise one another.

A source calls `accept` for each message and tells its peer only after the receipt is there: then the message
is committed and flushed. A destination delivers once per call; the flow retries, orders, limits and decides.
Values are msgspec structs: they are made for every message on the hot path.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

import msgspec

from engine.core.clock import Clock
from engine.ports.ledger import ControlNumberLedger
from engine.protocols.tabular.layout import TableLayout


# ------------------------------------------------------------------ sources
class Reason(msgspec.Struct, frozen=True):
    """Why a message or delivery is not where it should be: for people, without any value of the message."""

    code: str
    text: str
    where: str | None = None
    remedy: str | None = None


class Attachment(msgspec.Struct, frozen=True, array_like=True):
    """A file that belongs to a message and is kept beside it: an invoice as PDF, a scanned delivery note.

    Args:
        name: as its sender called it, cleaned: no folder, no control character. What came with a far side's answer
            has the destination before it: `supplier/terms.pdf`.
    """

    name: str
    media_type: str
    body: bytes

    @property
    def is_of_an_answer(self) -> bool:
        """It came back from a destination, so it is neither sent on nor taken for the sender's."""
        return "/" in self.name


class Received(msgspec.Struct, frozen=True):
    """One message as it came.

    Args:
        body: the bytes, verbatim, without transport framing.
        natural_id: the sender's id for it (MSH-10, ISA control number, Idempotency-Key); None: never deduplicated.
        message_type: `ADT^A01`, `850`, … as `accept:` lists it; None when the protocol has no types.
        scope: whom the natural id is unique for; None: this channel. X12 uses the partner.
        attributes: facts of the transport (file name, peer, received headers that are safe to keep).
        refusal: the source already knows that it must be refused (no MSH, wrong charset); kept as REFUSED.
        correlation_id: given by an upstream system or channel; None: the message's own id.
        attachments: files kept with the message, in the same commit. Not compared: a natural id's body should name
            them by digest.
    """

    body: bytes
    natural_id: str | None = None
    message_type: str | None = None
    scope: str | None = None
    attributes: Mapping[str, str] = {}
    refusal: Reason | None = None
    correlation_id: str | None = None
    attachments: tuple[Attachment, ...] = ()


class Verdict(StrEnum):
    """What became of a message at the door."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"  # same natural id, same body: answer as before, do nothing
    CONFLICT = "conflict"  # same natural id, another body: refused
    REFUSED = "refused"


class Receipt(msgspec.Struct, frozen=True):
    """Proof that the message is committed and flushed.

    Args:
        message_id: of this message; for a duplicate, of the first one.
        received_at: of that message; with `message_id` it makes acknowledgements repeatable byte for byte.
        reason: for CONFLICT and REFUSED (also for a DUPLICATE of a refused message).
        settled: with `acknowledge: after_delivery` resolves when the message reached a state that can be answered.
    """

    verdict: Verdict
    message_id: int
    received_at: datetime
    reason: Reason | None = None
    settled: Awaitable[Settled] | None = None


class Settled(msgspec.Struct, frozen=True):
    """How a message ended, for sources that answer after delivery. `delivered` is false when HELD or REFUSED."""

    delivered: bool
    reason: Reason | None = None
    response: bytes | None = None


class Accept(Protocol):
    """The door into the journal, one per channel."""

    async def __call__(self, received: Received) -> Receipt:
        """Return when the message is durable.

        Raises:
            StoreError: nothing was stored; tell the peer to try again (AE, 503, leave the file).
        """
        ...

    def submit(self, received: Received, done: Callable[[Receipt | Exception], None]) -> None:
        """The same without a task, for listeners on the hot path: `done` is called on the loop's thread."""
        ...

    @property
    def backlogged(self) -> bool:
        """True: stop reading from peers until it turns false (back-pressure before shedding)."""
        ...


class Health(msgspec.Struct, frozen=True):
    """The answer to `check()`: is the far side reachable and willing. `text` is for people."""

    ok: bool
    text: str


class Source(Protocol):
    """Where messages come from: a listener, or a poller."""

    async def run(self, accept: Accept) -> None:
        """Serve until cancelled; cancel leaves no task, no socket, no half-claimed file."""
        ...

    async def check(self) -> Health: ...


# ------------------------------------------------------------------ destinations
class Semantics(StrEnum):
    """What a destination does with the same delivery sent twice. Source: acceptance § 2."""

    IDEMPOTENT = "idempotent"  # takes our key: sending twice acts once
    INQUIRABLE = "inquirable"  # can be asked by our reference
    NEITHER = "neither"  # an unknown outcome waits for a person


class Outbound(msgspec.Struct, frozen=True):
    """One delivery.

    Args:
        body: what to send: protocol bytes, or the canonical document as JSON.
        kind: canonical kind of `body` (`Invoice`), or None when `body` is protocol bytes.
        natural_key: the document's own key, our reference at the far side.
        idempotency_key: the same for every attempt, also after a crash or an operator's replay.
        order_key: value of `order_by`, or None.
        attempt: 1 for the first.
    """

    delivery_id: int
    message_id: int
    channel: str
    correlation_id: str
    idempotency_key: str
    body: bytes
    kind: str | None = None
    natural_key: str | None = None
    order_key: str | None = None
    attempt: int = 1
    attributes: Mapping[str, str] = {}


class Delivered(msgspec.Struct, frozen=True):
    """The far side has it. `reference` is its own number for it (`PI-2026-0031`); `response` is kept verbatim.

    `attachments` are files that came with the response, and are kept with the message.
    """

    response: bytes | None = None
    reference: str | None = None
    attachments: tuple[Attachment, ...] = ()


class Destination(Protocol):
    """A far side that takes documents or messages, one delivery at a time."""

    @property
    def semantics(self) -> Semantics: ...

    @property
    def parallel(self) -> int:
        """How many sends may be under way at once."""
        ...

    async def send(self, outbound: Outbound) -> Delivered:
        """Deliver once.

        Raises:
            TransportError: not known to have arrived (`sent` false: certainly not).
            DestinationError: refused.
        """
        ...

    async def inquire(self, outbound: Outbound) -> Delivered | None:
        """Ask the far side by our reference; None: certainly not there. Only called when INQUIRABLE.

        Raises:
            TransportError: could not ask; ask again later.
        """
        ...

    async def check(self) -> Health: ...

    async def close(self) -> None: ...


# ------------------------------------------------------------------ building them
class Secrets(Protocol):
    def resolve(self, reference: str) -> str:
        """The secret behind `env:NAME`, `file:PATH` or `store:NAME`.

        Raises:
            SecretMissingError: names the reference, never a value.
        """
        ...


class ConnectorContext(msgspec.Struct, frozen=True):
    """What a connector may use of the engine.

    Args:
        name: `channel` for a source, `channel.destination` for a destination: log and metric label.
        root: relative folders in settings are below it (the site).
        connections: `config/connections.yaml`, name to settings, unresolved secrets.
        hand_over: gives a message to another channel of this engine: `await hand_over("channel", received)`.
        services: rare needs by name (`x12_partners`, `erp_adapters`), filled by app.py.
        format: how the channel parses bodies (`hl7v2`, `x12`, `json`, `bytes`); None: the channel does not say.
            A file source splits by it.
        charset: the channel's word against what messages declare; None: they say it themselves.
        layout: how tables stand in files of this door; None: it names none.
        index: the channel's business keys, name to path.
        emit: tells log and metrics what happened at this door: (event, channel, facts), no values of messages.
    """

    name: str
    channel: str
    root: Path
    clock: Clock
    secrets: Secrets
    ledger: ControlNumberLedger
    connections: Mapping[str, Mapping[str, Any]] = {}
    hand_over: Callable[[str, Received], Awaitable[Receipt]] | None = None
    services: Mapping[str, Any] = {}
    format: str | None = None
    charset: str | None = None
    layout: TableLayout | None = None
    index: Mapping[str, str] = {}
    emit: Callable[[str, str, dict[str, object]], None] = lambda name, channel, facts: None
