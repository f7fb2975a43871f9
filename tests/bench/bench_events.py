"""What events, windows and webhooks cost on this machine, each beside the bare work that is in it.

The feed: documents written to a journal with nobody reading, and with a reader; the second has one small row more each.
Events: from the journal to messages, beside building the same JSON bare. Windows: summed and told, beside summing
decimals bare. Signing: beside bare HMAC. Run: python tests/bench/bench_events.py
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import msgspec

from engine.canonical import Consumption, ConsumptionLine, Money, Quantity
from engine.connectors.events.settings import EventsSourceSettings
from engine.connectors.events.source import EventsSource
from engine.connectors.webhook.signing import key_of, signed_headers
from engine.connectors.window.settings import WindowSourceSettings
from engine.connectors.window.source import WindowSource
from engine.core.clock import SystemClock
from engine.ports.journal import NewDocument
from engine.store.open import Store, open_store
from tests.support.connector_doubles import Clock, Door, context
from tests.support.stores import Driver

DOCUMENTS, LINES = 4000, 2
SETTINGS = {"channels": ["orders"], "kind": "Consumption", "every": "1h", "wait": "0s"}


def document(number: int) -> NewDocument:
    lines = tuple(
        ConsumptionLine(
            number=line,
            quantity=Quantity(amount=Decimal("1.5")),
            item_number=f"M{(number + line) % 50:05}",
            extended=Money(amount=Decimal("12.40")),
            cost_center="6100",
        )
        for line in range(1, LINES + 1)
    )
    made = Consumption(consumption_number=f"C-{number}", used_at=SystemClock().now(), lines=lines)
    return NewDocument(0, made.model_dump_json().encode(), "Consumption", made.natural_key)


async def written(store: Store, documents: list[NewDocument]) -> float:
    """Seconds until all are in the journal."""
    drive = Driver(store)
    started = time.perf_counter()
    messages = [drive.message() for _ in documents]
    await asyncio.gather(*(drive.submit(one) for one in messages))
    outcomes = [
        drive.outcome(one.message_id, "inventory", document=made) for one, made in zip(messages, documents, strict=True)
    ]
    await asyncio.gather(*(drive.finishing(*outcomes[at : at + 64]) for at in range(0, len(outcomes), 64)))
    return time.perf_counter() - started


def rate(name: str, count: int, seconds: float) -> float:
    print(f"  {name:44} {count / seconds:10.0f} a second")
    return count / seconds


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


async def feeds(folder: Path, documents: list[NewDocument]) -> None:
    async def store(name: str) -> Store:
        return await open_store(f"sqlite:///{folder}/{name}.db", SystemClock(), exclusive=True)

    unread, read = await store("unread"), await store("read")
    clock = Clock(SystemClock().now())
    services = {"feed": read.feed}
    events = EventsSource(EventsSourceSettings(), context(folder, channel="e", services=services, clock=clock))
    settings = WindowSourceSettings.model_validate(
        SETTINGS | {"group_by": ["cost_center", "item_number"], "sum": ["quantity", "extended"]}
    )
    window = WindowSource(settings, context(folder, channel="w", services=services, clock=clock))
    door, sums = Door(), Door()
    await events.look(door)
    await window.look(sums)
    await written(unread, documents[:200])
    print(f"{DOCUMENTS} documents of {LINES} lines")
    bare = rate("written, nobody reads", DOCUMENTS, await written(unread, documents))
    ours = rate("written, and fed to readers", DOCUMENTS, await written(read, documents))
    print(f"  ratio {ours / bare:.2f}")
    await tell(events, door, documents)
    await add_up(window, sums, clock, documents)
    await unread.close()
    await read.close()


async def tell(events: EventsSource, door: Door, documents: list[NewDocument]) -> None:
    started = time.perf_counter()
    await events.look(door)
    took = time.perf_counter() - started
    assert len(door.accepted) == DOCUMENTS
    bodies = [msgspec.json.decode(one.body) for one in door.accepted]
    bare = rate("events' JSON bare, by msgspec", DOCUMENTS, timed(lambda: [msgspec.json.encode(one) for one in bodies]))
    ours = rate("events read, made, taken in", DOCUMENTS, took)
    print(f"  ratio {ours / bare:.3f}")


async def add_up(window: WindowSource, door: Door, clock: Clock, documents: list[NewDocument]) -> None:
    clock.advance(timedelta(hours=2))
    started = time.perf_counter()
    await window.look(door)
    took = time.perf_counter() - started
    told = [json.loads(one.body) for one in door.accepted]
    assert sum(one["count"] for one in told) == DOCUMENTS * LINES

    def bare() -> None:
        totals: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for one in documents:
            for line in json.loads(one.body)["lines"]:
                totals[line["cost_center"], line["item_number"]] += Decimal(line["extended"]["amount"])

    plain = rate("documents summed bare, by json and Decimal", DOCUMENTS, timed(bare))
    ours = rate(f"documents summed and told ({len(told)} messages)", DOCUMENTS, took)
    print(f"  ratio {ours / plain:.3f}")


def signing() -> None:
    secret, body = "whsec_" + base64.b64encode(b"k" * 32).decode(), b"x" * 700
    key, many = key_of(secret, "bench"), 20_000
    print("webhooks of 700 bytes")
    bare = rate("HMAC-SHA256 bare", many, timed(lambda: [hmac.digest(key, body, hashlib.sha256) for _ in range(many)]))
    ours = rate("signed", many, timed(lambda: [signed_headers([key], "id", 1, body) for _ in range(many)]))
    print(f"  ratio {ours / bare:.2f}")


def main() -> None:
    documents = [document(number) for number in range(DOCUMENTS)]
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(feeds(Path(folder), documents))
    signing()


if __name__ == "__main__":
    main()
