"""The connector contract of `rabbitmq` against a real server."""

from __future__ import annotations

import asyncio
import itertools
import threading
from pathlib import Path
from typing import Any

import aiormq
import pytest

from engine.core.loopback import free_port
from engine.ports.connector import Outbound
from tests.support.connector_contract import (
    LIMIT,
    Answer,
    DestinationHarness,
    SourceHarness,
    destination_contract,
    source_contract,
)
from tests.support.openssh import Relay
from tests.support.rabbitmq_server import ABSENT, INSTALLED, rabbitmq_server

pytestmark = [pytest.mark.integration, pytest.mark.skipif(not INSTALLED, reason=ABSENT)]
NUMBERS = itertools.count(1)
ACKNOWLEDGED = b"\x00\x3c\x00\x50"  # class and method of basic.ack
QUORUM: Any = {"x-queue-type": "quorum"}


class Counting(Relay):
    """Sees what the client acknowledges: `up_to` is the highest delivery tag."""

    up_to = 0

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, counted: bool = False) -> None:
        while data := await reader.read(256 * 1024):
            await self.flowing.wait()
            place = -1 if counted else data.rfind(ACKNOWLEDGED)
            if place >= 0:
                self.up_to = int.from_bytes(data[place + 4 : place + 12], "big")
            writer.write(data)


def work(body: Any) -> Any:
    """Something with a channel of its own, from code that cannot wait for it."""
    results: list[Any] = []

    async def done() -> None:
        connection = await aiormq.connect(f"amqp://127.0.0.1:{rabbitmq_server().port}/")
        results.append(await body(await connection.channel()))
        await connection.close()

    thread = threading.Thread(target=lambda: asyncio.run(done()))
    thread.start()
    thread.join(20)
    return results[0]


async def in_queue(channel: Any, queue: str) -> list[bytes]:
    found = []
    while (got := await channel.basic_get(queue)).delivery_tag is not None:
        found.append(got.body)
    return found


class Publisher:
    """Puts a message into the queue and watches whether it is acknowledged."""

    def __init__(self, harness: RabbitMqSourceHarness, connection: Any, channel: Any) -> None:
        self.harness, self.connection, self.channel = harness, connection, channel

    async def send(self, body: bytes, headers: Any = None) -> Answer:
        harness, key = self.harness, body.split(b"|")[0].decode()
        dead, asked = await self._dead(), harness.door.asked
        properties = aiormq.spec.Basic.Properties(message_id=key, headers=headers)
        harness.published += 1
        number = harness.published
        await self.channel.basic_publish(body, routing_key=harness.name, properties=properties)
        while harness.relay.up_to < number:
            await asyncio.sleep(0.005)
            if harness.door.failure is not None and harness.door.asked > asked:
                return Answer.SILENT
        return Answer.REFUSED if await self._dead() > dead else Answer.ACCEPTED

    async def _dead(self) -> int:
        found = await self.channel.queue_declare(f"{self.harness.name}.dead", passive=True)
        return int(found.message_count)

    async def close(self) -> None:
        """The last one closes the relay."""
        await self.connection.close()
        self.harness.peers -= 1
        if not self.harness.peers:
            await self.harness.relay.stop()


class RabbitMqSourceHarness(SourceHarness):
    type = "rabbitmq"
    exempt = {"tls": "it connects to a server and has no certificate of its own"}  # noqa: RUF012 - a ClassVar in the base

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.name, self.published = f"source{next(NUMBERS)}", 0
        self.peers = 0
        self.relay = Counting(free_port(), rabbitmq_server().port)
        work(lambda channel: channel.queue_declare(f"{self.name}.dead", durable=True))
        work(lambda channel: channel.queue_declare(self.name, durable=True, arguments=QUORUM))

    def settings(self) -> dict[str, Any]:
        return {
            "servers": [f"127.0.0.1:{self.relay.port}"],
            "queue": self.name,
            "dead_letter": {"routing_key": f"{self.name}.dead"},
            "max_size": f"{LIMIT}B",
        }

    async def connect(self) -> Publisher:
        if self.relay._listener is None:
            await self.relay.start()
        connection = await aiormq.connect(f"amqp://127.0.0.1:{rabbitmq_server().port}/")
        channel = await connection.channel()
        while not (await channel.queue_declare(self.name, passive=True)).consumer_count:
            await asyncio.sleep(0.005)
        self.peers += 1
        return Publisher(self, connection, channel)

    def message(self, key: str, text: str = "text", size: int = 0) -> bytes:
        return f"{key}|{text}".encode().ljust(size, b".")

    async def break_protocol(self) -> None:
        """No id, no body, headers that are no words."""
        peer = await self.connect()
        await peer.send(
            b"", headers={"X-Correlation-Id": [1, {"a": bytearray(b"\xff")}], "ce-type": bytearray(b"\xff\x00")}
        )
        await peer.close()


class RabbitMqDestinationHarness(DestinationHarness):
    type = "rabbitmq"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.name = f"sink{next(NUMBERS)}"
        self.relay = Relay(free_port(), rabbitmq_server().port)
        self.key = self.name
        work(lambda channel: channel.queue_declare(self.name, durable=True))

    def settings(self) -> dict[str, Any]:
        return {"servers": [f"127.0.0.1:{self.relay.port}"], "routing_key": "{natural_key}", "deduplicated": False}

    async def start(self) -> None:
        await self.relay.start()

    async def stop(self) -> None:
        await self.relay.stop()

    def refuse(self) -> None:
        """A routing key that no queue has."""
        self.key = "nowhere"

    def outbound(self, key: str = "key-1", body: bytes = b"body") -> Outbound:
        return Outbound(1, 1, "under_test", "correlation-1", key, body, natural_key=self.key)

    def hang(self) -> None:
        self.relay.flowing.clear()

    def effects(self) -> list[bytes]:
        found: list[bytes] = work(lambda channel: in_queue(channel, self.name))
        return found


TestRabbitMqSourceContract = source_contract(RabbitMqSourceHarness)
TestRabbitMqDestinationContract = destination_contract(RabbitMqDestinationHarness)
