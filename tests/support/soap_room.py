"""A SOAP source that runs, and ways to call it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from engine.connectors.soap.settings import SoapSourceSettings
from engine.connectors.soap.source import SoapSource
from engine.core.clock import SystemClock
from engine.core.loopback import free_port
from engine.protocols.soap.envelope import Envelope, read_envelope
from tests.support.connector_doubles import Door, Secrets, context
from tests.support.connector_harness import connect_when_up
from tests.support.soap_site import write_site

TOKEN = "a-token-for-tests"


class Room:
    """`door` of the journal, `url` of the service; `clock` is the engine's."""

    def __init__(self, root: Path, clock: Any = None) -> None:
        self.root, self.door, self.port = root, Door(), free_port()
        self.url = f"http://127.0.0.1:{self.port}/notes"
        secrets = Secrets({"env:TOKEN": TOKEN, "env:PASSWORD": "the password & more"})
        self.context = context(root, secrets=secrets, format="xml", clock=clock or SystemClock())

    def settings(self, **settings: Any) -> SoapSourceSettings:
        usual = {"listen": f"127.0.0.1:{self.port}", "path": "/notes", "wsdl": write_site(self.root)}
        return SoapSourceSettings.model_validate(usual | ({"token": "env:TOKEN"} if not settings else {}) | settings)

    @asynccontextmanager
    async def serving(self, **settings: Any) -> AsyncIterator[Room]:
        source = SoapSource(self.settings(**settings), self.context)
        task = asyncio.ensure_future(source.run(self.door))
        try:
            _, writer = await connect_when_up(self.port)
            writer.close()
            await writer.wait_closed()
            yield self
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def post(self, body: bytes, **headers: str) -> tuple[int, Envelope]:
        status, text = await self.post_raw(body, **headers)
        return status, read_envelope(text)

    async def post_raw(self, body: bytes, **headers: str) -> tuple[int, bytes]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        usual = {"Content-Type": "text/xml", "Authorization": f"Bearer {TOKEN}"}
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.url, data=body, headers=usual | named) as response,
        ):
            return response.status, await response.read()

    async def get(self, query: str) -> tuple[int, bytes]:
        async with aiohttp.ClientSession() as session, session.get(f"{self.url}?{query}") as response:
            return response.status, await response.read()


def texts(envelope: Envelope) -> str:
    """All text of the body: of a fault its codes and words."""
    assert envelope.payload is not None
    return " ".join(text for one in envelope.payload.itertext() if (text := str(one).strip()))
