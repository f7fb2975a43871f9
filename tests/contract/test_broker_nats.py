"""The connector contract of `nats` against a real server."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from typing import Any

from nats.aio.client import Client
from nats.js.api import StreamConfig

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
from tests.support.nats_server import bodies, nats_server
from tests.support.openssh import Relay

NUMBERS = itertools.count(1)


class Publisher:
    """Puts a message into the stream and watches what becomes of it."""

    def __init__(self, harness: NatsSourceHarness, client: Client) -> None:
        self.harness, self.client, self.js = harness, client, client.jetstream()

    async def send(self, body: bytes) -> Answer:
        key, dead = body.split(b"|")[0].decode(), await self._dead()
        asked = self.harness.door.asked
        told = await self.js.publish(f"{self.harness.name}.in", body, headers={"Event-Id": key})
        while not await self._acknowledged(told.seq):
            await asyncio.sleep(0.005)
            if self.harness.door.failure is not None and self.harness.door.asked > asked:
                return Answer.SILENT
        return Answer.REFUSED if await self._dead() > dead else Answer.ACCEPTED

    async def _acknowledged(self, sequence: int) -> bool:
        found = await self.js.consumer_info(self.harness.name, "group")
        return found.ack_floor is not None and found.ack_floor.stream_seq >= sequence

    async def _dead(self) -> int:
        return (await self.js.stream_info(f"{self.harness.name}_dead")).state.messages

    async def close(self) -> None:
        await self.client.close()


class NatsSourceHarness(SourceHarness):
    type = "nats"
    exempt = {"tls": "it connects to a server and has no certificate of its own"}  # noqa: RUF012 - a ClassVar in the base

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.name = f"source{next(NUMBERS)}"
        for name in (self.name, f"{self.name}_dead"):
            nats_server().do(lambda js, name=name: js.add_stream(name=name, subjects=[f"{name}.>"]))

    def settings(self) -> dict[str, Any]:
        return {
            "servers": [f"127.0.0.1:{nats_server().port}"],
            "stream": self.name,
            "durable": "group",
            "declare": True,
            "id_header": "Event-Id",
            "dead_letter": f"{self.name}_dead.refused",
            "max_size": f"{LIMIT}B",
        }

    async def connect(self) -> Publisher:
        client = await nats_server().client()
        js = client.jetstream()
        while not [one async for one in _consumers(js, self.name)]:
            await asyncio.sleep(0.005)
        return Publisher(self, client)

    def message(self, key: str, text: str = "text", size: int = 0) -> bytes:
        return f"{key}|{text}".encode().ljust(size, b".")

    async def break_protocol(self) -> None:
        """An id that is none, nothing in it."""
        peer = await self.connect()
        told = await peer.js.publish(f"{self.name}.in", b"", headers={"Event-Id": "x" * 3000})
        while not await peer._acknowledged(told.seq):
            await asyncio.sleep(0.005)
        await peer.close()


async def _consumers(js: Any, stream: str) -> Any:
    for one in await js.consumers_info(stream):
        yield one


class NatsDestinationHarness(DestinationHarness):
    type = "nats"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.name, self.size = f"sink{next(NUMBERS)}", 0
        self.relay = Relay(free_port(), nats_server().port)
        config = StreamConfig(name=self.name, subjects=[f"{self.name}.>"], duplicate_window=60, max_msg_size=LIMIT)
        nats_server().do(lambda js: js.add_stream(config))

    def settings(self) -> dict[str, Any]:
        return {
            "servers": [f"127.0.0.1:{self.relay.port}"],
            "subject": f"{self.name}.{{natural_key}}",
            "duplicate_window": "60s",
        }

    async def start(self) -> None:
        await self.relay.start()

    async def stop(self) -> None:
        await self.relay.stop()

    def refuse(self) -> None:
        """More than the stream takes."""
        self.size = LIMIT * 2

    def outbound(self, key: str = "key-1", body: bytes = b"body") -> Outbound:
        return super().outbound(key, body.ljust(self.size, b"."))

    def hang(self) -> None:
        self.relay.flowing.clear()

    def effects(self) -> list[bytes]:
        return nats_server().do(lambda js: bodies(js, self.name))


TestNatsSourceContract = source_contract(NatsSourceHarness)
TestNatsDestinationContract = destination_contract(NatsDestinationHarness)
