"""HTTP figures of this machine: requests taken in and sent, beside a bare aiohttp handler and a bare client session.

Ours checks the token, the path, the size and the Idempotency-Key, and answers when the message is at the door (in
memory here: the journal has its own benchmark). Client and server share one process in both.
Run: python -m tests.bench.bench_http
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import aiohttp
from aiohttp import web

from engine.core.loopback import free_port
from tests.bench.rates import ONE_MESSAGE, TOKEN, destination, line, outbound, source, timed
from tests.support.connector_contract import connect_when_up

COUNT, PARALLEL = 3_000, 8
BODY = b'{"number": "' + b"7" * (ONE_MESSAGE - 14) + b'"}'


async def bare_server() -> tuple[web.AppRunner, str]:
    async def take(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(status=202, text="ok")

    app, port = web.Application(), free_port()
    app.router.add_post("/in", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    return runner, f"http://127.0.0.1:{port}/in"


async def posted(session: aiohttp.ClientSession, url: str) -> float:
    async def post(number: int) -> None:
        headers = {"Authorization": f"Bearer {TOKEN}", "Idempotency-Key": f"k{number}"}
        async with session.post(url, data=BODY, headers=headers) as response:
            assert response.status == 202, await response.text()
            await response.read()

    return await timed(COUNT, PARALLEL, post)


async def run(root: Path) -> None:
    runner, url = await bare_server()
    async with aiohttp.ClientSession() as session:
        await posted(session, url)
        print(f"{COUNT} requests of {len(BODY)} bytes, {PARALLEL} at once")
        bare = line("aiohttp's client to a bare aiohttp handler", await posted(session, url))
        port = free_port()
        settings = {"listen": f"127.0.0.1:{port}", "path": "/in", "token": "env:TOKEN"}
        async with source("http", root, settings) as door:
            (await connect_when_up(port))[1].close()
            line("the same client to our source", await posted(session, f"http://127.0.0.1:{port}/in"), bare)
            assert len(door.accepted) == COUNT
    far = destination("http", root, {"url": url, "idempotent": True, "parallel": PARALLEL})
    line(
        "our destination to the bare handler", await timed(COUNT, PARALLEL, lambda n: far.send(outbound(n, BODY))), bare
    )
    await far.close()
    await runner.cleanup()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder)))


if __name__ == "__main__":
    main()
