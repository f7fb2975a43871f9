"""The connector contract of `soap`: envelopes over aiohttp against the source, a server of ours for the destination."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
from aiohttp import web

from engine.core.errors import MessageError
from engine.ports.connector import ConnectorContext, Outbound
from engine.protocols.soap.envelope import payload_bytes, read_envelope, write_envelope
from engine.protocols.soap.fault import Fault, write_fault
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
from tests.support.soap_site import NS, call, write_site

TOKEN = "a-token-for-tests"


class Caller:
    """One kept-alive connection."""

    def __init__(self, port: int) -> None:
        self.port, self.session = port, aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1))

    async def send(self, body: bytes) -> Answer:
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "text/xml", "SOAPAction": f'"{NS}:LeaveNote"'}
        try:
            url = f"http://127.0.0.1:{self.port}/notes"
            async with self.session.post(url, data=body, headers=headers) as response:
                return self._told(response.status, await response.read())
        except aiohttp.ClientError:
            return Answer.SILENT

    def _told(self, status: int, body: bytes) -> Answer:
        payload = read_envelope(body).payload
        if payload is not None and payload.tag == f"{{{NS}}}LeaveNoteResponse":
            return Answer.ACCEPTED
        return Answer.AGAIN if status == 503 else Answer.REFUSED

    async def close(self) -> None:
        await self.session.close()


class SoapSourceHarness(SourceHarness):
    type = "soap"

    def settings(self) -> dict[str, Any]:
        return {
            "listen": f"127.0.0.1:{self.port}",
            "path": "/notes",
            "wsdl": write_site(self.folder),
            "token": "env:TOKEN",
            "max_body": f"{LIMIT}B",
            "body_timeout": "1s",
        }

    def context(self) -> ConnectorContext:
        return context(self.folder, secrets=Secrets({"env:TOKEN": TOKEN}), format="bytes")

    async def connect(self) -> Caller:
        _, writer = await connect_when_up(self.port)
        writer.close()
        await writer.wait_closed()
        return Caller(self.port)

    def message(self, key: str, text: str = "text", size: int = 0) -> bytes:
        return call(key, text.ljust(size, "."))

    async def break_protocol(self) -> None:
        reader, writer = await connect_when_up(self.port)
        writer.write(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
        while await reader.read(4096):
            pass
        writer.close()


class SoapDestinationHarness(DestinationHarness):
    """A service that acts once on one wsa:MessageID; the call is written by zeep."""

    type = "soap"

    def settings(self) -> dict[str, Any]:
        return {
            "url": f"http://127.0.0.1:{self.port}/notes",
            "wsdl": write_site(self.folder),
            "operation": "LeaveNote",
            "parameters": {"Number": "number", "Text": "text"},
            "idempotent": True,
            "timeout": "2s",
        }

    async def start(self) -> None:
        self.taken: dict[str, bytes] = {}
        self.refusing, self.answering = False, asyncio.Event()
        self.answering.set()
        self.handlers = web.Server(self.answer, handler_cancellation=True, access_log=None)
        self.server = await asyncio.get_running_loop().create_server(self.handlers, "127.0.0.1", self.port)

    async def answer(self, request: web.BaseRequest) -> web.Response:
        body = await request.read()
        await self.answering.wait()
        try:
            envelope = read_envelope(body)
            assert envelope.payload is not None
            assert envelope.payload.tag == f"{{{NS}}}LeaveNote"
        except (MessageError, AssertionError):
            return web.Response(status=500, body=write_fault("1.1", Fault("client", "not a note")))
        if self.refusing:
            words = "".join(map(str, envelope.payload.itertext()))  # a far side that talks too much
            return web.Response(status=500, body=write_fault("1.1", Fault("client", words)))
        self.taken.setdefault(envelope.message_id() or "", payload_bytes(envelope.payload))
        done = f'<LeaveNoteResponse xmlns="{NS}"><Reference>R1</Reference></LeaveNoteResponse>'
        return web.Response(body=write_envelope("1.1", done.encode()), content_type="text/xml")

    async def stop(self) -> None:
        if hasattr(self, "server"):
            self.server.close()
            await self.handlers.shutdown(0.05)

    def refuse(self) -> None:
        self.refusing = True

    def hang(self) -> None:
        self.answering.clear()

    def effects(self) -> list[bytes]:
        return list(self.taken.values())

    def outbound(self, key: str = "key-1", body: bytes = b"body") -> Outbound:
        document = json.dumps({"number": key, "text": body.decode()}).encode()
        return super().outbound(key, document)


class SoapTemplateHarness(SoapDestinationHarness):
    """The same, with the call written from a template."""

    def settings(self) -> dict[str, Any]:
        prepared = f'<n:LeaveNote xmlns:n="{NS}"><n:Number>{{number}}</n:Number><n:Text>{{text}}</n:Text></n:LeaveNote>'
        (self.folder / "note.xml").write_text(prepared)
        return {"url": f"http://127.0.0.1:{self.port}/notes", "template": "note.xml", "idempotent": True,
                "action": f"{NS}:LeaveNote", "timeout": "2s"}  # fmt: skip


TestSoapSourceContract = source_contract(SoapSourceHarness)
TestSoapDestinationContract = destination_contract(SoapDestinationHarness)
TestSoapTemplateContract = destination_contract(SoapTemplateHarness)
