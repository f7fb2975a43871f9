"""NATS in and out: ours beside its library's bare speed, in one run against one server.

Run: python tests/bench/bench_brokers.py
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from nats.js.api import StreamConfig

from engine.ports.connector import Outbound
from tests.support.brokers import Nats
from tests.support.connector_doubles import Door
from tests.support.nats_server import nats_server

COUNT, SIZE, TOGETHER = 4000, 1000, 64
BODY = b"x" * SIZE


async def bare_in(stream: str) -> float:
    """A durable pull consumer, batches of 128, each message acknowledged."""
    client = await nats_server().client()
    subscription = await client.jetstream().pull_subscribe(f"{stream}.>", "bare", stream=stream)
    started, taken = time.perf_counter(), 0
    while taken < COUNT:
        for message in await subscription.fetch(128, timeout=5):
            await message.ack()
            taken += 1
    await client.flush()
    seconds = time.perf_counter() - started
    await client.close()
    return seconds


async def our_in(stream: str, root: Path) -> float:
    broker, door = Nats(stream), Door()
    started = time.perf_counter()
    async with broker.reading(door, root):
        while len(door.stored) < COUNT:
            await asyncio.sleep(0.001)
        return time.perf_counter() - started


async def bare_out(stream: str) -> float:
    """Each confirmed, 64 at once."""
    client = await nats_server().client()
    js, gate = client.jetstream(), asyncio.Semaphore(TOGETHER)

    async def one(number: int) -> None:
        async with gate:
            await js.publish(f"{stream}.in", BODY, headers={"Nats-Msg-Id": f"bare-{number}"})

    started = time.perf_counter()
    await asyncio.gather(*map(one, range(COUNT)))
    seconds = time.perf_counter() - started
    await client.close()
    return seconds


async def our_out(stream: str, root: Path) -> float:
    sink, gate = Nats(stream).writing(root, declare=False, subjects=[]), asyncio.Semaphore(TOGETHER)

    async def one(number: int) -> None:
        async with gate:
            await sink.send(Outbound(number, number, "c", "c-1", f"ours-{number}", BODY, order_key="1"))

    await sink.check()
    started = time.perf_counter()
    await asyncio.gather(*map(one, range(COUNT)))
    seconds = time.perf_counter() - started
    await sink.close()
    return seconds


async def main() -> None:
    client = await nats_server().client()
    for stream in ("bare", "ours"):
        config = StreamConfig(name=stream, subjects=[f"{stream}.>"], duplicate_window=60)
        await client.jetstream().add_stream(config)
    await client.close()
    with tempfile.TemporaryDirectory() as folder:
        show("out", await bare_out("bare"), await our_out("ours", Path(folder)))
        show("in", await bare_in("bare"), await our_in("ours", Path(folder)))


def show(way: str, bare: float, ours: float) -> None:
    print(
        f"nats {way:3}: {COUNT} messages of {SIZE} bytes: nats-py {COUNT / bare:6.0f}/s, "
        f"ours {COUNT / ours:6.0f}/s, ratio {bare / ours:.2f}"
    )


if __name__ == "__main__":
    asyncio.run(main())
