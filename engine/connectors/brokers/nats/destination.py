"""Destination `nats`: each delivery is published once on a subject, and confirmed by the stream that has it.

Its idempotency key is the message id, by which a stream leaves out repeats within its duplicate window, and only
then: `duplicate_window` says how long that is, and `check` compares it with what the stream has.
"""

from __future__ import annotations

from datetime import timedelta

from nats.aio.client import Client
from nats.js import api

from engine.connectors.brokers.destination import BrokerDestination
from engine.connectors.brokers.nats.link import NatsLink
from engine.connectors.brokers.nats.publish import publish
from engine.connectors.brokers.nats.settings import NatsDestinationSettings
from engine.connectors.brokers.shared import filled, outgoing_headers
from engine.core.errors import ConfigurationError, TransportError
from engine.ports.connector import ConnectorContext, Delivered, Outbound, Semantics


class NatsDestination(BrokerDestination):
    """Publishes into one stream, over one connection."""

    def __init__(self, settings: NatsDestinationSettings, context: ConnectorContext) -> None:
        super().__init__(settings, context)
        self._settings, self._link = settings, NatsLink(settings, context)
        self._declared = False

    @property
    def semantics(self) -> Semantics:
        return Semantics.IDEMPOTENT if self._settings.duplicate_window is not None else super().semantics

    async def send(self, outbound: Outbound) -> Delivered:
        subject = filled(self._settings.subject, outbound, token=True)
        headers = outgoing_headers(outbound, self._settings.content_type)
        headers["Nats-Msg-Id"] = outbound.idempotency_key
        if self._settings.stream is not None:
            headers["Nats-Expected-Stream"] = self._settings.stream
        client = await self._client()
        wait = self._link.reach.timeout.total_seconds()
        reference, _ = await publish(client, subject, outbound.body, headers, wait, self._context.name)
        return Delivered(reference=reference)

    async def look(self) -> str:
        client = await self._client()
        name = self._settings.stream
        js, link = client.jetstream(), self._link
        if name is None:
            subject = self._settings.subject
            for field in ("order_key", "natural_key", "kind", "key"):
                subject = subject.replace(f"{{{field}}}", "*")
            finding = js.find_stream_name_by_subject(subject)
            name = await link.asked(finding, "no stream takes the subject", "make one, or set declare: true")
        words, remedy = f"there is no stream {name}", "make it, or set declare: true"
        found = await link.asked(js.stream_info(name), words, remedy)
        self._judge(found.config)
        return f"the stream {name} is there"

    async def close(self) -> None:
        async with self._opening:
            await self._link.close()

    async def _client(self) -> Client:
        """Raises TransportError with nothing sent."""
        async with self._opening:
            client = self._link.client
            if client is None or not client.is_connected:
                await self._link.close()
                client = await self._link.open()
            if self._settings.declare and not self._declared:
                await self._declare(client)
            return client

    async def _declare(self, client: Client) -> None:
        settings, js, link = self._settings, client.jetstream(), self._link
        name = settings.stream or ""
        try:
            await link.asked(js.stream_info(name), "", "")
        except ConfigurationError:
            window = settings.duplicate_window or timedelta(minutes=2)
            config = api.StreamConfig(
                name=name,
                subjects=[*settings.subjects],
                storage=api.StorageType.FILE,
                num_replicas=settings.replicas,
                duplicate_window=window.total_seconds(),
            )
            try:
                await link.asked(js.add_stream(config), "the stream cannot be made", "look at the server's log")
            except ConfigurationError as error:  # a delivery waits until somebody made it possible
                raise TransportError(error.what, where=error.where, remedy=error.remedy) from None
        self._declared = True

    def _judge(self, config: api.StreamConfig) -> None:
        wanted = self._settings.duplicate_window
        if wanted is not None and config.duplicate_window < wanted.total_seconds():
            words = f"the stream knows repeats for {config.duplicate_window:.0f} s only, less than duplicate_window"
            raise ConfigurationError(words, where=self._context.name, remedy="raise the stream's duplicate window")
        if config.storage != api.StorageType.FILE:
            words = "the stream is kept in memory: what it confirms is lost when its server ends"
            raise ConfigurationError(words, where=self._context.name, remedy="keep it on disk")
