"""Source `rabbitmq`: one consumer of a queue; the server sends ahead as much as is let under way.

Messages are acknowledged in order, when the journal has them. What is not goes back to its place in the queue when
the connection ends. A repeat is told by message_id, id_header or a CloudEvents id: a queue itself has none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import aiormq
from aiormq.abc import DeliveredMessage

from engine.connectors.brokers.rabbitmq.link import LOST, RabbitMqLink
from engine.connectors.brokers.rabbitmq.publish import PERSISTENT, publish
from engine.connectors.brokers.rabbitmq.settings import RabbitMqSourceSettings
from engine.connectors.brokers.shared import REASON_HEADER, Item
from engine.connectors.brokers.source import BrokerSource
from engine.connectors.brokers.taking import Taking
from engine.core.errors import TransportError
from engine.ports.connector import ConnectorContext, Reason


class RabbitMqSource(BrokerSource):
    """Serves one queue."""

    def __init__(self, settings: RabbitMqSourceSettings, context: ConnectorContext) -> None:
        super().__init__(settings, context, settings.without_id)
        self._settings, self._link = settings, RabbitMqLink(settings, context)

    async def open(self) -> None:
        channel = await self._link.open()
        settings, link = self._settings, self._link
        if settings.declare:
            await link.declare_queue(settings.queue, settings.queue_type)
            for one in settings.bind:
                binding = channel.queue_bind(settings.queue, one.exchange, one.routing_key)
                await link.asked(binding, f"there is no exchange {one.exchange}", "make it, or correct bind")
        else:
            await self._find(link)
        await link.asked(channel.basic_qos(prefetch_count=settings.parallel), "", "")

    async def serve(self, taking: Taking) -> None:
        channel, ended = self._link.channel, asyncio.Event()
        if channel is None:
            raise TransportError("the server is lost", where=self._context.name)

        async def came(message: DeliveredMessage) -> None:
            taking.take(self._item(message))

        channel.closing.add_done_callback(lambda _: ended.set())
        channel.on_consumer_cancel_callbacks.add(lambda *_: ended.set())
        tag = f"isthmus.{self._context.name}.{id(taking):x}"
        consuming = channel.basic_consume(self._settings.queue, came, consumer_tag=tag)
        await self._link.asked(consuming, f"there is no queue {self._settings.queue}", "make it, or set declare: true")
        self.served()
        await ended.wait()
        raise TransportError("the server is lost, or the queue is gone", where=self._context.name)

    async def close(self, under_way: Sequence[Item]) -> None:
        await self._link.close()

    async def look(self) -> str:
        link = RabbitMqLink(self._settings, self._context)
        try:
            await link.open()
            await self._find(link)
            letter = self._settings.dead_letter
            if letter is not None and link.channel is not None:
                channel, missing = link.channel, "what dead_letter names is not there"
                exchange = channel.exchange_declare(letter.exchange, passive=True) if letter.exchange else None
                queue = channel.queue_declare(letter.routing_key, passive=True) if exchange is None else exchange
                await link.asked(queue, missing, "make it")
        finally:
            await link.close()
        return "the queue is there"

    async def _find(self, link: RabbitMqLink) -> None:
        assert link.channel is not None
        looking = link.channel.queue_declare(self._settings.queue, passive=True)
        await link.asked(looking, f"there is no queue {self._settings.queue}", "make it, or set declare: true")

    # -------------------------------------------------------------- taking and settling
    def _item(self, message: DeliveredMessage) -> Item:
        """A quorum queue counts deliveries, a classic one only says that there was one."""
        properties = message.header.properties
        headers = _texts(properties.headers or {})
        counted = headers.get("x-delivery-count", "")
        again = 2 if getattr(message.delivery, "redelivered", False) else 1
        return Item(
            body=message.body,
            position=None,
            handle=message,
            headers=headers,
            message_id=properties.message_id or None,
            correlation_id=properties.correlation_id,
            facts={"routing_key": message.routing_key or "", "exchange": message.exchange or ""},
            deliveries=int(counted) + 1 if counted.isdigit() else again,
        )

    async def acknowledge(self, items: Sequence[Item]) -> None:
        """All up to the last at once: they were settled in order."""
        channel = self._link.channel
        if channel is None:
            raise TransportError("the server is lost", where=self._context.name)
        try:
            await channel.basic_ack(items[-1].handle.delivery_tag, multiple=True, wait=False)
        except LOST:
            raise TransportError("the server is lost", where=self._context.name) from None

    async def dead_letter(self, item: Item, reason: Reason) -> None:
        letter, channel = self._settings.dead_letter, self._link.channel
        if letter is None:
            return
        if channel is None:
            raise TransportError("the server is lost", where=self._context.name)
        given = item.handle.header.properties
        headers: dict[str, Any] = dict(item.headers) | {
            REASON_HEADER: reason.code,
            "X-Exchange": item.facts["exchange"],
            "X-Routing-Key": item.facts["routing_key"],
        }
        properties = aiormq.spec.Basic.Properties(
            content_type=given.content_type,
            content_encoding=given.content_encoding,
            correlation_id=given.correlation_id,
            message_id=given.message_id,
            message_type=given.message_type,
            timestamp=given.timestamp,
            headers=headers,
            delivery_mode=PERSISTENT,
        )
        wait, where = self._link.reach.timeout.total_seconds(), self._context.name
        await publish(channel, letter.exchange, letter.routing_key, item.body, properties, wait=wait, where=where)


def _texts(headers: Mapping[str, Any]) -> dict[str, str]:
    """Headers that are words or numbers, with names in lower case."""
    found: dict[str, str] = {}
    for name, value in headers.items():
        if isinstance(value, bytes | bytearray):
            found[name.lower()] = value.decode("utf-8", "replace")
        elif isinstance(value, str | int):
            found[name.lower()] = str(value)
    return found
