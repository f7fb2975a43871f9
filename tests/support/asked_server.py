"""An HTTP server on loopback that answers as the test says, and remembers what it was asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit


class Asked(NamedTuple):
    """One request."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


class Answered(NamedTuple):
    """What is said to it."""

    body: bytes = b"[]"
    status: str = "200 OK"
    headers: tuple[str, ...] = ()


class AskedServer:
    """`async with AskedServer(answer) as server`: asks `answer` for each request; one request a connection."""

    def __init__(self, answer: Callable[[Asked], Answered]) -> None:
        self.answer, self.asked = answer, list[Asked]()
        self.port = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self, port: int = 0) -> None:
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._listener.close()
        await self._listener.wait_closed()

    async def __aenter__(self) -> AskedServer:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if line := await reader.readline():
                asked = await self._read(line, reader)
                self.asked.append(asked)
                told = self.answer(asked)
                length = f"Content-Length: {len(told.body)}"
                head = "\r\n".join((f"HTTP/1.1 {told.status}", length, "Connection: close", *told.headers, "", ""))
                writer.write(head.encode() + told.body)
        except OSError:
            pass  # the client went
        finally:
            writer.close()

    async def _read(self, line: bytes, reader: asyncio.StreamReader) -> Asked:
        url, headers = urlsplit(line.split()[1].decode()), dict[str, str]()
        while (header := (await reader.readline()).decode().strip()) != "":
            name, _, text = header.partition(":")
            headers[name.lower()] = text.strip()
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        return Asked(url.path, {name: texts[0] for name, texts in parse_qs(url.query).items()}, headers, body)
