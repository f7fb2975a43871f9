"""What a destination is handed for one attempt, and what an error says to a person."""

from __future__ import annotations

from engine.core.errors import IsthmusError
from engine.core.ids import id_text
from engine.ports.connector import Outbound, Reason
from engine.ports.journal import PendingDelivery


def outbound_of(channel: str, delivery: PendingDelivery, attempt: int) -> Outbound:
    """`attempt` counts from 1."""
    return Outbound(
        delivery_id=delivery.delivery_id,
        message_id=delivery.message_id,
        channel=channel,
        correlation_id=delivery.correlation_id or id_text(delivery.message_id),
        idempotency_key=delivery.idempotency_key,
        body=delivery.body,
        kind=delivery.kind,
        natural_key=delivery.natural_key,
        order_key=delivery.order_key,
        attempt=attempt,
        attributes=delivery.attributes,
    )


def reason_of(error: IsthmusError) -> Reason:
    return Reason(error.code, error.what, error.where, error.remedy)
