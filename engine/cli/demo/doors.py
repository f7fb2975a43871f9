"""How the hospital reaches the engine: MLLP sockets, HTTP requests and files, as real senders do."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import aiohttp

from engine.cli.demo.parcel import Parcel

_START, _END = b"\x0b", b"\x1c\r"
NO_ANSWER = "no answer"
_PATIENCE = 60.0  # seconds for an answer; the engine answers in milliseconds, a loaded test machine may not


class Door(Protocol):
    """How the demonstration reaches one channel's source."""

    async def send(self, parcel: Parcel) -> str:
        """Send one parcel and return the first part of the answer; empty when the door gives none."""
        ...

    async def close(self) -> None: ...


class MllpDoor:
    """One connection, one message at a time, as most hospital systems send."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, parcel: Parcel) -> str:
        try:
            return await asyncio.wait_for(self._exchange(parcel.body), _PATIENCE)
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            await self.close()
            return NO_ANSWER

    async def _exchange(self, body: bytes) -> str:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(_START + body + _END)
        await writer.drain()
        return acknowledgement_code(await reader.readuntil(_END))

    async def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def acknowledgement_code(frame: bytes) -> str:
    """MSA-1 of a framed answer; `?` when there is none."""
    for segment in frame.strip(_START + _END).split(b"\r"):
        if segment.startswith(b"MSA|"):
            return segment.split(b"|")[1].decode("ascii", "replace")
    return "?"


class FolderDoor:
    """Writes under another name first: a file must never be seen half written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    async def send(self, parcel: Parcel) -> str:
        self.drop(parcel.name, parcel.body)
        return ""

    def drop(self, name: str, body: bytes) -> None:
        partial = self._folder / f"{name}.part"
        partial.write_bytes(body)
        os.replace(partial, self._folder / name)

    async def close(self) -> None:
        """Nothing is held open."""


class HttpDoor:
    """The vendor portal and the scanners at the dock: bearer token, idempotency key."""

    def __init__(self, port: int, path: str, token: str) -> None:
        self._url = f"http://127.0.0.1:{port}{path}"
        self._token = token
        self._session: aiohttp.ClientSession | None = None

    async def send(self, parcel: Parcel) -> str:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_PATIENCE))
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json", **dict(parcel.headers)}
        try:
            async with self._session.post(self._url, data=parcel.body, headers=headers) as response:
                return str(response.status)
        except (aiohttp.ClientError, TimeoutError):
            return NO_ANSWER

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


async def close_all(doors: Mapping[str, Door]) -> None:
    for door in doors.values():
        await door.close()
