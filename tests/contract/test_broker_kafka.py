"""The connector contract of `kafka` against the cluster that librdkafka has for tests."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from typing import Any

from engine.ports.connector import Outbound
from tests.support.connector_contract import (
    LIMIT,
    Answer,
    DestinationHarness,
    SourceHarness,
    destination_contract,
    source_contract,
)
from tests.support.kafka_cluster import kafka_cluster
from tests.support.openssh import Relay

NUMBERS = itertools.count(1)


class Publisher:
    """Puts a record into the topic and watches how far the group comes."""

    def __init__(self, harness: KafkaSourceHarness) -> None:
        self.harness = harness

    async def send(self, body: bytes) -> Answer:
        key, harness, cluster = body.split(b"|")[0].decode(), self.harness, kafka_cluster()
        dead, asked = await self._dead(), harness.door.asked
        offset = await asyncio.to_thread(lambda: cluster.put(harness.name, body, event=key))
        while await asyncio.to_thread(cluster.committed, harness.name, harness.name) <= offset:
            if harness.door.failure is not None and harness.door.asked > asked:
                return Answer.SILENT
        return Answer.REFUSED if await self._dead() > dead else Answer.ACCEPTED

    async def _dead(self) -> int:
        return len(await asyncio.to_thread(kafka_cluster().bodies, f"{self.harness.name}.dead"))

    async def close(self) -> None:
        """Each record has a producer of its own."""


class KafkaSourceHarness(SourceHarness):
    type = "kafka"
    exempt = {"tls": "it connects to a cluster and has no certificate of its own"}  # noqa: RUF012 - a ClassVar in the base

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.name = f"source{next(NUMBERS)}"
        for name in (self.name, f"{self.name}.dead"):
            kafka_cluster().topic(name)

    def settings(self) -> dict[str, Any]:
        return {
            "servers": [kafka_cluster().servers],
            "topics": [self.name],
            "group": self.name,
            "partitions": [0],
            "id_header": "event",
            "dead_letter": f"{self.name}.dead",
            "max_size": f"{LIMIT}B",
        }

    async def connect(self) -> Publisher:
        return Publisher(self)

    def message(self, key: str, text: str = "text", size: int = 0) -> bytes:
        return f"{key}|{text}".encode().ljust(size, b".")

    async def break_protocol(self) -> None:
        """No body, an id that is none."""
        offset = await asyncio.to_thread(lambda: kafka_cluster().put(self.name, b"", event="x" * 3000))
        while await asyncio.to_thread(kafka_cluster().committed, self.name, self.name) <= offset:
            pass


class KafkaDestinationHarness(DestinationHarness):
    type = "kafka"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.name, self.size = f"sink{next(NUMBERS)}", 0
        self.relay = Relay(self.port, kafka_cluster().port)
        kafka_cluster().topic(self.name)

    def settings(self) -> dict[str, Any]:
        server = {"servers": [f"127.0.0.1:{self.port}"], "connect_timeout": "1s", "timeout": "5s"}
        return server | {"topic": self.name}

    async def start(self) -> None:
        """The relay passes the first connection: by it the library learns the broker's own port."""
        await self.relay.start()

    async def stop(self) -> None:
        await self.relay.stop()

    def refuse(self) -> None:
        """More than a record may be."""
        self.size = 65 * 1024**2

    def outbound(self, key: str = "key-1", body: bytes = b"body") -> Outbound:
        return super().outbound(key, body.ljust(self.size, b"."))

    def hang(self) -> None:
        self.relay.flowing.clear()

    def effects(self) -> list[bytes]:
        return kafka_cluster().bodies(self.name)


TestKafkaSourceContract = source_contract(KafkaSourceHarness)
TestKafkaDestinationContract = destination_contract(KafkaDestinationHarness)
