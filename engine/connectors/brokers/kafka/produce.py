"""Records into one topic, each confirmed by all replicas in sync."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from confluent_kafka import KafkaException, Producer
from confluent_kafka.cimpl import NewTopic

from engine.connectors.brokers.kafka.link import (
    LOST,
    Cause,
    Thread,
    client,
    configuration,
    declare,
    look_at,
    undelivered,
)
from engine.connectors.brokers.kafka.settings import KafkaServer
from engine.core.errors import ConfigurationError, DestinationError, TransportError
from engine.ports.connector import ConnectorContext

_POLL = 0.05  # seconds


class Outbox:
    """A producer with a thread that tells what became of each record."""

    def __init__(self, server: KafkaServer, context: ConnectorContext, topic: str, new: NewTopic | None = None) -> None:
        self._server, self._context, self._topic, self._new = server, context, topic, new
        self._producer: Producer | None = None
        self._teller: threading.Thread | None = None
        self._thread = Thread()
        self._ended, self._up = threading.Event(), False
        self._opening, self._cause = asyncio.Lock(), Cause()

    async def put(self, body: bytes, key: bytes | None, headers: dict[str, str]) -> str:
        """`topic/partition/offset`.

        Raises:
            TransportError, DestinationError: as of a destination.
        """
        producer = await self._ready()
        loop, done = asyncio.get_running_loop(), asyncio.Future[Any]()

        def confirmed(error: Any, message: Any) -> None:
            loop.call_soon_threadsafe(_settle, done, error, message)

        try:
            producer.produce(self._topic, body, key, headers=[*headers.items()], on_delivery=confirmed)
        except KafkaException as error:
            raise undelivered(error.args[0], self._context.name, self._topic) from None
        except BufferError:
            raise TransportError("too much waits for the cluster", where=self._context.name) from None
        failure, message = await done
        if failure is not None:
            self._up = False
            raise undelivered(failure, self._context.name, self._topic)
        return f"{message.topic()}/{message.partition()}/{message.offset()}"

    async def look(self) -> None:
        """Raises TransportError or ConfigurationError."""
        producer = await self._open()
        seconds = self._server.connect_timeout.total_seconds()
        await self._thread.do(look_at, producer, (self._topic,), seconds, self._context.name, self._cause)

    async def close(self) -> None:
        producer, self._producer = self._producer, None
        thread, self._thread = self._thread, Thread()  # the old one first ends what it is at
        teller, self._teller = self._teller, None
        self._ended.set()
        self._up = False
        await asyncio.shield(thread.do(_end, producer, teller))
        thread.close()

    async def _ready(self) -> Producer:
        """One that has reached the cluster since it was last lost. Raises TransportError with nothing sent."""
        async with self._opening:
            if self._up and self._producer is not None:
                return self._producer
            try:
                if self._new is not None:
                    await self._thread.do(declare, self._server, self._context, self._new)
                    self._new = None
                await self.look()
            except ConfigurationError as error:
                raise _outwards(error) from None
            self._up = True
            return await self._open()

    async def _open(self) -> Producer:
        if self._producer is None:
            ours = {
                "acks": "all",
                "enable.idempotence": True,
                "delivery.timeout.ms": max(100, int(self._server.timeout.total_seconds() * 1000)),
                "linger.ms": 1,
                "message.max.bytes": 64 * 1024**2,
                "error_cb": self._told,
            }
            settings = configuration(self._server, self._context) | ours
            self._producer = client(Producer, settings, self._context.name)
            self._ended = threading.Event()
            self._teller = threading.Thread(target=_serve, args=(self._producer, self._ended), daemon=True)
            self._teller.start()
        return self._producer

    def _told(self, error: Any) -> None:
        self._cause.note(error)
        if error.code() in LOST:
            self._up = False


def _outwards(error: ConfigurationError) -> TransportError | DestinationError:
    """A missing topic is waited for; that we may not is for a person."""
    if error.what.startswith("there is no topic"):
        return TransportError(error.what, where=error.where, remedy=error.remedy)
    return DestinationError(error.what, where=error.where, remedy=error.remedy)


def _end(producer: Producer | None, teller: threading.Thread | None) -> None:
    if teller is not None:
        teller.join()
    if producer is not None:
        producer.purge()
        producer.close()


def _serve(producer: Producer, ended: threading.Event) -> None:
    while not ended.is_set():
        producer.poll(_POLL)


def _settle(done: asyncio.Future[Any], error: Any, message: Any) -> None:
    if not done.done():
        done.set_result((error, message))
