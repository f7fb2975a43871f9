"""Brokers in and out: ours beside each library's bare speed, in one run against one real server each.

Run: python tests/bench/bench_brokers.py [nats rabbitmq redis]

Kafka is not here: no real broker can be had from a package, and its client's mock has no speed to compare.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import aiormq
import redis.asyncio
from nats.js.api import StreamConfig

from engine.ports.connector import Outbound
from tests.support.brokers import Broker, Nats, RabbitMq, Redis
from tests.support.connector_doubles import Door
from tests.support.nats_server import nats_server
from tests.support.rabbitmq_server import rabbitmq_server
from tests.support.redis_server import redis_server

COUNT, SIZE, TOGETHER, BATCH = 4000, 1000, 64, 128
BODY = b"x" * SIZE
CLASSIC: Any = {"x-queue-type": "classic"}
Send = Callable[[int], Awaitable[Any]]


async def all_of(send: Send) -> float:
    """Seconds; each is confirmed, 64 at once."""
    gate = asyncio.Semaphore(TOGETHER)

    async def one(number: int) -> None:
        async with gate:
            await send(number)

    started = time.perf_counter()
    await asyncio.gather(*map(one, range(COUNT)))
    return time.perf_counter() - started


async def our_out(broker: Broker, root: Path, **settings: Any) -> float:
    sink = broker.writing(root, **settings)
    await sink.check()
    seconds = await all_of(lambda n: sink.send(Outbound(n, n, "c", "c-1", f"ours-{n}", BODY, order_key="1")))
    await sink.close()
    return seconds


async def our_in(broker: Broker, root: Path) -> float:
    door, started = Door(), time.perf_counter()
    async with broker.reading(door, root, **broker.patient()):
        while len(door.stored) < COUNT:
            await asyncio.sleep(0.001)
        return time.perf_counter() - started


# ------------------------------------------------------------------ nats-py
async def nats_out(stream: str) -> float:
    client = await nats_server().client()
    js = client.jetstream()
    seconds = await all_of(lambda n: js.publish(f"{stream}.in", BODY, headers={"Nats-Msg-Id": f"bare-{n}"}))
    await client.close()
    return seconds


async def nats_in(stream: str) -> float:
    """A durable pull consumer, each message acknowledged."""
    client = await nats_server().client()
    subscription = await client.jetstream().pull_subscribe(f"{stream}.>", "bare", stream=stream)
    started, taken = time.perf_counter(), 0
    while taken < COUNT:
        for message in await subscription.fetch(BATCH, timeout=5):
            await message.ack()
            taken += 1
    await client.flush()
    seconds = time.perf_counter() - started
    await client.close()
    return seconds


async def nats(root: Path) -> None:
    client = await nats_server().client()
    for stream in ("bare", "ours"):
        config = StreamConfig(name=stream, subjects=[f"{stream}.>"], duplicate_window=60)
        await client.jetstream().add_stream(config)
    await client.close()
    show("nats", "out", await nats_out("bare"), await our_out(Nats("ours"), root, declare=False, subjects=[]))
    show("nats", "in", await nats_in("bare"), await our_in(Nats("ours"), root))


# ------------------------------------------------------------------ aiormq
async def rabbitmq_out(queue: str) -> float:
    """Durable messages, each with the publisher's confirm."""
    connection = await aiormq.connect(f"amqp://127.0.0.1:{rabbitmq_server().port}/")
    channel = await connection.channel()
    await channel.queue_declare(queue, durable=True, arguments=CLASSIC)
    durable = aiormq.spec.Basic.Properties(delivery_mode=2)
    seconds = await all_of(lambda n: channel.basic_publish(BODY, routing_key=queue, properties=durable))
    await connection.close()
    return seconds


async def rabbitmq_in(queue: str) -> float:
    connection = await aiormq.connect(f"amqp://127.0.0.1:{rabbitmq_server().port}/")
    channel, done, taken = await connection.channel(), asyncio.Event(), 0
    await channel.basic_qos(prefetch_count=BATCH)

    async def take(message: Any) -> None:
        nonlocal taken
        await channel.basic_ack(message.delivery.delivery_tag)
        taken += 1
        if taken == COUNT:
            done.set()

    started = time.perf_counter()
    await channel.basic_consume(queue, take)
    await done.wait()
    seconds = time.perf_counter() - started
    await connection.close()
    return seconds


async def rabbitmq(root: Path) -> None:
    show("rabbitmq", "out", await rabbitmq_out("bare"), await our_out(RabbitMq("ours"), root))
    show("rabbitmq", "in", await rabbitmq_in("bare"), await our_in(RabbitMq("ours"), root))


# ------------------------------------------------------------------ redis-py
async def redis_out(stream: str) -> float:
    """The server flushes its log for each command."""
    client = redis.asyncio.Redis(port=redis_server().port)
    seconds = await all_of(lambda n: client.xadd(stream, {"body": BODY}))
    await client.aclose()
    return seconds


async def redis_in(stream: str) -> float:
    client = redis.asyncio.Redis(port=redis_server().port)
    await client.xgroup_create(stream, "group", id="0")
    started, taken = time.perf_counter(), 0
    while taken < COUNT:
        for _, entries in await client.xreadgroup("group", "bare", {stream: ">"}, count=BATCH):
            await client.xack(stream, "group", *(number for number, _ in entries))
            taken += len(entries)
    seconds = time.perf_counter() - started
    await client.aclose()
    return seconds


async def redis_streams(root: Path) -> None:
    show("redis", "out", await redis_out("bare"), await our_out(Redis("ours"), root))
    show("redis", "in", await redis_in("bare"), await our_in(Redis("ours"), root))


LIBRARIES = {"nats": "nats-py", "rabbitmq": "aiormq", "redis": "redis-py"}


def show(broker: str, way: str, bare: float, ours: float) -> None:
    print(
        f"{broker:8} {way:3}: {COUNT} messages of {SIZE} bytes: {LIBRARIES[broker]:8} {COUNT / bare:6.0f}/s, "
        f"ours {COUNT / ours:6.0f}/s, ratio {bare / ours:.2f}",
        flush=True,
    )


async def main() -> None:
    every = {"nats": nats, "rabbitmq": rabbitmq, "redis": redis_streams}
    for name in sys.argv[1:] or every:
        with tempfile.TemporaryDirectory() as folder:
            await every[name](Path(folder))


if __name__ == "__main__":
    asyncio.run(main())
