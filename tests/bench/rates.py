"""What the benchmarks of doors share: a source that runs beside its peer, and lines that name the bare speed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from engine.connectors.catalog import CATALOG
from engine.ports.connector import Outbound
from tests.support.connector_doubles import Door, Secrets, context

TOKEN = "a-token-for-the-bench"
ONE_MESSAGE = 1_100


@asynccontextmanager
async def source(kind: str, root: Path, settings: Mapping[str, Any], form: str = "bytes") -> AsyncIterator[Door]:
    """The source under way; what it takes in is in the door."""
    entry, door = CATALOG.sources[kind], Door()
    made = entry.build(
        entry.load().model_validate(settings), context(root, secrets=Secrets({"env:TOKEN": TOKEN}), format=form)
    )
    running = asyncio.create_task(made.run(door))  # type: ignore[union-attr]
    try:
        yield door
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


def destination(kind: str, root: Path, settings: Mapping[str, Any]) -> Any:
    entry = CATALOG.destinations[kind]
    return entry.build(entry.load().model_validate(settings), context(root))


def outbound(number: int, body: bytes) -> Outbound:
    return Outbound(number, number, "bench", "far", f"k{number}", body, natural_key=f"n{number}")


async def timed(count: int, parallel: int, one: Callable[[int], Awaitable[object]]) -> float:
    """A second's worth: how many of `one(number)` end in a second, `parallel` of them under way."""
    numbers = iter(range(count))

    async def some() -> None:
        for number in numbers:
            await one(number)

    started = time.perf_counter()
    await asyncio.gather(*(some() for _ in range(parallel)))
    return count / (time.perf_counter() - started)


async def until(door: Door, count: int) -> None:
    while len(door.stored) < count:
        await asyncio.sleep(0.002)


def line(name: str, rate: float, bare: float = 0.0) -> float:
    """Prints a rate, and its share of the bare one."""
    share = f"   {rate / bare:7.1%} of the bare speed" if bare else ""
    print(f"  {name:<52}{rate:9.0f}/s{share}")
    return rate
