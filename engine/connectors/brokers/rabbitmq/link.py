"""A connection to a RabbitMQ server, and its errors in our words."""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
from typing import Any
from urllib.parse import quote

import aiormq
import pamqp.exceptions
from aiormq.abc import AbstractChannel
from aiormq.connection import TransportFactory
from aiormq.exceptions import AMQPChannelError, AMQPError, AuthenticationError, ProbableAuthenticationError
from yarl import URL

from engine.connectors.brokers.handshake import tls_trouble
from engine.connectors.brokers.rabbitmq.settings import RabbitMqConnection, RabbitMqServer
from engine.connectors.brokers.shared import reach_of
from engine.connectors.fields import split_address
from engine.connectors.tls import ClientContext, check_pinned
from engine.core.errors import ConfigurationError, TransportError
from engine.ports.connector import ConnectorContext

LOST = (AMQPError, pamqp.exceptions.PAMQPException, OSError, RuntimeError, TimeoutError)
logging.getLogger("aiormq").setLevel(logging.CRITICAL + 1)  # our errors tell it, and its words may quote messages


class RabbitMqLink:
    """One connection with one channel."""

    def __init__(self, settings: Any, context: ConnectorContext) -> None:
        self._context = context
        kind = RabbitMqConnection if settings.connection else RabbitMqServer
        self.reach: RabbitMqServer = reach_of(settings, context, kind)
        self._tls = ClientContext(self.reach.tls, context.root, context.secrets) if self.reach.tls else None
        self._connection: aiormq.Connection | None = None
        self._channel: AbstractChannel | None = None

    @property
    def channel(self) -> AbstractChannel | None:
        """None: there is none that can be used."""
        channel = self._channel
        return channel if channel is not None and not channel.is_closed else None

    async def open(self) -> AbstractChannel:
        """A channel with confirms at the first server that takes us.

        Raises:
            TransportError: none does; nothing was sent.
        """
        trouble: TransportError | None = None
        for address in random.sample(self.reach.servers, len(self.reach.servers)):
            try:
                async with asyncio.timeout(self.reach.connect_timeout.total_seconds()):
                    self._connection = self._to(address)
                    await self._connection.connect()
                    self._channel = await self._connection.channel(publisher_confirms=True, on_return_raises=True)
                    return self._channel
            except (*LOST, ssl.SSLError, TransportError) as error:
                await self.close()
                trouble = self._unreachable(error)
            except BaseException:
                await self.close()
                raise
        raise trouble or TransportError("no server is set", where=self._context.name)

    async def close(self) -> None:
        connection, self._connection, self._channel = self._connection, None, None
        if connection is None:
            return
        try:
            async with asyncio.timeout(2):
                await connection.close()
        except LOST:
            pass  # it is gone already

    async def asked(self, work: Any, missing: str, remedy: str) -> Any:
        """An answer on the channel.

        Raises:
            ConfigurationError: what was asked for is missing or different, or we may not; the channel is closed then.
            TransportError: no answer.
        """
        where = self._context.name
        try:
            async with asyncio.timeout(self.reach.timeout.total_seconds()):
                return await work
        except aiormq.exceptions.ChannelNotFoundEntity:
            raise ConfigurationError(missing, where=where, remedy=remedy) from None
        except aiormq.exceptions.ChannelPreconditionFailed:
            words = "it exists with other properties than declare gives it"
            raise ConfigurationError(words, where=where, remedy="leave declare out") from None
        except AMQPChannelError as error:
            words = f"the server refuses: {type(error).__name__}"
            raise ConfigurationError(words, where=where, remedy="compare our permissions") from None
        except LOST as error:
            raise TransportError(f"no answer of the server: {type(error).__name__}", where=where) from None

    async def declare_queue(self, name: str, kind: str) -> None:
        """As `declare: true` says; one that is there with the same properties stays as it is."""
        channel = self.channel
        assert channel is not None
        making = channel.queue_declare(name, durable=True, arguments={"x-queue-type": kind})
        await self.asked(making, f"the queue {name} cannot be made", "make it by hand")

    def _to(self, address: str) -> aiormq.Connection:
        reach, (host, port) = self.reach, split_address(address)
        login = ""
        if reach.user is not None and reach.password is not None:
            password = self._context.secrets.resolve(reach.password).strip()
            login = f"{quote(reach.user, safe='')}:{quote(password, safe='')}@"
        where = f"[{host}]" if ":" in host else host
        scheme = "amqps" if self._tls else "amqp"
        query = f"heartbeat={int(reach.heartbeat.total_seconds())}&name={quote('isthmus ' + self._context.name)}"
        url = f"{scheme}://{login}{where}:{port}/{quote(reach.virtual_host, safe='')}?{query}"
        secured = _Secured(self._tls, reach, self._context.name) if self._tls else None
        return aiormq.Connection(url, transport_factory=secured)

    def _unreachable(self, error: BaseException) -> TransportError:
        if isinstance(error, TransportError):
            return error
        cause = error.__cause__ or error
        if isinstance(error, AuthenticationError | ProbableAuthenticationError):
            remedy = "compare user, password and virtual_host with the server's"
            return TransportError("the server does not let us in", where=self._context.name, remedy=remedy)
        trouble = tls_trouble(error, self._context.name, secured=self._tls is not None)
        words = f"no connection to a server: {type(cause).__name__}"
        return trouble or TransportError(words, where=self._context.name)


class _Secured(TransportFactory):
    """TLS as our settings have it."""

    def __init__(self, tls: ClientContext, reach: RabbitMqServer, where: str) -> None:
        self._tls, self._reach, self._where = tls, reach, where

    async def create(self, url: URL, **kwargs: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        settings = self._reach.tls
        assert settings is not None
        name = settings.server_name or url.host
        reader, writer = await asyncio.open_connection(
            url.host, url.port, ssl=self._tls.current(), server_hostname=name
        )
        if not check_pinned(settings, writer.get_extra_info("ssl_object").getpeercert(binary_form=True)):
            writer.close()
            raise TransportError("the server's certificate is not the pinned one", where=self._where)
        return reader, writer
