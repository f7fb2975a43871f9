"""The connector contract of `sftp` against a real OpenSSH server."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from engine.ports.connector import ConnectorContext
from tests.support.connector_contract import (
    LIMIT,
    Answer,
    DestinationHarness,
    SourceHarness,
    destination_contract,
    source_contract,
)
from tests.support.connector_doubles import Secrets, context
from tests.support.openssh import ABSENT, INSTALLED, Relay, openssh

pytestmark = [pytest.mark.integration, pytest.mark.skipif(not INSTALLED, reason=ABSENT)]


def server_settings(folder: Path, port: int) -> dict[str, Any]:
    (folder / "known_hosts").write_text(openssh().known_hosts(port))
    return {
        "address": f"127.0.0.1:{port}",
        "user": openssh().user,
        "private_key": "env:KEY",
        "known_hosts": "known_hosts",
    }


def surroundings(folder: Path) -> ConnectorContext:
    return context(folder, secrets=Secrets({"env:KEY": openssh().private()}))


class Writer:
    """Puts a file into the server's folder and watches where it ends."""

    def __init__(self, harness: SftpSourceHarness) -> None:
        self.harness, self.folder = harness, harness.folder / "in"

    async def send(self, body: bytes) -> Answer:
        name = body.split(b"|")[0].decode()
        ended = self._ended(name)
        self.folder.joinpath(f"{name}.tmp").write_bytes(body)
        self.folder.joinpath(f"{name}.tmp").rename(self.folder / name)
        asked = self.harness.door.asked
        while self._ended(name) == ended:
            await asyncio.sleep(0.005)
            if self.harness.door.failure is not None and self.harness.door.asked > asked:
                return Answer.SILENT
        done, _ = self._ended(name)
        return Answer.ACCEPTED if done > ended[0] else Answer.REFUSED

    def _ended(self, name: str) -> tuple[int, int]:
        done, error = ([*(self.folder / where).glob(f"*_{name}")] for where in ("done", "error"))
        return len(done), len(error)

    async def close(self) -> None:
        """A writer holds nothing."""


class SftpSourceHarness(SourceHarness):
    type = "sftp"
    exempt = {"tls": "SSH has host keys of its own"}  # noqa: RUF012 - a ClassVar in the base

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        (folder / "in").mkdir()
        openssh()

    def settings(self) -> dict[str, Any]:
        return server_settings(self.folder, openssh().port) | {
            "folder": str(self.folder / "in"),
            "poll": "20ms",
            "stable_for": "0s",
            "max_size": f"{LIMIT}B",
            "deduplicate": "name",
        }

    def context(self) -> ConnectorContext:
        return surroundings(self.folder)

    async def connect(self) -> Writer:
        return Writer(self)

    def message(self, key: str, text: str = "text", size: int = 0) -> bytes:
        return f"{key}|{text}".encode().ljust(size, b".")

    async def break_protocol(self) -> None:
        """A link to a file outside of the folder."""
        outside = self.folder / "outside"
        outside.write_text("not for the engine")
        os.symlink(outside, self.folder / "in" / "link")
        while not [*(self.folder / "in" / "error").glob("*_link.reason.txt")]:
            await asyncio.sleep(0.005)


class SftpDestinationHarness(DestinationHarness):
    type = "sftp"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.out.mkdir()
        self.relay: Relay | None = None
        openssh()

    @property
    def out(self) -> Path:
        return self.folder / "out"

    def settings(self) -> dict[str, Any]:
        return server_settings(self.folder, self.port) | {
            "folder": str(self.out),
            "file_name": "{natural_key}.txt",
        }

    def context(self) -> ConnectorContext:
        return surroundings(self.folder)

    async def start(self) -> None:
        self.relay = Relay(self.port, openssh().port)
        await self.relay.start()

    async def stop(self) -> None:
        if self.relay is not None:
            await self.relay.stop()

    def refuse(self) -> None:
        self.out.joinpath("key-1.txt").write_text("of somebody else")

    def hang(self) -> None:
        assert self.relay is not None
        self.relay.flowing.clear()

    def effects(self) -> list[bytes]:
        return [path.read_bytes() for path in self.out.iterdir() if path.is_file()]


TestSftpSourceContract = source_contract(SftpSourceHarness)
TestSftpDestinationContract = destination_contract(SftpDestinationHarness)
