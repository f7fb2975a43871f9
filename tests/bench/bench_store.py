"""How fast the store takes messages: append, finish and settle in batches, durable (flushed) or not.

    python -m tests.bench.bench_store [--url sqlite:////tmp/bench/journal.db] [--batches 1,8,32,256]

Prints operations a second and the processor time of each, whole process. 1.2 kB bodies, natural ids checked, one
document and one delivery a message. Without --url an SQLite file in a temporary folder is used.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from engine.core.clock import SystemClock
from engine.core.ids import IdSource, id_text
from engine.ports.journal import NewDelivery, NewDocument, NewMessage, Outcome, Settlement
from engine.ports.states import DeliveryState, MessageState
from engine.store.checksum import checksum
from engine.store.open import Store, open_store

BODY = os.urandom(1200)
NOW = time.time_ns() // 1000
Submit = Callable[[Sequence[Any], Callable[[Any], None]], None]


def messages(count: int, ids: IdSource, tag: str) -> list[NewMessage]:
    digest, made = checksum(BODY), []
    for number in range(count):
        one = ids.next()
        natural_id = f"{tag}{number:09}"
        made.append(NewMessage(one, "bench", 1, BODY, digest, NOW, id_text(one), natural_id, "", "ADT^A01"))
    return made


def outcome(message: NewMessage) -> Outcome:
    delivery = NewDelivery(message.message_id, "mllp", 0, f"bench/{message.natural_id}")
    return Outcome(message.message_id, MessageState.QUEUED, None, [NewDocument(0, BODY)], [delivery])


def settled(message: NewMessage) -> Settlement:
    one = message.message_id
    return Settlement(one, one, DeliveryState.DELIVERED, 1, NOW, response=b"MSH|^~\\&|ACK" + b"x" * 70)


def append_all(store: Store) -> Submit:
    def submit(batch: Sequence[NewMessage], done: Callable[[Any], None]) -> None:
        for message in batch[:-1]:
            store.journal.append(message, lambda _: None)
        store.journal.append(batch[-1], done)  # callbacks come in order: the last one tells of all

    return submit


async def measure(name: str, submit: Submit, items: Sequence[Any], size: int) -> None:
    loop = asyncio.get_running_loop()
    began, processor = time.perf_counter(), time.process_time()
    for start in range(0, len(items), size):
        future: asyncio.Future[Any] = loop.create_future()
        submit(items[start : start + size], future.set_result)
        answer = await future
        if isinstance(answer, Exception):
            raise answer
    seconds, used = time.perf_counter() - began, time.process_time() - processor
    each = used / len(items) * 1e6
    print(
        f"  {name:7} in batches of {size:4}: {len(items) / seconds:9,.0f}/s   processor {each:6.1f} µs each", flush=True
    )


async def run(url: str, sizes: Sequence[int], most: int) -> None:
    store = await open_store(url, SystemClock())
    print(url.split("@")[-1])
    for size in sizes:
        new = messages(min(most, size * 300), IdSource(), f"{time.time_ns()}-")
        await measure("append", append_all(store), new, size)
        await measure("finish", store.journal.finish, [outcome(one) for one in new], size)
        await measure("settle", store.journal.settle, [settled(one) for one in new], size)
    await store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url")
    parser.add_argument("--batches", default="1,8,32,256")
    parser.add_argument("--most", type=int, default=40_000, help="messages a line")
    given = parser.parse_args()
    sizes = [int(size) for size in given.batches.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(given.url or f"sqlite:///{Path(folder)}/journal.db", sizes, given.most))


if __name__ == "__main__":
    main()
