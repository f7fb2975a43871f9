"""A scrape of a running engine: what events counted stands beside the figures of the status."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from engine.core.loopback import free_port
from tests.support.engine_process import EngineProcess, write_site

pytestmark = pytest.mark.process

CHANNEL = """
channel: notes
version: 1
title: Notes go to a far side that is not there
source: {{type: file, folder: in, format: json, poll: 100ms, stable_for: 0s}}
transform: check
destinations:
  - {{name: away, type: http, url: "http://127.0.0.1:{port}/in", retry: {{first: 50ms, longest: 100ms}}}}
"""
CHECK = "def transform(message):\n    int(message.get('n'))\n    return message\n"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[EngineProcess]:
    process = EngineProcess(write_site(tmp_path, {"notes": CHANNEL.format(port=free_port())}, {"check": CHECK}))
    process.start()
    try:
        yield process
    finally:
        process.stop()


async def scrape(process: EngineProcess) -> str:
    connector = aiohttp.UnixConnector(process.facts["control"])
    async with (
        aiohttp.ClientSession("http://engine", connector=connector) as session,
        session.get("/metrics") as answer,
    ):
        assert answer.status == 200
        return await answer.text()


async def scraped(process: EngineProcess, *wanted: str) -> str:
    """The first scrape that has all of `wanted`, or the last one."""
    text = ""
    for _ in range(300):
        text = await scrape(process)
        if all(re.search(one, text, re.MULTILINE) for one in wanted):
            break
        await asyncio.sleep(0.1)
    return text


async def test_scrape_shows_states_latency_retries_held_and_errors(engine: EngineProcess) -> None:
    folder = engine.site / "in"
    (folder / "good.json").write_text('{"n": "2"}')
    (folder / "held.json").write_text('{"n": "no number"}')
    (folder / "refused.json").write_text("")
    wanted = [
        r'^isthmus_channel_messages\{channel="notes",state="HELD"\} 1$',
        r'^isthmus_acknowledgement_seconds_count\{channel="notes"\} 3$',
        r'^isthmus_acknowledgement_seconds_bucket\{channel="notes",le="\+Inf"\} 3$',
        r'^isthmus_messages_refused_total\{channel="notes",code="M\d+"\} 1$',
        r'^isthmus_messages_held_total\{channel="notes",code="S\d+"\} 1$',
        r'^isthmus_delivery_retries_total\{channel="notes",destination="away",code="\w+"\} [1-9]',
        r'^isthmus_destination_errors\{channel="notes",destination="away"\} [1-9]',
        r"^process_resident_memory_bytes \d+$",
    ]
    text = await scraped(engine, *wanted)

    assert [one for one in wanted if not re.search(one, text, re.MULTILINE)] == []
