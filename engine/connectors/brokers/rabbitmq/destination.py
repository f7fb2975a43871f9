"""Destination `rabbitmq`: each delivery is one persistent message, confirmed by the queues that take it.

Its idempotency key is the message_id. A queue keeps a repeat beside the first, so that an unknown outcome waits for
a person, unless all readers tell repeats by message_id (`deduplicated`). A message that no queue takes is refused.
"""

from __future__ import annotations

import aiormq
from aiormq.abc import AbstractChannel

from engine.connectors.brokers.destination import BrokerDestination
from engine.connectors.brokers.rabbitmq.link import RabbitMqLink
from engine.connectors.brokers.rabbitmq.publish import PERSISTENT, publish
from engine.connectors.brokers.rabbitmq.settings import RabbitMqDestinationSettings
from engine.connectors.brokers.shared import filled, outgoing_headers
from engine.core.errors import ConfigurationError, DestinationError
from engine.ports.connector import ConnectorContext, Delivered, Outbound


class RabbitMqDestination(BrokerDestination):
    """Publishes to one exchange, over one channel."""

    def __init__(self, settings: RabbitMqDestinationSettings, context: ConnectorContext) -> None:
        super().__init__(settings, context)
        self._settings, self._link = settings, RabbitMqLink(settings, context)

    async def send(self, outbound: Outbound) -> Delivered:
        settings = self._settings
        key = filled(settings.routing_key, outbound, token=True)
        headers = outgoing_headers(outbound, settings.content_type)
        properties = aiormq.spec.Basic.Properties(
            content_type=headers.pop("Content-Type"),
            correlation_id=outbound.correlation_id,
            message_id=outbound.idempotency_key,
            message_type=outbound.kind,
            headers=dict(headers),
            delivery_mode=PERSISTENT,
        )
        try:
            channel = await self._open()
        except ConfigurationError as error:
            raise DestinationError(error.what, where=error.where, remedy=error.remedy) from None
        wait, where = self._link.reach.timeout.total_seconds(), self._context.name
        await publish(channel, settings.exchange, key, outbound.body, properties, wait=wait, where=where)
        return Delivered()

    async def look(self) -> str:
        await self._open()
        return "the server takes messages"

    async def close(self) -> None:
        async with self._opening:
            await self._link.close()

    async def _open(self) -> AbstractChannel:
        """A channel at a server that has what we write to."""
        async with self._opening:
            if (channel := self._link.channel) is not None:
                return channel
            await self._link.close()
            channel = await self._link.open()
            try:
                await self._find(channel)
            except BaseException:
                await self._link.close()
                raise
            return channel

    async def _find(self, channel: AbstractChannel) -> None:
        settings, link, remedy = self._settings, self._link, "make it, or set declare: true"
        if settings.exchange:
            missing = f"there is no exchange {settings.exchange}"
            if settings.declare:
                found = channel.exchange_declare(settings.exchange, exchange_type="topic", durable=True)
            else:
                found = channel.exchange_declare(settings.exchange, passive=True)
            await link.asked(found, missing, remedy)
        elif settings.declare:
            await link.declare_queue(settings.routing_key, settings.queue_type)
        elif "{" not in settings.routing_key:
            looking = channel.queue_declare(settings.routing_key, passive=True)
            await link.asked(looking, f"there is no queue {settings.routing_key}", remedy)
