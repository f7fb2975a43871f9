"""FHIR figures of this machine: a bundle of 20 entries taken in, and read by a script, beside the bare libraries.

Run: python tests/bench/bench_fhir.py
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import fhirpathpy
from fhir.resources.R4B.bundle import Bundle as LibraryBundle

from engine.connectors.fhir.intake import Intake
from engine.connectors.fhir.routing import Asked
from engine.connectors.fhir.settings import FhirSourceSettings
from engine.core.clock import SystemClock
from engine.core.ids import IdSource
from engine.ports.journal import NewMessage
from engine.protocols.fhir.bundle import split_bundle
from engine.protocols.fhir.resource import read_tree
from engine.protocols.fhir.xml_reader import read_xml
from engine.protocols.fhir.xml_writer import write_xml
from engine.sdk import FhirMessage
from engine.store.open import open_store

ENTRIES, SECONDS = 20, 0.4
SHORT, LONG = (
    "SupplyRequest.quantity.value",
    "SupplyRequest.identifier.where(system.startsWith('urn:req')).value.first()",
)


def entry(number: int) -> dict[str, Any]:
    item = {
        "coding": [{"system": "urn:items", "code": f"M{number:05}", "display": "Examination glove"}],
        "text": "Glove",
    }
    resource = {
        "resourceType": "SupplyRequest", "id": f"sr-{number}", "status": "active", "priority": "routine",
        "identifier": [{"system": "urn:requests", "value": f"R-{number}"}, {"system": "urn:other", "value": "x"}],
        "itemCodeableConcept": item, "quantity": {"value": 10.5, "unit": "EA", "code": "{each}"},
        "occurrenceDateTime": "2026-11-23", "authoredOn": "2026-11-21T09:15:00-05:00",
        "requester": {"reference": "Practitioner/n4471", "display": "Ward nurse"},
        "deliverTo": {"identifier": {"system": "urn:departments", "value": "M-OR"}},
        "text": {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{"a word " * 60}</div>'},
    }  # fmt: skip
    request = {"method": "PUT", "url": f"SupplyRequest/sr-{number}"}
    return {"fullUrl": f"urn:uuid:{number:032x}", "resource": resource, "request": request}


def best(work: Callable[[], object]) -> float:
    """Milliseconds of the fastest round: what the code costs without its neighbours."""
    fastest, until = float("inf"), time.perf_counter() + SECONDS
    while time.perf_counter() < until:
        started = time.perf_counter()
        work()
        fastest = min(fastest, time.perf_counter() - started)
    return fastest * 1000


async def journalled(intake: Intake, body: bytes, asked: Asked, folder: Path) -> float:
    """Milliseconds, the median: taken in and on disk, its own journal flushed for each bundle."""
    store = await open_store(f"sqlite:///{folder}/journal.db", SystemClock(), exclusive=True)
    ids, times = IdSource(), []
    for _ in range(200):
        started = time.perf_counter()
        plan = intake.plan(body, asked, None, None, None, False)
        waiting: list[asyncio.Future[object]] = []
        for received in plan.items:
            future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
            waiting.append(future)
            digest = blake2b(received.body, digest_size=16).digest()
            at = time.time_ns() // 1000
            store.journal.append(NewMessage(ids.next(), "bench", 1, received.body, digest, at), future.set_result)
        await asyncio.gather(*waiting)
        times.append(time.perf_counter() - started)
    await store.close()
    return statistics.median(times) * 1000


def main() -> None:
    entries = [entry(n) for n in range(ENTRIES)]
    body = json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}).encode()
    asked = Asked("bundle", "Bundle")
    intakes = {
        kind: Intake(FhirSourceSettings(listen="127.0.0.1:0", token="env:T", transactions=kind), keep_xml=False)
        for kind in ("entries", "whole")
    }

    def planned(kind: str) -> object:
        return intakes[kind].plan(body, asked, None, None, None, False)

    library: Any = fhirpathpy.compile(LONG)
    one = json.dumps(entries[0]["resource"]).encode()
    message, tree = FhirMessage.parse(one), json.loads(one)
    xml = write_xml(read_tree(body))
    taken = best(lambda: planned("entries"))
    bare, models = best(lambda: json.loads(body)), best(lambda: LibraryBundle.model_validate_json(body))
    print(f"bundle of {ENTRIES} entries, {len(body):,} bytes, best of {SECONDS} s each")
    print(f"  read, split, named, checked    {taken:8.3f} ms   (at most 3)")
    with tempfile.TemporaryDirectory() as folder:
        on_disk = asyncio.run(journalled(intakes["entries"], body, asked, Path(folder)))
    print(f"  and journalled, flushed        {on_disk:8.3f} ms   (at most 3)")
    print(f"  the same, kept whole           {best(lambda: planned('whole')):8.3f} ms")
    print(f"  split alone                    {best(lambda: split_bundle(body)):8.3f} ms")
    print(f"  from XML to exact JSON         {best(lambda: read_xml(xml, 'R4')):8.3f} ms")
    print(f"  json.loads, bare               {bare:8.3f} ms   ours is {taken / bare:.1f} times that")
    print(f"  fhir.resources, bare           {models:8.3f} ms   ours is {taken / models:.2f} times that")
    print("one resource, a value by path")
    print(f"  parsed for a script            {best(lambda: FhirMessage.parse(one)) * 1000:8.1f} µs")
    print(f"  short path                     {best(lambda: message.get(SHORT)) * 1000:8.1f} µs")
    print(f"  long path                      {best(lambda: message.get(LONG)) * 1000:8.1f} µs")
    print(f"  long path, fhirpathpy, bare    {best(lambda: library(tree)) * 1000:8.1f} µs")


if __name__ == "__main__":
    main()
