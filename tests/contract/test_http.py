"""The connector contract of `http`, with aiohttp's own client and server as far sides."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
from aiohttp import web

from engine.ports.connector import ConnectorContext
from tests.support.connector_contract import (
    LIMIT,
    Answer,
    DestinationHarness,
    SourceHarness,
    connect_when_up,
    destination_contract,
    source_contract,
)
from tests.support.connector_doubles import Secrets, context

TOKEN = "a-token-for-tests"


class Client:
    """One kept-alive connection."""

    def __init__(self, port: int) -> None:
        self.port, self.session = port, aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1))

    async def send(self, body: bytes) -> Answer:
        key, text = body.split(b"|", 1)
        headers = {"Authorization": f"Bearer {TOKEN}", "Idempotency-Key": key.decode()}
        try:
            url = f"http://127.0.0.1:{self.port}/in"
            async with self.session.post(url, data=text, headers=headers) as response:
                await response.read()
                return {202: Answer.ACCEPTED, 200: Answer.ACCEPTED, 503: Answer.AGAIN}.get(
                    response.status, Answer.REFUSED
                )
        except aiohttp.ClientError:
            return Answer.SILENT

    async def close(self) -> None:
        await self.session.close()


class HttpSourceHarness(SourceHarness):
    type = "http"

    def settings(self) -> dict[str, Any]:
        return {
            "listen": f"127.0.0.1:{self.port}",
            "path": "/in",
            "token": "env:TOKEN",
            "max_body": f"{LIMIT}B",
            "body_timeout": "1s",
        }

    def context(self) -> ConnectorContext:
        return context(self.folder, secrets=Secrets({"env:TOKEN": TOKEN}), format="bytes")

    async def connect(self) -> Client:
        _, writer = await connect_when_up(self.port)
        writer.close()
        await writer.wait_closed()
        return Client(self.port)

    def message(self, key: str, text: str = "text", size: int = 0) -> bytes:
        return f"{key}|{text}".encode().ljust(size, b".")

    async def break_protocol(self) -> None:
        reader, writer = await connect_when_up(self.port)
        writer.write(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
        while await reader.read(4096):
            pass
        writer.close()


class HttpDestinationHarness(DestinationHarness):
    """A far side that takes Idempotency-Key."""

    type = "http"

    def settings(self) -> dict[str, Any]:
        return {"url": f"http://127.0.0.1:{self.port}/in", "idempotent": True, "timeout": "2s"}

    async def start(self) -> None:
        self.taken: dict[str, bytes] = {}
        self.status, self.answering = 201, asyncio.Event()
        self.answering.set()
        server = web.Server(self.answer, handler_cancellation=True, access_log=None)
        self.server = await asyncio.get_running_loop().create_server(server, "127.0.0.1", self.port)
        self.handlers = server

    async def answer(self, request: web.BaseRequest) -> web.Response:
        body = await request.read()
        await self.answering.wait()
        if self.status < 300:
            self.taken.setdefault(request.headers["Idempotency-Key"], body)
        return web.Response(status=self.status, body=body)

    async def stop(self) -> None:
        if hasattr(self, "server"):
            self.server.close()
            await self.handlers.shutdown(0.05)

    def refuse(self) -> None:
        self.status = 422

    def hang(self) -> None:
        self.answering.clear()

    def effects(self) -> list[bytes]:
        return list(self.taken.values())


TestHttpSourceContract = source_contract(HttpSourceHarness)
TestHttpDestinationContract = destination_contract(HttpDestinationHarness)
