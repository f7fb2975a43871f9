"""How fast operators find messages among very many: builds a store, then prints the time of each search.

    python -m tests.bench.bench_search [--messages 1000000] [--body-bytes 300] [--keep FILE]

Each message has a natural id and a business key; one in a thousand is HELD. Times are of warm searches, the median and
the slowest of 50 with different values. Then 20 % are pruned and the longest wait of a writer meanwhile is printed.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from engine.core.clock import SystemClock, from_micros, to_micros
from engine.core.ids import first_id_at, id_text
from engine.ports.connector import Reason
from engine.ports.journal import NewMessage, Outcome, Query
from engine.ports.states import MessageState
from engine.store.checksum import checksum
from engine.store.open import Store, open_store

CHANNELS = [f"channel_{number:02}" for number in range(20)]
START = datetime.now(UTC).replace(microsecond=0) - timedelta(days=90)
HOLD = Reason("D004", "the crosswalk has no entry for an item")
BATCH = 1000


def spread(number: int, total: int) -> tuple[int, int]:
    """Id and time of a message: evenly over 80 days."""
    at = START + timedelta(days=80) * (number / total)
    return first_id_at(at) + number % 32_768, to_micros(at)


def stored(answer: Any) -> None:
    if isinstance(answer, Exception):
        raise answer


async def build(store: Store, total: int, size: int) -> None:
    loop = asyncio.get_running_loop()
    waiting: list[asyncio.Future[Any]] = []
    for start in range(0, total, BATCH):
        outcomes = []
        for number in range(start, min(start + BATCH, total)):
            message_id, micros = spread(number, total)
            body = b"%012d" % number * (size // 12)
            channel = CHANNELS[number % 20]
            store.journal.append(
                NewMessage(
                    *(message_id, channel, 1, body, checksum(body), micros, id_text(message_id)),
                    *(f"MSG{number:09}", "", "ORM^O01"),
                ),
                stored,
            )
            held = number % 1000 == 7
            state, reason = (MessageState.HELD, HOLD) if held else (MessageState.TRANSFORMED, None)
            outcomes.append(Outcome(message_id, state, reason, keys=[("order", f"PO-{number * 7919 % total:08}")]))
        future: asyncio.Future[Any] = loop.create_future()
        store.journal.finish(outcomes, future.set_result)
        waiting.append(future)
        if len(waiting) > 3:
            await waiting.pop(0)
    await store.journal.flush()


async def timed(store: Store, name: str, make: Callable[[int], Query]) -> None:
    times, found = [], 0
    for number in range(50):
        query = make(number)
        began = time.perf_counter()
        found = max(found, len(await store.journal.search(query)))
        times.append((time.perf_counter() - began) * 1000)
    print(
        f"  {name:42} median {statistics.median(times):7.2f} ms   slowest {max(times):7.2f} ms   {found} found",
        flush=True,
    )


async def searches(store: Store, total: int) -> None:
    def some(number: int) -> int:
        return number * 104_729 % total

    end = START + timedelta(days=81)
    await timed(store, "business key, equal", lambda n: Query(key=("order", f"PO-{some(n):08}", False)))
    await timed(store, "business key, prefix of 100", lambda n: Query(key=("order", f"PO-{some(n):08}"[:-2], True)))
    await timed(store, "business key, prefix of 10,000", lambda n: Query(key=("order", f"PO-{some(n):08}"[:-4], True)))
    await timed(store, "any key or natural id, equal", lambda n: Query(key=(None, f"MSG{some(n):09}", False)))
    await timed(store, "any key or natural id, prefix", lambda n: Query(key=(None, f"MSG{some(n):09}"[:-2], True)))
    await timed(store, "newest", lambda n: Query())
    await timed(store, "newest of a channel", lambda n: Query(channel=CHANNELS[n % 20]))
    await timed(store, "held", lambda n: Query(states=[MessageState.HELD]))
    await timed(store, "held of a channel", lambda n: Query(states=[MessageState.HELD], channel=CHANNELS[7]))
    await timed(store, "queued, of which there are none", lambda n: Query(states=[MessageState.QUEUED]))
    await timed(store, "a day of a channel", lambda n: Query(channel=CHANNELS[n % 20], until=end - timedelta(days=n)))
    began = time.perf_counter()
    rows = await store.journal.counts()
    taken, counted = (time.perf_counter() - began) * 1000, sum(row.count for row in rows)
    print(f"  {'counts':42} once   {taken:7.2f} ms   {counted:,} messages")


async def prune(store: Store, path: Path, total: int) -> None:
    """While others write: how long does the slowest of them wait."""
    before = path.stat().st_size
    began = time.perf_counter()
    pruning = asyncio.create_task(store.journal.prune(from_micros(spread(total // 5, total)[1])))
    longest, number = 0.0, 0
    while not pruning.done():
        started = time.perf_counter()
        await store.audit.record("bench", "write", "beside prune")
        longest, number = max(longest, time.perf_counter() - started), number + 1
    dropped, seconds = await pruning, time.perf_counter() - began
    await store.close()
    size = path.stat().st_size
    print(f"  pruned {dropped:,} in {seconds:.1f} s ({dropped / seconds:,.0f}/s); {number} writes beside it,")
    print(f"  longest {longest * 1000:.0f} ms; file {before / 1e6:,.0f} -> {size / 1e6:,.0f} MB")


async def run(path: Path, total: int, size: int) -> None:
    store = await open_store(f"sqlite:///{path}", SystemClock())
    if not path.stat().st_size > total * size:
        began = time.perf_counter()
        await build(store, total, size)
        seconds = time.perf_counter() - began
        print(f"built {total:,} messages in {seconds:.1f} s ({total / seconds:,.0f}/s)", flush=True)
    await searches(store, total)
    await prune(store, path, total)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--body-bytes", type=int, default=300)
    parser.add_argument("--keep", type=Path, help="build here and leave it")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = given.keep or Path(folder) / "journal.db"
        asyncio.run(run(path, given.messages, given.body_bytes))
    print(f"on {os.cpu_count()} cores, {datetime.now(UTC):%Y-%m-%d}")


if __name__ == "__main__":
    main()
