"""Connections to a Redis server: one for each command under way, kept for the next one."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Mapping
from typing import Any

from redis.asyncio.connection import Connection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, AuthorizationError, NoPermissionError, RedisError, ResponseError

from engine.connectors.brokers.handshake import tls_trouble
from engine.connectors.brokers.redis.settings import RedisConnection, RedisServer
from engine.connectors.brokers.shared import reach_of
from engine.connectors.fields import split_address
from engine.connectors.tls import ClientContext, check_pinned
from engine.core.errors import ConfigurationError, TransportError
from engine.ports.connector import ConnectorContext

LOST = (RedisError, OSError, TimeoutError, asyncio.IncompleteReadError)
_LATER = ("OOM", "READONLY", "LOADING", "BUSY", "MISCONF", "NOREPLICAS", "CLUSTERDOWN", "MASTERDOWN", "TRYAGAIN")


class RedisLink:
    """Asks one server; any member of the list is as good as another."""

    def __init__(self, settings: Any, context: ConnectorContext) -> None:
        self._context = context
        self.reach: RedisServer = reach_of(settings, context, RedisConnection if settings.connection else RedisServer)
        self._tls = ClientContext(self.reach.tls, context.root, context.secrets) if self.reach.tls else None
        self._idle: list[Connection] = []

    async def ask(self, *command: Any, more: float = 0.0, then: tuple[Any, ...] = ()) -> Any:
        """The answer, or with `then`, a command after it on the same connection, that one's answer too.

        `more`: seconds that the server may wait before it answers.

        Raises:
            TransportError: `sent` tells whether the command may have been carried out.
            ResponseError: the server refuses the command.
        """
        connection = await self._connected()
        try:
            async with asyncio.timeout(self.reach.timeout.total_seconds() + more):
                await connection.send_command(*command)
                answer = await connection.read_response()
                if then and answer is not None:
                    await connection.send_command(*then)
                    answer = (answer, await connection.read_response())
        except ResponseError as error:
            self._idle.append(connection)
            if str(error).split(" ", 1)[0] in _LATER:
                words = f"the server does not take it now ({str(error).split(' ', 1)[0]})"
                raise TransportError(words, where=self._context.name) from None
            raise
        except LOST as error:
            await _end(connection)
            words = "no answer in time" if isinstance(error, TimeoutError) else "the connection ended"
            raise TransportError(words, where=self._context.name, sent=True) from None
        except BaseException:  # an answer that nobody waits for must not be another command's
            await _end(connection)
            raise
        self._idle.append(connection)
        return answer

    async def told(self, *command: Any, missing: str, remedy: str) -> Any:
        """The same for questions about the set-up; a refusal is a ConfigurationError with these words."""
        try:
            return await self.ask(*command)
        except NoPermissionError:
            words = f"we may not: {command[0]}"
            raise ConfigurationError(words, where=self._context.name, remedy="compare our permissions (ACL)") from None
        except ResponseError:
            raise ConfigurationError(missing, where=self._context.name, remedy=remedy) from None

    async def close(self) -> None:
        idle, self._idle = self._idle, []
        for connection in idle:
            await _end(connection)

    async def _connected(self) -> Connection:
        """Raises TransportError with nothing sent."""
        while self._idle:
            connection = self._idle.pop()
            reader = getattr(connection, "_reader", None)
            if reader is not None and not reader.at_eof():
                return connection
            await _end(connection)
        trouble: TransportError | None = None
        for address in random.sample(self.reach.servers, len(self.reach.servers)):
            connection = self._made(address)
            try:
                async with asyncio.timeout(self.reach.connect_timeout.total_seconds()):
                    await self._connect(connection)
                self._check_pinned(connection)
                return connection
            except (*LOST, TransportError) as error:
                await _end(connection)
                trouble = self._unreachable(error)
            except BaseException:
                await _end(connection)
                raise
        raise trouble or TransportError("no server is set", where=self._context.name)

    def _made(self, address: str) -> Connection:
        host, port = split_address(address)
        reach = self.reach
        options: dict[str, Any] = {}
        if reach.password is not None:
            options["password"] = self._context.secrets.resolve(reach.password).strip()
            options["username"] = reach.user
        kind: type[Connection] = Connection
        if self._tls is not None and reach.tls is not None:
            kind = _secured(self._tls.current(), reach.tls.server_name or host)
        return kind(
            host=host,
            port=port,
            db=reach.database,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=None,
            client_name="isthmus",
            **options,
        )

    async def _connect(self, connection: Any) -> None:
        await connection.connect()

    def _check_pinned(self, connection: Connection) -> None:
        if self.reach.tls is None or not self.reach.tls.pinned:
            return
        writer = getattr(connection, "_writer", None)
        secured = writer.get_extra_info("ssl_object") if writer is not None else None
        if not check_pinned(self.reach.tls, secured.getpeercert(binary_form=True) if secured else None):
            raise TransportError("the server's certificate is not the pinned one", where=self._context.name)

    def _unreachable(self, error: BaseException) -> TransportError:
        where = self._context.name
        if isinstance(error, TransportError):
            return error
        if isinstance(error, AuthenticationError | AuthorizationError) or "NOAUTH" in str(error):
            return TransportError("the server does not let us in", where=where, remedy="compare user and password")
        trouble = tls_trouble(error, where, secured=self._tls is not None)
        return trouble or TransportError("no connection to the server", where=where)


def _secured(tls: ssl.SSLContext, name: str) -> type[Connection]:
    """A connection with TLS as our settings have it."""

    class Secured(Connection):
        def _connection_arguments(self) -> Mapping[str, Any]:
            return {"host": self.host, "port": self.port, "ssl": tls, "server_hostname": name}

    return Secured


async def _end(connection: Connection) -> None:
    try:
        await connection.disconnect(nowait=True)
    except LOST:
        pass  # it is gone already
