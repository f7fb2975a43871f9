"""Destination `hl7v2_mllp`: delivers a message and believes only the acknowledgement that names it.

One message at a time travels on a connection. An answer counts when its MSA-2 is the MSH-10 that was sent; any
other one is a late answer to an earlier message or junk, is noted and ignored. After a time-out the connection
is dropped, so that the late answer cannot come in on it. HL7 receivers know a message again by its MSH-10:
that makes this destination idempotent unless the settings say otherwise.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import ssl
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, cast

from engine.connectors.fields import split_address
from engine.connectors.hl7v2_mllp.outgoing import Outgoing
from engine.connectors.hl7v2_mllp.settings import MllpDestinationSettings
from engine.connectors.tls import ClientContext, check_pinned
from engine.core.errors import DestinationError, IsthmusError, MessageError, TransportError
from engine.ports.connector import ConnectorContext, Delivered, Health, Outbound, Semantics
from engine.protocols.hl7v2.acknowledge import Acknowledgement, read, read_plain
from engine.protocols.hl7v2.framing import COMMIT, NEGATIVE, MllpFramer, frame
from engine.protocols.hl7v2.header import peek, plain_control_id

log = logging.getLogger("isthmus.hl7v2_mllp")

_CLOSE_TIMEOUT = 2.0  # seconds for an orderly end of a connection


class _ConnectionLostError(TransportError):
    """The connection went before any answer: a kept one may have been closed by the receiver meanwhile."""


class MllpDestination:
    """One receiver; its connections are opened when needed and kept."""

    def __init__(self, settings: MllpDestinationSettings, context: ConnectorContext) -> None:
        self._settings, self._context = settings, context
        self._tls = ClientContext(settings.tls, context.root, context.secrets) if settings.tls else None
        self._idle: deque[_Connection] = deque()
        self._used: set[_Connection] = set()
        self._places = asyncio.Semaphore(settings.connections)
        self._patience, self._idle_seconds = settings.ack_timeout.total_seconds(), settings.idle_timeout.total_seconds()
        self._timer: asyncio.TimerHandle | None = None
        self._outgoing = Outgoing()
        self._semantics = Semantics.IDEMPOTENT if settings.idempotent else Semantics.NEITHER

    @property
    def semantics(self) -> Semantics:
        return self._semantics

    @property
    def parallel(self) -> int:
        return self._settings.connections

    async def send(self, outbound: Outbound) -> Delivered:
        """Deliver and wait for the acknowledgement of this very message.

        Raises:
            TransportError: not reached (`sent` false), or no acknowledgement in time (`sent` true).
            DestinationError: it is not an HL7 message with a control id, or the receiver refused it.
        """
        control_id = _control_id(outbound.body, self._context.charset)
        async with self._places:
            kept = self._kept()
            if kept is not None:
                try:
                    return await self._attempt(kept, outbound.body, control_id)
                except _ConnectionLostError:
                    # Some receivers close after each message or when idle, just when the next one leaves.
                    if not self._settings.idempotent:
                        raise
            return await self._attempt(await self._connect(), outbound.body, control_id)

    async def _attempt(self, connection: _Connection, body: bytes, control_id: str) -> Delivered:
        self._used.add(connection)
        try:
            delivered = await self._exchange(connection, body, control_id)
        except DestinationError:
            self._keep(connection)  # the receiver answered properly: the connection is good
            raise
        except BaseException:
            connection.drop()
            raise
        finally:
            self._used.discard(connection)
        self._keep(connection)
        return delivered

    async def inquire(self, outbound: Outbound) -> Delivered | None:
        """Never asked: HL7 receivers have no question for it; sending again is the way."""
        return None

    async def check(self) -> Health:
        try:
            connection = await self._connect()
        except IsthmusError as error:
            return Health(False, error.what)
        await connection.close()
        return Health(True, f"{self._settings.address} takes connections")

    async def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        for connection in tuple(self._used):
            connection.drop()
        while self._idle:
            await self._idle.popleft().close()

    # ------------------------------------------------------------------ one message
    async def _exchange(self, connection: _Connection, body: bytes, control_id: str) -> Delivered:
        try:
            return await connection.exchange(frame(body), partial(self._judge, control_id), self._patience)
        except TimeoutError:
            raise TransportError("no acknowledgement in time", where=self._settings.address, sent=True) from None
        except (OSError, ssl.SSLError, EOFError):
            what = "the connection was lost before the acknowledgement"
            raise _ConnectionLostError(what, where=self._settings.address, sent=True) from None
        except MessageError as error:
            what = f"the receiver does not answer in MLLP: {error.code}"
            raise TransportError(what, where=self._settings.address, sent=True) from None

    def _judge(self, control_id: str, answer: bytes) -> Delivered | None:
        """Delivered, or None: this answer does not settle it. Raises what makes the attempt fail."""
        acknowledgement = self._own(answer, control_id)
        if acknowledgement is None or not self._is_final(acknowledgement):
            return None
        return Delivered(response=answer, reference=control_id)

    def _own(self, answer: bytes, control_id: str) -> Acknowledgement | None:
        """The answer, when it is one to the message sent; others are noted and ignored."""
        if answer in (COMMIT, b""):  # release 2: the bytes arrived; the message's own answer still counts
            return None
        if answer == NEGATIVE:
            raise TransportError("the receiver could not store the bytes", where=self._settings.address)
        try:
            acknowledgement = read_plain(answer) or read(answer, self._context.charset)
        except IsthmusError as error:
            log.warning("%s: an answer that is no acknowledgement ignored: %s", self._context.name, error.code)
            return None
        if acknowledgement.control_id != control_id:
            log.info("%s: an acknowledgement of another message ignored", self._context.name)
            return None
        return acknowledgement

    def _is_final(self, acknowledgement: Acknowledgement) -> bool:
        """Tell delivered from not yet known.

        Raises:
            DestinationError: refused. TransportError: refused with a code that `retry_on` names.
        """
        if acknowledgement.positive:
            return self._settings.acknowledgement == "any" or not acknowledgement.is_accept_level
        places = ", ".join(error.where for error in acknowledgement.errors if error.where)
        conditions = ", ".join(error.code for error in acknowledgement.errors)
        words = f"the receiver answered {acknowledgement.code}" + (f", condition {conditions}" if conditions else "")
        if acknowledgement.code in self._settings.retry_on:
            raise TransportError(words, where=places or self._settings.address)
        raise DestinationError(
            words, where=places or self._settings.address, remedy="its answer is kept; correct, resend"
        )

    # ------------------------------------------------------------------ connections
    def _kept(self) -> _Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.usable:
                return connection
            connection.drop()
        return None

    def _keep(self, connection: _Connection) -> None:
        idle = self._idle_seconds
        if not idle or not connection.usable:
            connection.drop()
            return
        loop = asyncio.get_running_loop()
        connection.idle_since = loop.time()
        self._idle.append(connection)
        if self._timer is None:
            self._timer = loop.call_later(idle, self._drop_idle)

    def _drop_idle(self) -> None:
        loop, idle = asyncio.get_running_loop(), self._idle_seconds
        while self._idle and loop.time() - self._idle[0].idle_since >= idle:
            self._idle.popleft().drop()
        self._timer = None
        if self._idle:
            self._timer = loop.call_at(self._idle[0].idle_since + idle, self._drop_idle)

    async def _connect(self) -> _Connection:
        host, port = split_address(self._settings.address)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._settings.connect_timeout.total_seconds()):
                context, name = self._tls_options(host)
                _, connection = await loop.create_connection(
                    partial(_Connection, self._settings.max_ack, self._outgoing),
                    host,
                    port,
                    ssl=context,
                    server_hostname=name,
                )
        except TimeoutError:
            raise TransportError("the receiver cannot be reached in time", where=self._settings.address) from None
        except ssl.SSLError as error:
            raise TransportError(f"TLS failed: {error.reason}", where=self._settings.address) from None
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else type(error).__name__
            raise TransportError(f"the receiver cannot be reached: {reason}", where=self._settings.address) from None
        if not self._is_pinned(connection):
            connection.drop()
            raise TransportError("the receiver's certificate is not a pinned one", where=self._settings.address)
        if self._settings.keep_alive:
            connection.info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return connection

    def _tls_options(self, host: str) -> tuple[ssl.SSLContext | None, str | None]:
        if self._tls is None or self._settings.tls is None:
            return None, None
        return self._tls.current(), self._settings.tls.server_name or host

    def _is_pinned(self, connection: _Connection) -> bool:
        if self._settings.tls is None:
            return True
        ssl_object = connection.info("ssl_object")
        return check_pinned(self._settings.tls, ssl_object.getpeercert(binary_form=True) if ssl_object else None)


Judge = Callable[[bytes], Delivered | None]


class _Connection(asyncio.Protocol):
    """A connection that carries one message at a time.

    A protocol and not a stream: half of a delivery's cost would be the stream's (tests/bench, end to end).
    """

    def __init__(self, limit: int, outgoing: Outgoing) -> None:
        self._framer, self._outgoing = MllpFramer(limit), outgoing
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Delivered] | None = None
        self._judge: Judge | None = None
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = 0.0
        self._at_end = False
        self.idle_since = 0.0

    @property
    def usable(self) -> bool:
        """Nothing says that the far side has closed it, and no part of an answer is left in it."""
        open_ = self._transport is not None and not self._at_end and not self._transport.is_closing()
        return open_ and self._framer.idle

    def info(self, name: str) -> Any:
        return self._transport.get_extra_info(name) if self._transport is not None else None

    async def exchange(self, data: bytes, judge: Judge, seconds: float) -> Delivered:
        """Send, and wait for the answer that `judge` takes for the message's own.

        Raises:
            TimeoutError, EOFError, OSError, MessageError; what `judge` raises.
        """
        if self._transport is None or self._at_end:
            raise EOFError
        self._judge, self._waiting = judge, self._loop.create_future()
        self._deadline = self._loop.time() + seconds
        if self._timer is None:
            self._timer = self._loop.call_at(self._deadline, self._expire)
        self._outgoing.write(self._transport, data)
        try:
            return await self._waiting
        finally:
            self._waiting = None

    def _expire(self) -> None:
        """One alarm serves many exchanges: it goes on to the deadline of the one that is under way now."""
        self._timer = None
        if self._waiting is None or self._waiting.done():
            return
        if self._loop.time() >= self._deadline:
            self._fail(TimeoutError())
        else:
            self._timer = self._loop.call_at(self._deadline, self._expire)

    def _fail(self, error: BaseException) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(error)

    # ------------------------------------------------------------------ called by the transport
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance

    def data_received(self, data: bytes) -> None:
        try:
            for answer in self._framer.feed(data):
                self._take(answer)
        except IsthmusError as error:
            self._at_end = isinstance(error, MessageError)
            self._fail(error)

    def _take(self, answer: bytes) -> None:
        """Answers that nobody waits for came late: they count for nothing."""
        if self._waiting is None or self._waiting.done() or self._judge is None:
            return
        delivered = self._judge(answer)
        if delivered is not None:
            self._waiting.set_result(delivered)

    def eof_received(self) -> bool:
        self._at_end = True
        self._fail(EOFError())
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self._at_end, self._transport = True, None
        if self._timer is not None:
            self._timer.cancel()
        self._fail(error if isinstance(error, OSError) else EOFError())
        if not self._ended.done():
            self._ended.set_result(None)

    # ------------------------------------------------------------------ end
    def drop(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    async def close(self) -> None:
        if self._transport is None:
            return
        self._transport.close()
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT):
                await asyncio.shield(self._ended)
        except TimeoutError:
            self.drop()  # it was no longer of use; how it ended does not matter


def _control_id(body: bytes, charset: str | None) -> str:
    plain = plain_control_id(body) if charset is None else None
    if plain is not None:
        return plain
    try:
        control_id = peek(body, charset).control_id
    except MessageError as error:
        raise DestinationError(f"not an HL7 message: {error.what}", where=error.where) from None
    if control_id is None:
        raise DestinationError("the message has no control id to recognise its acknowledgement by", where="MSH-10")
    return control_id
