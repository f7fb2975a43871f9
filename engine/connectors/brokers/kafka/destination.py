"""Destination `kafka`: each delivery is one record, confirmed by all replicas in sync.

Its idempotency key is the header message_id. A topic keeps a repeat beside the first, so that an unknown outcome
waits for a person, unless all readers tell repeats by message_id (`deduplicated`).
"""

from __future__ import annotations

from confluent_kafka.cimpl import NewTopic

from engine.connectors.brokers.destination import BrokerDestination
from engine.connectors.brokers.kafka.link import reach
from engine.connectors.brokers.kafka.produce import Outbox
from engine.connectors.brokers.kafka.settings import KafkaDestinationSettings
from engine.connectors.brokers.shared import filled, outgoing_headers
from engine.ports.connector import ConnectorContext, Delivered, Outbound


class KafkaDestination(BrokerDestination):
    """Writes to one topic."""

    def __init__(self, settings: KafkaDestinationSettings, context: ConnectorContext) -> None:
        super().__init__(settings, context)
        self._settings = settings
        topic, replicas = settings.topic, settings.replicas
        new = NewTopic(topic, settings.partitions, replicas) if settings.declare else None
        self._outbox = Outbox(reach(settings, context), context, topic, new)

    async def send(self, outbound: Outbound) -> Delivered:
        key = filled(self._settings.key, outbound) if self._settings.key is not None else outbound.order_key
        headers = outgoing_headers(outbound, self._settings.content_type) | {"message_id": outbound.idempotency_key}
        place = await self._outbox.put(outbound.body, key.encode() if key is not None else None, headers)
        return Delivered(reference=place)

    async def look(self) -> str:
        await self._outbox.look()
        return f"the cluster is there, with the topic {self._settings.topic}"

    async def close(self) -> None:
        await self._outbox.close()
