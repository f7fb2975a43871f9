"""HTTP poll figures of this machine: 10,000 elements in 20 pages, ours beside bare aiohttp, in one run.

The server is in a thread of its own. Ours finds each element's bytes, id, version and cursor, and accepts it; the other
reads and decodes the pages. Run: python tests/bench/bench_poll.py
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import aiohttp

from engine.connectors.poll.settings import HttpPollSettings
from engine.connectors.poll.source import HttpPollSource
from tests.support.asked_server import Answered, Asked, AskedServer
from tests.support.connector_doubles import Door, context

PAGES, ITEMS = 20, 500


def page(number: int) -> bytes:
    items = [
        {"id": f"{number}-{one}", "at": f"2026-03-01T10:{number:02}:{one % 60:02}Z", "status": "in_transit", "n": one}
        for one in range(ITEMS)
    ]
    return json.dumps({"list": items, "next": f"/?page={number + 1}" if number + 1 < PAGES else None}).encode()


_WRITTEN = [page(number) for number in range(PAGES)]


def answer(asked: Asked) -> Answered:
    return Answered(_WRITTEN[int(asked.query.get("page", "0"))])


async def bare(url: str) -> float:
    async with aiohttp.ClientSession() as session:
        started, following = time.perf_counter(), "/"
        while following:
            async with session.get(url + following) as response:
                following = (await response.json(content_type=None))["next"]
        return time.perf_counter() - started


async def ours(url: str, root: Path) -> tuple[float, float]:
    """Seconds of the first look, and of one that finds nothing new."""
    paths = {"items": "/list", "id": "/id", "version": "/at", "next": "/next"}
    cursor = {"parameter": "since", "value": "/at"}
    given = HttpPollSettings.model_validate({"url": f"{url}/", "every": "1m", "cursor": cursor, **paths})
    source, door, took = HttpPollSource(given, context(root)), Door(), []
    for _ in range(2):
        started = time.perf_counter()
        assert await source.look(door), source.problem
        took.append(time.perf_counter() - started)
    await source._asker.close()
    assert len(door.accepted) == PAGES * ITEMS
    return took[0], took[1]


def main() -> None:
    server, loop = AskedServer(answer), asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    asyncio.run_coroutine_threadsafe(server.start(), loop).result()
    print(f"{PAGES * ITEMS} elements in {PAGES} pages")
    alone = asyncio.run(bare(server.url))
    print(f"  aiohttp, read and decoded         {alone:8.3f} s")
    with tempfile.TemporaryDirectory() as root:
        first, again = asyncio.run(ours(server.url, Path(root)))
    print(f"  ours, all of it                   {first:8.3f} s, {first / alone:.2f} of it")
    print(f"  ours, nothing new                 {again:8.3f} s, {again / alone:.2f} of it")


if __name__ == "__main__":
    main()
