"""Reading whole messages and what is pending. Every body is checked against its checksum before it leaves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from engine.core.clock import from_micros
from engine.core.ids import id_text
from engine.ports.journal import DeliveryView, DocumentView, MessageRow, MessageView, PendingDelivery, PendingMessage
from engine.ports.states import DeliveryState, MessageState
from engine.store import attachments
from engine.store.checksum import checksum
from engine.store.names import Names
from engine.store.schema import bodies, deliveries, documents, indexed, messages, reasons, responses
from engine.store.transaction import unpack_reason

ROW = (
    sa.select(messages, reasons.c.reason, indexed.c.pairs)
    .outerjoin(reasons, reasons.c.message_id == messages.c.id)
    .outerjoin(indexed, indexed.c.message_id == messages.c.id)
)


class Broken(NamedTuple):
    """A body that is not what was written. `delivery_id`: the delivery that would have sent it."""

    message_id: int
    delivery_id: int | None
    what: str


def intact(body: Any, digest: Any, attributes: Any = None) -> bool:
    """What was written is what is there. A flipped bit may make a number of a text: then nothing is tried with it."""
    if isinstance(body, int | float | str | None) or isinstance(digest, int | float | str | None):
        return False
    try:
        attributes_of(attributes)
    except (TypeError, ValueError):  # msgspec's errors are ValueErrors
        return False
    return checksum(body) == bytes(digest)


def attributes_of(text: str | None) -> dict[str, str]:
    return {} if text is None else msgspec.json.decode(text, type=dict[str, str])


def received_after(channel: int | None, after_id: int, limit: int) -> sa.Select[Any]:
    return (
        sa.select(messages, bodies.c.digest, bodies.c.attributes, bodies.c.body)
        .join(bodies, bodies.c.message_id == messages.c.id)
        # The second condition follows from the first, but only its words tell the planner of the partial index.
        .where(messages.c.state == int(MessageState.RECEIVED), sa.text("messages.state NOT IN (5, 6)"))
        .where(messages.c.channel == channel, messages.c.id > after_id)
        .order_by(messages.c.id)
        .limit(limit)
    )


def open_after(channel: int | None, destination: int | None, after_id: int, limit: int) -> sa.Select[Any]:
    return (
        sa.select(
            deliveries,
            *(messages.c.revision, messages.c.correlation),
            *(documents.c.kind, documents.c.natural_key, documents.c.digest, bodies.c.attributes),
            sa.func.coalesce(documents.c.body, bodies.c.body).label("body"),
        )
        .join(messages, messages.c.id == deliveries.c.message_id)
        .join(bodies, bodies.c.message_id == messages.c.id)
        .join(documents, _document_of_delivery())
        .where(sa.text("deliveries.state IN (1, 2)"))  # in the words of the partial index
        .where(deliveries.c.channel == channel, deliveries.c.destination == destination, deliveries.c.id > after_id)
        .order_by(deliveries.c.id)
        .limit(limit)
    )


def pending_messages(
    connection: sa.Connection, names: Names, channel: str, after_id: int, limit: int
) -> tuple[list[PendingMessage], list[Broken]]:
    found, broken = [], []
    for row in connection.execute(received_after(names.known(connection, channel), after_id, limit)):
        if intact(row.body, row.digest, row.attributes):
            found.append(_pending_message(row, channel))
        else:
            broken.append(Broken(row.id, None, "the received body"))
    return found, broken


def _pending_message(row: Any, channel: str) -> PendingMessage:
    return PendingMessage(
        message_id=row.id,
        channel=channel,
        revision=row.revision,
        body=bytes(row.body),
        correlation_id=row.correlation or id_text(row.id),
        message_type=row.message_type,
        attributes=attributes_of(row.attributes),
    )


def pending_deliveries(
    connection: sa.Connection, names: Names, channel: str, destination: str, after_id: int, limit: int
) -> tuple[list[PendingDelivery], list[Broken]]:
    at = (names.known(connection, channel), names.known(connection, destination))
    found, broken = [], []
    for row in connection.execute(open_after(*at, after_id, limit)):
        if intact(row.body, row.digest, row.attributes):
            found.append(_pending_delivery(row, channel, destination))
        else:
            broken.append(Broken(row.message_id, row.id, "the document to deliver"))
    return found, broken


def _document_of_delivery() -> sa.ColumnElement[bool]:
    return (documents.c.message_id == deliveries.c.message_id) & (documents.c.position == deliveries.c.document)


def _pending_delivery(row: Any, channel: str, destination: str) -> PendingDelivery:
    return PendingDelivery(
        delivery_id=row.id,
        message_id=row.message_id,
        channel=channel,
        destination=destination,
        revision=row.revision,
        state=DeliveryState(row.state),
        attempts=row.attempts,
        not_before_micros=row.not_before,
        first_micros=row.first,
        idempotency_key=row.idempotency_key,
        correlation_id=row.correlation or id_text(row.message_id),
        body=bytes(row.body),
        kind=row.kind,
        natural_key=row.natural_key,
        order_key=row.order_key,
        attributes=attributes_of(row.attributes),
    )


def message_row(connection: sa.Connection, names: Names, row: Any) -> MessageRow:
    """A line of `ROW`."""
    return MessageRow(
        message_id=row.id,
        channel=names.name(connection, row.channel),
        revision=row.revision,
        state=MessageState(row.state),
        received_at=from_micros(row.received),
        changed_at=from_micros(row.changed),
        size=row.size,
        correlation_id=row.correlation or id_text(row.id),
        natural_id=row.natural_id,
        message_type=row.message_type,
        reason=unpack_reason(row.reason),
        parent_id=row.parent,
        keys=() if row.pairs is None else msgspec.json.decode(row.pairs, type=list[tuple[str, str]]),
    )


def view(connection: sa.Connection, names: Names, message_id: int) -> tuple[MessageView | None, list[Broken]]:
    """All stages of a message, or what of it is broken."""
    head = connection.execute(ROW.where(messages.c.id == message_id)).first()
    if head is None:
        return None, []
    body = connection.execute(sa.select(bodies).where(bodies.c.message_id == message_id)).one()
    broken = [] if intact(body.body, body.digest) else [Broken(message_id, None, "the received body")]
    made = _documents(connection, message_id, bytes(body.body), broken)
    sent = _deliveries(connection, names, message_id, broken)
    children = connection.scalars(sa.select(messages.c.id).where(messages.c.parent == message_id)).all()
    row = message_row(connection, names, head)
    files = attachments.listed(connection, message_id)
    seen = MessageView(row, bytes(body.body), attributes_of(body.attributes), made, sent, sorted(children), files)
    return seen, broken


def _documents(connection: sa.Connection, message_id: int, raw: bytes, broken: list[Broken]) -> list[DocumentView]:
    query = sa.select(documents).where(documents.c.message_id == message_id).order_by(documents.c.position)
    made = []
    for row in connection.execute(query):
        body = raw if row.body is None else bytes(row.body)
        if not intact(body, row.digest):
            broken.append(Broken(message_id, None, f"document {row.position}"))
        made.append(DocumentView(row.position, row.kind, row.natural_key, body))
    return made


def _deliveries(
    connection: sa.Connection, names: Names, message_id: int, broken: list[Broken]
) -> Sequence[DeliveryView]:
    answered = (responses.c.message_id == deliveries.c.message_id) & (responses.c.delivery_id == deliveries.c.id)
    query = (
        sa.select(deliveries, responses.c.digest.label("digest"), responses.c.body.label("response"))
        .outerjoin(responses, answered)
        .where(deliveries.c.message_id == message_id)
        .order_by(deliveries.c.id)
    )
    sent = []
    for row in connection.execute(query):
        if row.response is not None and not intact(row.response, row.digest):
            broken.append(Broken(message_id, None, "the stored response"))
        sent.append(_delivery_view(row, names.name(connection, row.destination)))
    return sent


def _delivery_view(row: Any, destination: str) -> DeliveryView:
    return DeliveryView(
        delivery_id=row.id,
        message_id=row.message_id,
        destination=destination,
        state=DeliveryState(row.state),
        attempts=row.attempts,
        document=row.document,
        idempotency_key=row.idempotency_key,
        order_key=row.order_key,
        not_before=from_micros(row.not_before) if row.not_before else None,
        changed_at=from_micros(row.changed),
        reason=unpack_reason(row.reason),
        reference=row.reference,
        response=None if row.response is None else bytes(row.response),
    )
