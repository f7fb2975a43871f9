"""Senders who give a byte now and then to keep a connection (slowloris, R-U-Dead-Yet): ended in bounded time.

The time runs from the connection, or from the request, not from the last byte. Source: CWE-400, CWE-770.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.security.test_before_the_body import LISTENERS, TOKEN, running

QUICK = {"idle_timeout": "200ms", "body_timeout": "200ms"}
MOST_SECONDS = 20.0  # a hundred times what is allowed: one that lets itself be kept fails


async def dripped(port: int, head: bytes, drop: bytes) -> float:
    """Seconds until the listener ends a connection that gives `drop` every 40 ms."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    loop = asyncio.get_running_loop()
    begun, ended = loop.time(), asyncio.ensure_future(reader.read())
    try:
        writer.write(head)
        while not ended.done() and loop.time() - begun < MOST_SECONDS:
            await asyncio.wait([ended], timeout=0.04)
            writer.write(drop)
        return loop.time() - begun
    finally:
        ended.cancel()
        await asyncio.gather(ended, return_exceptions=True)
        writer.close()


@pytest.mark.parametrize("listener", LISTENERS)
async def test_headers_that_never_end_are_not_waited_for(listener: str, tmp_path: Path) -> None:
    kind, path, settings = LISTENERS[listener]
    async with running(kind, settings | QUICK, tmp_path) as (port, journal):
        seconds = await dripped(port, f"POST {path} HTTP/1.1\r\nHost: x\r\nX-Slow: ".encode(), b"a")

    assert seconds < MOST_SECONDS
    assert journal.asked == 0


@pytest.mark.parametrize("listener", LISTENERS)
async def test_a_body_that_drips_is_not_waited_for(listener: str, tmp_path: Path) -> None:
    kind, path, settings = LISTENERS[listener]
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 100000\r\n"
    async with running(kind, settings | QUICK, tmp_path) as (port, journal):
        seconds = await dripped(port, (head + "Content-Type: application/json\r\n\r\n").encode(), b"a")

    assert seconds < MOST_SECONDS
    assert journal.asked == 0
