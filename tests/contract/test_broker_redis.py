"""The connector contract of `redis` against a real server."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from typing import Any

import pytest

from engine.core.loopback import free_port
from tests.support.connector_contract import (
    LIMIT,
    Answer,
    DestinationHarness,
    SourceHarness,
    destination_contract,
    source_contract,
)
from tests.support.openssh import Relay
from tests.support.redis_server import ABSENT, INSTALLED, redis_server

pytestmark = [pytest.mark.integration, pytest.mark.skipif(not INSTALLED, reason=ABSENT)]
NUMBERS = itertools.count(1)


class Publisher:
    """Adds an entry and watches what becomes of it."""

    def __init__(self, harness: RedisSourceHarness) -> None:
        self.harness = harness

    async def send(self, body: bytes) -> Answer:
        key, dead, asked = body.split(b"|")[0], self._dead(), self.harness.door.asked
        entry = redis_server().do("XADD", self.harness.name, "*", "event", key, "body", body)
        while not self._acknowledged(entry):
            await asyncio.sleep(0.005)
            if self.harness.door.failure is not None and self.harness.door.asked > asked:
                return Answer.SILENT
        return Answer.REFUSED if self._dead() > dead else Answer.ACCEPTED

    def _acknowledged(self, entry: bytes) -> bool:
        group = redis_server().do("XINFO", "GROUPS", self.harness.name)[0]
        read = dict(zip(group[::2], group[1::2], strict=True))[b"last-delivered-id"]
        pending = redis_server().do("XPENDING", self.harness.name, "group", entry, entry, 1)
        return _place(read) >= _place(entry) and not pending

    def _dead(self) -> int:
        return int(redis_server().do("XLEN", f"{self.harness.name}.dead"))

    async def close(self) -> None:
        """Each command has a connection of its own."""


def _place(entry: bytes) -> tuple[int, int]:
    first, second = entry.split(b"-")
    return int(first), int(second)


class RedisSourceHarness(SourceHarness):
    type = "redis"
    exempt = {"tls": "it connects to a server and has no certificate of its own"}  # noqa: RUF012 - a ClassVar in the base

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.name = f"source{next(NUMBERS)}"
        redis_server().do("XGROUP", "CREATE", self.name, "group", "0", "MKSTREAM")

    def settings(self) -> dict[str, Any]:
        return {
            "servers": [f"127.0.0.1:{redis_server().port}"],
            "stream": self.name,
            "group": "group",
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
        entry = redis_server().do("XADD", self.name, "*", b"\xff\x00", b"\x00" * 3000)
        while not Publisher(self)._acknowledged(entry):
            await asyncio.sleep(0.005)


class RedisDestinationHarness(DestinationHarness):
    type = "redis"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.name = f"sink{next(NUMBERS)}"
        self.relay = Relay(free_port(), redis_server().port)

    def settings(self) -> dict[str, Any]:
        return {"servers": [f"127.0.0.1:{self.relay.port}"], "stream": self.name, "declare": True}

    async def start(self) -> None:
        await self.relay.start()

    async def stop(self) -> None:
        await self.relay.stop()

    def refuse(self) -> None:
        """The key is no stream."""
        redis_server().do("SET", self.name, "something else")

    def hang(self) -> None:
        self.relay.flowing.clear()

    def effects(self) -> list[bytes]:
        found = redis_server().do("XRANGE", self.name, "-", "+")
        return [dict(zip(fields[::2], fields[1::2], strict=True))[b"body"] for _, fields in found]


TestRedisSourceContract = source_contract(RedisSourceHarness)
TestRedisDestinationContract = destination_contract(RedisDestinationHarness)
