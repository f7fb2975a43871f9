"""The connector contract of `ftps` against a TLS server (pyftpdlib), and what FTP asks for besides."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

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
from tests.support.ftps import PASSWORD, USER, ftps
from tests.support.openssh import Relay


def server_settings(port: int) -> dict[str, Any]:
    return {
        "address": f"127.0.0.1:{port}",
        "user": USER,
        "password": "env:PASSWORD",
        "tls": {"ca": str(ftps().authority)},
    }


def surroundings(folder: Path) -> ConnectorContext:
    return context(folder, secrets=Secrets({"env:PASSWORD": PASSWORD}))


class Writer:
    """Puts a file into the server's folder and watches where it ends."""

    def __init__(self, harness: FtpsSourceHarness) -> None:
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


class FtpsSourceHarness(SourceHarness):
    type = "ftps"
    exempt = {"tls": "a client: the server's certificate is tested below"}  # noqa: RUF012 - a ClassVar in the base

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        (folder / "in").mkdir()

    def settings(self) -> dict[str, Any]:
        return server_settings(ftps().port) | {
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
        """Names that no command can hold, or that look like two lines of a listing."""
        names = ("one\rtwo", "one\ntype=file;size=1;modify=20260101000000; ..\u2215evil", "one\u2028two")
        for name in names:
            (self.folder / "in" / name).write_text("content")
        while len([*(self.folder / "in" / "done").glob("*_one\u2028two")]) == 0:
            await asyncio.sleep(0.005)
        self.door.stored.clear()


class OldServerSourceHarness(FtpsSourceHarness):
    """A server that has LIST only."""

    def settings(self) -> dict[str, Any]:
        return super().settings() | {"address": f"127.0.0.1:{ftps().old}"}

    async def break_protocol(self) -> None:
        """A link to a file outside of the folder."""
        (self.folder / "outside").write_text("not for the engine")
        os.symlink(self.folder / "outside", self.folder / "in" / "link")
        while not [*(self.folder / "in" / "error").glob("*_link.reason.txt")]:
            await asyncio.sleep(0.005)


class FtpsDestinationHarness(DestinationHarness):
    type = "ftps"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.out.mkdir()
        self.relay: Relay | None = None
        ftps()

    @property
    def out(self) -> Path:
        return self.folder / "out"

    def settings(self) -> dict[str, Any]:
        return server_settings(self.port) | {"folder": str(self.out), "file_name": "{natural_key}.txt"}

    def context(self) -> ConnectorContext:
        return surroundings(self.folder)

    async def start(self) -> None:
        self.relay = Relay(self.port, self.server)
        await self.relay.start()

    @property
    def server(self) -> int:
        return ftps().port

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


class ImplicitDestinationHarness(FtpsDestinationHarness):
    @property
    def server(self) -> int:
        return ftps().implicit

    def settings(self) -> dict[str, Any]:
        return super().settings() | {"mode": "implicit"}


TestFtpsSourceContract = source_contract(FtpsSourceHarness)
TestFtpsOldServerSourceContract = source_contract(OldServerSourceHarness)
TestFtpsDestinationContract = destination_contract(FtpsDestinationHarness)
TestFtpsImplicitDestinationContract = destination_contract(ImplicitDestinationHarness)
