"""Source `hl7v2_mllp`: a listener that acknowledges a message only when it is durable.

Many messages of a connection may be under way; their acknowledgements leave in the order of arrival. A peer
that breaks the protocol loses its own connection and no other. A frame with a batch (FHS or BHS) becomes its
messages, and their acknowledgements go back as one batch; a frame with several messages and no envelope gets
one acknowledgement each.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections.abc import Callable
from datetime import datetime
from ipaddress import ip_address, ip_network

from engine.connectors.fields import split_address
from engine.connectors.hl7v2_mllp.connection import MllpConnection
from engine.connectors.hl7v2_mllp.intake import Intake
from engine.connectors.hl7v2_mllp.outgoing import Outgoing
from engine.connectors.hl7v2_mllp.settings import MllpSourceSettings
from engine.connectors.tls import ServerContext, check_pinned
from engine.core.errors import IsthmusError, TransportError
from engine.core.ids import IdSource, id_text
from engine.ports.connector import Accept, ConnectorContext, Health, Receipt, Settled
from engine.protocols.hl7v2.findings import Finding

log = logging.getLogger("isthmus.hl7v2_mllp")

_GRACE = 1.0  # seconds: what is on its way to the journal when the source stops is still acknowledged
_LOOK_AGAIN = 0.02  # seconds between looks whether the engine has caught up
_BACKLOG = 1024  # connections that wait to be taken by the listener
_TLS_TIMEOUT = 10.0  # seconds for a handshake, and for an orderly end of TLS


class MllpSource:
    """Serves one address; built and run by the flow."""

    accept: Accept

    def __init__(self, settings: MllpSourceSettings, context: ConnectorContext) -> None:
        self.settings, self._context = settings, context
        self.monotonic = time.monotonic  # the loop's own clock once it runs
        self.intake = Intake(context.channel, context.charset, settings.strict)
        self.outgoing = Outgoing()
        self.waits = settings.acknowledge == "after_delivery"
        self._networks = tuple(ip_network(text, strict=False) for text in settings.allow)
        self._connections: set[MllpConnection] = set()
        self._settling: set[asyncio.Future[Settled]] = set()
        self._ids, self._buffered, self._looking = IdSource(), 0, False
        self._tls: ServerContext | None = None
        self._server: asyncio.Server | None = None

    async def run(self, accept: Accept) -> None:
        """Listen until cancelled.

        Raises:
            TransportError: the address cannot be listened on. ConfigurationError: certificates cannot be used.
        """
        self.accept, self.monotonic = accept, asyncio.get_running_loop().time
        self._server = await self._listen()
        try:
            while True:
                await asyncio.sleep(self._sweep_every())
                self._sweep()
        finally:
            await self._close(self._server)

    @property
    def port(self) -> int:
        """The port listened on, also when the settings left its choice to the system."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def check(self) -> Health:
        if self._server is None:
            return await self._check_address()
        problem = self._tls.problem if self._tls else None
        text = f"listens on {self.settings.listen}, {len(self._connections)} connected"
        return Health(problem is None, problem or text)

    # ------------------------------------------------------------------ used by connections
    def stamp(self) -> tuple[datetime, str]:
        """Time and id of an acknowledgement that no stored message lends its own."""
        return self._context.clock.now(), id_text(self._ids.next())

    def admit(self, connection: MllpConnection, transport: asyncio.Transport) -> bool:
        """Tell whether a peer may come in."""
        peer = transport.get_extra_info("peername")
        name = str(peer[0]) if peer else "local"
        if len(self._connections) >= self.settings.max_connections:
            log.warning("channel %s: %s turned away: too many connections", self._context.channel, name)
            return False
        if self._networks and not any(ip_address(name) in network for network in self._networks):
            log.warning("channel %s: %s turned away: not an allowed address", self._context.channel, name)
            return False
        if not self._is_pinned(transport):
            log.warning("channel %s: %s turned away: not a pinned certificate", self._context.channel, name)
            return False
        if self.settings.keep_alive:
            _keep_alive(transport)
        self._connections.add(connection)
        return True

    def forget(self, connection: MllpConnection) -> None:
        self._connections.discard(connection)
        self._buffered -= connection.buffered
        connection.buffered = 0

    def count_buffered(self, more: int) -> None:
        """Unfinished messages grew or shrank; above the limit the connection that holds most of them goes."""
        self._buffered += more
        if self._buffered > self.settings.max_buffered and more > 0:
            log.warning("channel %s: a connection dropped: too many unfinished messages", self._context.channel)
            max(self._connections, key=lambda one: one.buffered).drop()

    def look_again(self) -> None:
        """The engine is behind: let connections look again in a moment."""
        if not self._looking:
            self._looking = True
            asyncio.get_running_loop().call_later(_LOOK_AGAIN, self._look)

    def when_settled(self, receipt: Receipt, then: Callable[[Settled | None], None]) -> None:
        """Call back once: when the message is delivered or HELD, or with None when `answer_within` has passed."""
        assert receipt.settled is not None
        future = asyncio.ensure_future(receipt.settled)
        self._settling.add(future)
        loop = asyncio.get_running_loop()
        timer = loop.call_later(self.settings.answer_within.total_seconds(), then, None)

        def settle(done: asyncio.Future[Settled]) -> None:
            self._settling.discard(done)
            if loop.time() < timer.when() and not timer.cancelled():
                timer.cancel()
                then(None if done.cancelled() or done.exception() else done.result())

        future.add_done_callback(settle)

    def note_break(self, peer: str, error: IsthmusError) -> None:
        log.warning("channel %s: %s broke the protocol: %s", self._context.channel, peer, error)

    def note_findings(self, peer: str, findings: tuple[Finding, ...]) -> None:
        for finding in findings:
            log.info("channel %s: %s: %s %s", self._context.channel, peer, finding.code, finding.text)

    def note_failure(self, error: Exception) -> None:
        words = str(error) if isinstance(error, IsthmusError) else type(error).__name__
        log.error("channel %s: not stored, the sender was told to send again: %s", self._context.channel, words)

    # ------------------------------------------------------------------ inside
    async def _check_address(self) -> Health:
        """Before the source runs: could it listen there, with these certificates."""
        try:
            server = await self._listen(serve=False)
        except IsthmusError as error:
            return Health(False, error.what)
        server.close()
        return Health(True, f"can listen on {self.settings.listen}")

    async def _listen(self, serve: bool = True) -> asyncio.Server:
        host, port = split_address(self.settings.listen)
        if self.settings.tls:
            self._tls = ServerContext(self.settings.tls, self._context.root, self._context.secrets)
        timeout = _TLS_TIMEOUT if self._tls else None
        try:
            return await asyncio.get_running_loop().create_server(
                lambda: MllpConnection(self),
                host,
                port,
                backlog=_BACKLOG,
                reuse_address=True,
                start_serving=serve,
                ssl=self._tls.context if self._tls else None,
                ssl_handshake_timeout=timeout,
                ssl_shutdown_timeout=timeout,
            )
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else type(error).__name__
            raise TransportError(f"cannot listen: {reason}", where=self.settings.listen) from None

    def _is_pinned(self, transport: asyncio.Transport) -> bool:
        if self.settings.tls is None:
            return True
        ssl_object = transport.get_extra_info("ssl_object")
        return check_pinned(self.settings.tls, ssl_object.getpeercert(binary_form=True) if ssl_object else None)

    def _look(self) -> None:
        self._looking = False
        for connection in tuple(self._connections):
            connection.balance()

    def _sweep_every(self) -> float:
        shortest = min(self.settings.message_timeout, self.settings.idle_timeout).total_seconds()
        return min(max(shortest / 4, 0.02), 5.0)

    def _sweep(self) -> None:
        """Close connections that began a message and do not end it, or are idle; drop those that do not go."""
        now = self.monotonic()
        for connection in tuple(self._connections):
            if connection.closing_at is not None:
                if not connection.waiting and now - connection.closing_at > _TLS_TIMEOUT:
                    connection.drop()
            elif self._is_stale(connection, now):
                connection.close_gently()

    def _is_stale(self, connection: MllpConnection, now: float) -> bool:
        if connection.began_at is not None:
            return now - connection.began_at > self.settings.message_timeout.total_seconds()
        return not connection.waiting and now - connection.active_at > self.settings.idle_timeout.total_seconds()

    async def _close(self, server: asyncio.Server) -> None:
        server.close()
        for connection in tuple(self._connections):
            connection.close_gently()
        deadline = self.monotonic() + _GRACE
        while self._connections and self.monotonic() < deadline:
            await asyncio.sleep(0.01)
        for connection in tuple(self._connections):
            connection.drop()
        for future in tuple(self._settling):
            future.cancel()
        await asyncio.sleep(0)  # lets the transports report that they are gone
        self._server = None


def _keep_alive(transport: asyncio.Transport) -> None:
    connected = transport.get_extra_info("socket")
    if connected is not None:
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_KEEPIDLE"):
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60)
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 15)
