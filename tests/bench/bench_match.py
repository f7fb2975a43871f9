"""Invoice lines matched: through the process into a real store, and by the pure decider alone.

    python -m tests.bench.bench_match [--lines 100000] [--at-once 96] [--url sqlite:////tmp/bench/journal.db]

Orders of 1 to 40 lines, partial receipts, one invoice in ten with a fault (tests/support/purchase_mix.py), by the
shipped policies. Suppliers, items and contracts are there before. Measured twice, each time in a store of its own:
invoices that come to orders and receipts which are there, and all three as they come in a season. Every decision is
flushed to disk before its documents count as taken. `--at-once`: as three channels hand in, 32 each.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from engine.canonical import Document, Invoice
from engine.channel.load import load_policies
from engine.core.clock import SystemClock, to_micros
from engine.core.collector import spare_what_stays
from engine.ports.procure import CaseQuery, Record, Reference
from engine.procure.deciders import decide
from engine.procure.decision import World
from engine.procure.papers import Papers, dossiers_of
from engine.procure.process import Process
from engine.store.open import Store, open_store
from tests.support.purchase_mix import Mix, mix

T = TypeVar("T")
P = ParamSpec("P")
ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)
TOLD = ("orders", "receipts", "inspections", "invoices")
SECONDS = 60  # for 100,000 lines


async def take_all(process: Process, documents: Sequence[Document], at_once: int) -> None:
    """As a destination of a channel does: so many at once, in the order of their arrival."""
    waiting = iter(documents)

    async def some() -> None:
        for document in waiting:
            await process.take(document)

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(some())


async def through_the_process(made: Mix, url: str, at_once: int, only_invoices: bool) -> dict[str, Any]:
    before = [one for one in made.trade if only_invoices and not isinstance(one, Invoice)]
    measured = [one for one in made.trade if not only_invoices or isinstance(one, Invoice)]
    store = await open_store(url, SystemClock(), exclusive=url.startswith("sqlite"))
    try:
        policies = load_policies(ROOT)
        process = Process(store.records, SystemClock(), lambda: policies)
        for source in TOLD:
            await process.told_until(source, datetime.now(UTC) + timedelta(days=1))
        await take_all(process, [*made.known, *before], at_once)
        spare_what_stays()  # as the engine does when it has started
        began, used = time.perf_counter(), _processor()
        await take_all(process, measured, at_once)
        seconds, processor = time.perf_counter() - began, _processor() - used
        found = {"documents": len(measured), "seconds": seconds, "processor": processor}
        return found | await _outcome(store)
    finally:
        await store.close()


def _processor() -> float:
    return sum(os.times()[:4])


async def _outcome(store: Store) -> dict[str, int]:
    given = await store.records.given(0, ("post_invoice",), 10**6)
    cases = await store.records.cases(CaseQuery(limit=10**6))
    return {"posted": len(given), "cases": len(cases)}


# ------------------------------------------------------------------ without a store
class Stages:
    """Processor time by what it was spent on."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def timed(self, stage: str, work: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
        began = time.process_time()
        try:
            return work(*given, **named)
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.process_time() - began


def pure(made: Mix) -> Stages:
    """Each matter once, as it is in the end: written, read, decided. In memory, one thread."""
    stages, dossiers = Stages(), dict[str, list[Record]]()
    for one in made.trade:
        body = stages.timed("write documents as JSON", one.model_dump_json).encode()
        home = dossiers_of(one)[0]
        dossiers.setdefault(home, []).append(Record(one.kind, one.natural_key, 1, body, to_micros(NOW)))
    known = {Reference(one.kind, one.natural_key): one for one in made.known}
    policies, told = load_policies(ROOT), dict.fromkeys(TOLD, NOW + timedelta(days=1))
    for key, records in dossiers.items():
        papers = stages.timed("read documents from JSON", Papers, records)
        world = World(NOW, known, told, policies, _Nothing())
        stages.timed("decide", decide, key, papers, world)
    return stages


class _Nothing(dict[str, Papers]):
    def __contains__(self, key: object) -> bool:
        return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--at-once", type=int, default=96, help="documents taken at once")
    parser.add_argument("--url", help="of an empty store; none: an SQLite file in a temporary folder, for both")
    chosen = parser.parse_args()
    made = mix(chosen.lines)
    _pure_figures(made)
    with tempfile.TemporaryDirectory(prefix="isthmus-bench-") as folder:
        for name in ("invoices", "season") if chosen.url is None else ("season",):
            url = chosen.url or f"sqlite:///{folder}/{name}.db"
            found = asyncio.run(through_the_process(made, url, chosen.at_once, name == "invoices"))
            _figures(made, found, url, name)


def _pure_figures(made: Mix) -> None:
    stages = pure(made).seconds
    whole = sum(stages.values())
    print(f"{made.lines:,} invoice lines, pure: {made.lines / stages['decide']:,.0f} lines/s decided")
    for name, seconds in stages.items():
        print(f"  {name:26} {seconds:7.2f} s  {seconds / whole:5.0%}")


_WORDS = {"invoices": "invoices to orders and receipts that are there", "season": "orders, receipts and invoices"}


def _figures(made: Mix, found: dict[str, Any], url: str, name: str) -> None:
    rate, needed = made.lines / found["seconds"], 100_000 / SECONDS
    print(f"{_WORDS[name]}, through the process, {url.partition(':')[0]}, flushed:")
    print(f"  {rate:,.0f} lines/s: 100,000 in {100_000 / rate:,.0f} s; {needed:,.0f} lines/s are wanted: "
          f"{rate / needed:.2f} of it")  # fmt: skip
    print(f"  {found['documents']:,} documents in {found['seconds']:.1f} s; processor {found['processor']:.1f} s")
    print(f"  {found['posted']:,} posted, {found['cases']:,} cases; faults made: {len(made.faults):,}", flush=True)


if __name__ == "__main__":
    main()
