"""Events of messages and deliveries, in the order of a message's way; those of normal operation are at debug.

Ids are integers and are shown as people see them. `code`, `where`, `text` and `remedy` come from `IsthmusError`
or `Reason`, which hold no values.
"""

from __future__ import annotations

from typing import ClassVar

from engine.telemetry.event import Event, Level, Metric, counter, gauge, histogram

_PLACE = ("channel", "destination")


# ------------------------------------------------------------------ messages
class MessageReceived(Event, frozen=True):
    """Durable and acknowledged; also for duplicates and conflicts."""

    level: ClassVar[Level] = Level.DEBUG
    words: ClassVar[str] = "{channel}: message {message_id} {verdict}, {size_bytes} bytes"
    metrics: ClassVar[tuple[Metric, ...]] = (
        counter("isthmus_messages_received_total", "Messages at the door.", "channel", "verdict"),
        counter("isthmus_received_bytes_total", "Bytes of messages.", "channel", value="size_bytes"),
        histogram("isthmus_intake_seconds", "From arrival to durable.", "channel", value="seconds"),
    )
    channel: str
    message_id: int
    verdict: str
    size_bytes: int
    seconds: float


class MessageRepeated(Event, frozen=True):
    """A duplicate: answered as the first time, nothing done."""

    level: ClassVar[Level] = Level.DEBUG
    words: ClassVar[str] = "{channel}: message {message_id} came again"
    metrics: ClassVar[tuple[Metric, ...]] = (
        counter("isthmus_messages_repeated_total", "Messages that came again.", "channel"),
    )
    channel: str
    message_id: int


class MessageRefused(Event, frozen=True):
    words: ClassVar[str] = "{channel}: message {message_id} refused: {code} {text}"
    metrics: ClassVar[tuple[Metric, ...]] = (
        counter("isthmus_messages_refused_total", "Messages whose sender was told no.", "channel", "code"),
    )
    channel: str
    message_id: int
    code: str
    text: str
    where: str | None = None
    remedy: str | None = None


class MessageFiltered(Event, frozen=True):
    level: ClassVar[Level] = Level.DEBUG
    words: ClassVar[str] = "{channel}: message {message_id} filtered"
    metrics: ClassVar[tuple[Metric, ...]] = (
        counter("isthmus_messages_filtered_total", "Messages the channel does not want.", "channel"),
    )
    channel: str
    message_id: int


class MessageTransformed(Event, frozen=True):
    level: ClassVar[Level] = Level.DEBUG
    words: ClassVar[str] = "{channel}: message {message_id} transformed into {documents} documents"
    metrics: ClassVar[tuple[Metric, ...]] = (
        histogram("isthmus_transform_seconds", "Parse, filter and script.", "channel", value="seconds"),
        counter("isthmus_documents_total", "Documents made.", "channel", value="documents"),
    )
    channel: str
    message_id: int
    documents: int
    seconds: float


class MessageHeld(Event, frozen=True):
    level: ClassVar[Level] = Level.WARNING
    words: ClassVar[str] = "{channel}: message {message_id} waits for a person: {code} {text}"
    metrics: ClassVar[tuple[Metric, ...]] = (
        counter("isthmus_messages_held_total", "Messages that wait for a person.", "channel", "code"),
    )
    channel: str
    message_id: int
    code: str
    text: str
    where: str | None = None
    remedy: str | None = None


# ------------------------------------------------------------------ deliveries
class DeliveryAttempted(Event, frozen=True):
    """`outcome`: delivered, retry, refused, unknown."""

    level: ClassVar[Level] = Level.DEBUG
    words: ClassVar[str] = "{channel}.{destination}: message {message_id}, attempt {attempt}: {outcome}"
    metrics: ClassVar[tuple[Metric, ...]] = (
        counter("isthmus_delivery_attempts_total", "Attempts by outcome.", *_PLACE, "outcome"),
        histogram("isthmus_delivery_seconds", "One attempt.", *_PLACE, value="seconds"),
    )
    channel: str
    destination: str
    message_id: int
    attempt: int
    outcome: str
    seconds: float


class DeliveryRetried(Event, frozen=True):
    words: ClassVar[str] = (
        "{channel}.{destination}: message {message_id} did not arrive, tried again later: {code} {text}"
    )
    metrics: ClassVar[tuple[Metric, ...]] = (
        counter("isthmus_delivery_retries_total", "Attempts that did not arrive.", *_PLACE, "code"),
    )
    channel: str
    destination: str
    message_id: int
    code: str
    text: str
    attempts: int


class DeliverySettled(Event, frozen=True):
    """`state`: DELIVERED, HELD, CANCELLED."""

    level: ClassVar[Level] = Level.DEBUG
    words: ClassVar[str] = "{channel}.{destination}: message {message_id} {state} after {attempts} attempts"
    metrics: ClassVar[tuple[Metric, ...]] = (
        counter("isthmus_deliveries_settled_total", "Deliveries by their end.", *_PLACE, "state"),
        histogram("isthmus_delivery_age_seconds", "From received to settled.", *_PLACE, value="age_seconds"),
    )
    channel: str
    destination: str
    message_id: int
    state: str
    attempts: int
    age_seconds: float


class DeliveryHeld(Event, frozen=True):
    level: ClassVar[Level] = Level.WARNING
    words: ClassVar[str] = "{channel}.{destination}: message {message_id} waits for a person: {code} {text}"
    metrics: ClassVar[tuple[Metric, ...]] = (
        counter("isthmus_deliveries_held_total", "Deliveries that wait for a person.", *_PLACE, "code"),
    )
    channel: str
    destination: str
    message_id: int
    code: str
    text: str
    where: str | None = None
    remedy: str | None = None


class CircuitOpened(Event, frozen=True):
    level: ClassVar[Level] = Level.WARNING
    words: ClassVar[str] = "{channel}.{destination}: nothing is sent for a while after failures in a row: {code}"
    metrics: ClassVar[tuple[Metric, ...]] = (
        counter("isthmus_circuits_opened_total", "Times a destination was given a rest.", *_PLACE),
    )
    channel: str
    destination: str
    code: str


class AcknowledgementOverdue(Event, frozen=True):
    """A partner has not answered an interchange by the deadline; told once for each. `partner` is a name of ours."""

    level: ClassVar[Level] = Level.WARNING
    words: ClassVar[str] = "{partner} has not acknowledged {transaction_set} {number:09d} within {within}"
    metrics: ClassVar[tuple[Metric, ...]] = (
        counter("isthmus_acknowledgements_overdue_total", "Interchanges not answered in time.", "partner"),
    )
    partner: str
    number: int
    transaction_set: str
    within: str
    message_id: int


class InterchangeRejected(Event, frozen=True):
    """A partner's 997, 999 or TA1 refused what we sent. `text` holds its codes and places, no values."""

    level: ClassVar[Level] = Level.ERROR
    words: ClassVar[str] = "{partner} rejected {transaction_set} {number:09d}, made of message {message}: {text}"
    metrics: ClassVar[tuple[Metric, ...]] = (
        counter("isthmus_interchanges_rejected_total", "Interchanges that partners refused.", "partner"),
    )
    partner: str
    number: int
    transaction_set: str
    message: str
    text: str


class DestinationFailed(Event, frozen=True):
    """The connector itself raised what it must not: a mistake of ours, not of the far side."""

    level: ClassVar[Level] = Level.ERROR
    words: ClassVar[str] = "{channel}.{destination}: the connector failed: {code}"
    metrics: ClassVar[tuple[Metric, ...]] = (
        counter("isthmus_destination_failures_total", "Connectors that failed by themselves.", *_PLACE, "code"),
    )
    channel: str
    destination: str
    code: str


class CircuitClosed(Event, frozen=True):
    words: ClassVar[str] = "{channel}.{destination}: reachable again"
    channel: str
    destination: str


class QueueMeasured(Event, frozen=True):
    level: ClassVar[Level] = Level.DEBUG
    words: ClassVar[str] = "{channel}.{destination}: {depth} queued"
    metrics: ClassVar[tuple[Metric, ...]] = (
        gauge("isthmus_queue_depth", "Deliveries queued or being sent.", *_PLACE, value="depth"),
    )
    channel: str
    destination: str
    depth: int
