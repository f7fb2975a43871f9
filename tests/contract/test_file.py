"""The connector contract of `file`: a folder's writer is the peer, a folder's reader the far side."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

from tests.support.connector_contract import (
    LIMIT,
    Answer,
    DestinationHarness,
    SourceHarness,
    destination_contract,
    source_contract,
)


class Writer:
    """Puts a file into the folder and watches where it ends."""

    def __init__(self, harness: FileSourceHarness) -> None:
        self.harness, self.folder = harness, harness.folder / "in"
        self.folder.mkdir(exist_ok=True)

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


class FileSourceHarness(SourceHarness):
    type = "file"
    exempt = {"tls": "a folder has no TLS"}  # noqa: RUF012 - a ClassVar in the base

    def settings(self) -> dict[str, Any]:
        return {
            "folder": "in",
            "poll": "20ms",
            "stable_for": "0s",
            "max_size": f"{LIMIT}B",
            "deduplicate": "name",
        }

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


class FileDestinationHarness(DestinationHarness):
    type = "file"
    exempt = {"hanging": "a disk does not hang as a peer does"}  # noqa: RUF012 - a ClassVar in the base

    def settings(self) -> dict[str, Any]:
        return {"folder": "out", "file_name": "{natural_key}.txt", "create": False}

    @property
    def out(self) -> Path:
        return self.folder / "out"

    async def start(self) -> None:
        self.out.mkdir()

    def refuse(self) -> None:
        self.out.joinpath("key-1.txt").write_text("of somebody else")

    def effects(self) -> list[bytes]:
        return [path.read_bytes() for path in self.out.iterdir() if path.is_file()]


TestFileSourceContract = source_contract(FileSourceHarness)
TestFileDestinationContract = destination_contract(FileDestinationHarness)
