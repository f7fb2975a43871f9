"""Who is not known is turned away after the headers: of a body of 100 MB next to nothing is read.

What the listener took is what the sender could put into its socket before the answer, so small buffers are asked for
on both sides. Also here: a body that says it is compressed is refused before it is read.
"""

from __future__ import annotations

import asyncio
import base64
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from engine.connectors.catalog import CATALOG
from engine.core.loopback import free_port
from tests.support.as2 import key_pem, partner, write
from tests.support.connector_doubles import Door, Secrets, context
from tests.support.connector_harness import connect_when_up
from tests.support.memory import MIB, PeakMemory
from tests.support.soap_site import write_site

TOKEN = "a-token-for-tests"
SIZE = 100 * MIB
MOST = 64 * 1024  # bytes
SIGNED = {"token": None, "signature": {"secrets": ["env:HOOK"]}}
AS2 = {"as2_id": "US", "certificate": "us.pem", "key": "env:US"}
LISTENERS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "http": ("http", "/in", {"path": "/in"}),
    "webhook in": ("http", "/in", {"path": "/in"} | SIGNED),
    "fhir": ("fhir", "/fhir/Patient", {}),
    "fhir bundle": ("fhir", "/fhir", {}),
    "soap": ("soap", "/notes", {"path": "/notes", "wsdl": "wsdl/notes.wsdl"}),
    "as2": ("as2", "/as2", AS2 | {"partners": [{"as2_id": "THEM", "certificates": ["us.pem"]}]}),
}


@asynccontextmanager
async def running(kind: str, settings: dict[str, Any], folder: Path) -> AsyncIterator[tuple[int, Door]]:
    write_site(folder)
    write(folder, "us", partner("us"))
    secrets = {"env:TOKEN": TOKEN, "env:US": key_pem(partner("us")), "env:HOOK": "whsec_" + "QUJD" * 11}
    entry, port, journal = CATALOG.sources[kind], free_port(), Door()
    given = {"listen": f"127.0.0.1:{port}", "token": "env:TOKEN", "max_body": "200MB"} | settings
    given = {name: value for name, value in given.items() if value is not None}
    around = context(folder, secrets=Secrets(secrets), format="xml" if kind == "soap" else "bytes")
    task = asyncio.ensure_future(entry.build(entry.load().model_validate(given), around).run(journal))
    try:
        _, writer = await connect_when_up(port)
        writer.close()
        yield port, journal
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _head(path: str, headers: dict[str, str]) -> bytes:
    usual = {"Host": "engine.example", "Content-Type": "application/json"} | headers
    return "\r\n".join([f"POST {path} HTTP/1.1", *(f"{a}: {b}" for a, b in usual.items()), "", ""]).encode()


async def pushed(port: int, head: bytes, *, chunked: bool = False) -> tuple[int, bytes]:
    """Bytes of the body that left before the answer came or the connection ended, and the answer's first line."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    sock.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(sock, ("127.0.0.1", port))
    await loop.sock_sendall(sock, head)
    answer = asyncio.ensure_future(_answer(loop, sock))
    piece, sent = (b"1000\r\n" + b"x" * 4096 + b"\r\n") if chunked else b"x" * 4096, 0
    try:
        while not answer.done() and sent < SIZE:
            sending = asyncio.ensure_future(loop.sock_sendall(sock, piece))
            await asyncio.wait([sending, answer], return_when=asyncio.FIRST_COMPLETED)
            sent += len(piece) if sending.done() and not sending.exception() else 0
            if not sending.done():
                sending.cancel()
            elif sending.exception():
                break
        async with asyncio.timeout(30):
            return sent, await answer
    finally:
        answer.cancel()
        sock.close()


async def _answer(loop: asyncio.AbstractEventLoop, sock: socket.socket) -> bytes:
    try:
        return (await loop.sock_recv(sock, 4096)).partition(b"\r\n")[0]
    except OSError:
        return b""


STRANGERS = {
    "nobody": {},
    "wrong token": {"Authorization": "Bearer another"},
    "empty token": {"Authorization": "Bearer "},
    "other scheme": {"Authorization": "Basic " + base64.b64encode(f"x:{TOKEN}".encode()).decode()},
    "token in another header": {"X-Token": TOKEN},
}


@pytest.mark.parametrize("listener", [name for name in LISTENERS if name != "as2"])
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
async def test_a_stranger_is_turned_away_after_the_headers(listener: str, chunked: bool, tmp_path: Path) -> None:
    kind, path, settings = LISTENERS[listener]
    size = {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(SIZE)}
    async with running(kind, settings, tmp_path) as (port, journal):
        for name, headers in STRANGERS.items():
            with PeakMemory() as peak:
                read, line = await pushed(port, _head(path, headers | size), chunked=chunked)
            assert b" 401 " in line, name
            assert read <= MOST + 4096 * 16, (name, read)  # what the sockets hold between the two
            assert peak.grown < 10 * MIB

    assert journal.asked == 0


async def test_as2_asks_for_a_token_before_the_body_where_it_has_one(tmp_path: Path) -> None:
    kind, path, settings = LISTENERS["as2"]
    async with running(kind, settings, tmp_path) as (port, journal):
        head = {"AS2-From": "THEM", "AS2-To": "US", "Message-ID": "<1@x>", "Content-Length": str(SIZE)}
        read, line = await pushed(port, _head(path, head))

    assert b" 401 " in line
    assert read <= MOST + 4096 * 16
    assert journal.asked == 0


async def test_as2_with_a_body_over_its_size_is_refused_unread(tmp_path: Path) -> None:
    kind, path, settings = LISTENERS["as2"]
    async with running(kind, settings | {"token": None, "max_body": "64MB"}, tmp_path) as (port, journal):
        head = {"AS2-From": "THEM", "AS2-To": "US", "Message-ID": "<1@x>", "Content-Length": str(SIZE)}
        read, line = await pushed(port, _head(path, head))

    assert b" 413 " in line
    assert read <= MOST + 4096 * 16
    assert journal.asked == 0


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "x-gzip", "identity, gzip", "GZIP", "compress"])
@pytest.mark.parametrize("listener", LISTENERS)
async def test_a_compressed_body_is_refused_unread(listener: str, coding: str, tmp_path: Path) -> None:
    kind, path, settings = LISTENERS[listener]
    async with running(kind, settings, tmp_path) as (port, journal):
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Encoding": coding, "Content-Length": str(SIZE)}
        read, line = await pushed(port, _head(path, headers))

    assert b" 415 " in line or b" 401 " in line  # of a signed webhook the timestamp comes first
    assert read <= MOST + 4096 * 16
    assert journal.asked == 0
