"""The connector contract of `fhir`, with aiohttp's own client and server as far sides."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import aiohttp
from aiohttp import web

from engine.connectors.catalog import CATALOG
from engine.ports.connector import ConnectorContext, Outbound
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
    """One kept-alive connection that creates SupplyRequests."""

    def __init__(self, port: int) -> None:
        self.port, self.session = port, aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1))

    async def send(self, body: bytes) -> Answer:
        key, text = body.split(b"|", 1)
        headers = {
            "Authorization": f"Bearer {TOKEN}",
            "Content-Type": "application/fhir+json",
            "If-None-Exist": f"identifier=urn:x|{key.decode()}",
        }
        try:
            url = f"http://127.0.0.1:{self.port}/fhir/SupplyRequest"
            async with self.session.post(url, data=text, headers=headers) as response:
                await response.read()
                return {201: Answer.ACCEPTED, 200: Answer.ACCEPTED, 503: Answer.AGAIN}.get(
                    response.status, Answer.REFUSED
                )
        except aiohttp.ClientError:
            return Answer.SILENT

    async def close(self) -> None:
        await self.session.close()


class FhirSourceHarness(SourceHarness):
    type = "fhir"

    def settings(self) -> dict[str, Any]:
        return {
            "listen": f"127.0.0.1:{self.port}",
            "token": "env:TOKEN",
            "max_body": f"{LIMIT}B",
            "body_timeout": "1s",
        }

    def context(self) -> ConnectorContext:
        return context(self.folder, secrets=Secrets({"env:TOKEN": TOKEN}), format="json")

    async def connect(self) -> Client:
        _, writer = await connect_when_up(self.port)
        writer.close()
        await writer.wait_closed()
        return Client(self.port)

    def message(self, key: str, text: str = "text", size: int = 0) -> bytes:
        resource = {"resourceType": "SupplyRequest", "text": {"div": text + "." * size}}
        return f"{key}|{json.dumps(resource)}".encode()

    async def break_protocol(self) -> None:
        reader, writer = await connect_when_up(self.port)
        writer.write(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
        while await reader.read(4096):
            pass
        writer.close()


class FhirDestinationHarness(DestinationHarness):
    """A server that keeps resources by identifier and takes conditional creates."""

    type = "fhir"

    def settings(self) -> dict[str, Any]:
        return {"url": f"http://127.0.0.1:{self.port}/fhir", "timeout": "2s"}

    async def start(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.status, self.answering = 201, asyncio.Event()
        self.answering.set()
        server = web.Server(self.answer, handler_cancellation=True, access_log=None)
        self.server = await asyncio.get_running_loop().create_server(server, "127.0.0.1", self.port)
        self.handlers = server

    async def answer(self, request: web.BaseRequest) -> web.Response:
        if request.method == "GET":
            return web.json_response({"resourceType": "CapabilityStatement"})
        body = await request.read()
        await self.answering.wait()
        if self.status >= 300:
            return web.Response(status=self.status, body=body)
        [token] = parse_qs(request.headers["If-None-Exist"])["identifier"]
        identifier = json.loads(body)["identifier"][0]
        assert token == f"{identifier['system']}|{identifier['value']}"
        status = 200 if token in self.kept else 201
        self.kept.setdefault(token, body)
        return web.Response(status=status, headers={"Location": f"/fhir/SupplyRequest/{len(self.kept)}/_history/1"})

    async def stop(self) -> None:
        if hasattr(self, "server"):
            self.server.close()
            await self.handlers.shutdown(0.05)

    def refuse(self) -> None:
        self.status = 422

    def hang(self) -> None:
        self.answering.clear()

    def effects(self) -> list[bytes]:
        return list(self.kept.values())

    def outbound(self, key: str = "key-1", body: bytes = b'{"resourceType":"SupplyRequest"}') -> Outbound:
        return super().outbound(key, body)


TestFhirSourceContract = source_contract(FhirSourceHarness)
TestFhirDestinationContract = destination_contract(FhirDestinationHarness)


async def test_our_client_and_our_server_act_once_on_what_is_sent_twice(tmp_path: Path) -> None:
    source, destination = FhirSourceHarness(tmp_path), CATALOG.destinations["fhir"]
    entry = CATALOG.sources["fhir"]
    running = entry.build(entry.load().model_validate(source.settings()), source.context())
    task = asyncio.ensure_future(running.run(source.door))
    await (await source.connect()).close()
    settings = {"url": f"http://127.0.0.1:{source.port}/fhir", "bearer": "env:TOKEN"}
    client = destination.build(destination.load().model_validate(settings), source.context())
    body = b'{"resourceType":"SupplyRequest","quantity":{"value":1.50}}'
    outbound = Outbound(1, 1, "under_test", "correlation-1", "key-1", body)
    told = [await client.send(outbound) for _ in range(2)]
    await client.close()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    [kept] = source.door.accepted
    assert told[0].reference == told[1].reference
    assert b'"value":1.50' in kept.body
