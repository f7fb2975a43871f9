"""One face for the brokers' real servers: put messages, read them with the source of ours, kill the server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiormq
from nats.js.api import StreamConfig

from engine.connectors.catalog import CATALOG
from engine.ports.connector import Receipt, Received
from tests.support.connector_doubles import Door, context
from tests.support.nats_server import nats_server
from tests.support.rabbitmq_server import rabbitmq_server
from tests.support.redis_server import redis_server

_PATIENCE = 30.0  # seconds


class Broker:
    """`name` is of the stream or queue, another one in each test."""

    type: str

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def server(self) -> Any:
        raise NotImplementedError

    def settings(self) -> dict[str, Any]:
        raise NotImplementedError

    def sink(self) -> dict[str, Any]:
        raise NotImplementedError

    async def put(self, bodies: list[bytes]) -> None:
        raise NotImplementedError

    def patient(self) -> dict[str, Any]:
        """Settings with which nothing under way is given to another, however long it takes."""
        return {}

    @property
    def servers(self) -> list[str]:
        return [f"127.0.0.1:{self.server.port}"]

    @asynccontextmanager
    async def reading(self, door: Door, root: Path, **settings: Any) -> Any:
        """A source of ours that reads into a door."""
        entry = CATALOG.sources[self.type]
        source: Any = entry.build(entry.load().model_validate(self.settings() | settings), context(root))
        task = asyncio.ensure_future(source.run(door))
        try:
            yield source
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def writing(self, root: Path, **settings: Any) -> Any:
        entry = CATALOG.destinations[self.type]
        return entry.build(entry.load().model_validate(self.sink() | settings), context(root))


class Nats(Broker):
    type = "nats"

    @property
    def server(self) -> Any:
        return nats_server()

    def settings(self) -> dict[str, Any]:
        mine = {"stream": self.name, "durable": "group", "declare": True, "ack_wait": "1s"}
        return {"servers": self.servers, **mine}

    def patient(self) -> dict[str, Any]:
        return {"ack_wait": "60s"}

    def sink(self) -> dict[str, Any]:
        mine = {"stream": self.name, "subjects": [f"{self.name}.>"], "declare": True, "duplicate_window": "60s"}
        return {"servers": self.servers, "subject": f"{self.name}.{{order_key}}", **mine}

    async def put(self, bodies: list[bytes]) -> None:
        client = await nats_server().client()
        js = client.jetstream()
        await js.add_stream(StreamConfig(name=self.name, subjects=[f"{self.name}.>"]))
        for body in bodies:
            await js.publish(f"{self.name}.in", body)
        await client.close()


class RabbitMq(Broker):
    type = "rabbitmq"

    @property
    def server(self) -> Any:
        return rabbitmq_server()

    def settings(self) -> dict[str, Any]:
        mine = {"queue": self.name, "declare": True, "queue_type": "classic"}  # alone, a killed quorum waits for itself
        return {"servers": self.servers, **mine}

    def sink(self) -> dict[str, Any]:
        return {"servers": self.servers, "routing_key": self.name, "declare": True, "queue_type": "classic"}

    async def put(self, bodies: list[bytes]) -> None:
        connection = await aiormq.connect(f"amqp://127.0.0.1:{rabbitmq_server().port}/")
        channel = await connection.channel()
        arguments: Any = {"x-queue-type": "classic"}
        await channel.queue_declare(self.name, durable=True, arguments=arguments)

        async def publish(body: bytes) -> None:
            properties = aiormq.spec.Basic.Properties(delivery_mode=2, message_id=str(uuid4()))
            await channel.basic_publish(body, routing_key=self.name, properties=properties)

        await asyncio.gather(*map(publish, bodies))
        await connection.close()


class Redis(Broker):
    type = "redis"

    @property
    def server(self) -> Any:
        return redis_server()

    def settings(self) -> dict[str, Any]:
        return {"servers": self.servers, "stream": self.name, "group": "group", "declare": True, "claim_after": "200ms"}

    def patient(self) -> dict[str, Any]:
        return {"claim_after": "60s"}

    def sink(self) -> dict[str, Any]:
        return {"servers": self.servers, "stream": self.name, "declare": True}

    async def put(self, bodies: list[bytes]) -> None:
        for body in bodies:
            redis_server().do("XADD", self.name, "*", "body", body)


class NeverTold(Door):
    """The journal has it; the source dies before it hears so."""

    def submit(self, received: Received, done: Callable[[Receipt | Exception], None]) -> None:
        super().submit(received, lambda outcome: None)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(_PATIENCE):
        while not holds():
            await asyncio.sleep(0.01)
