"""S3 figures of this machine: 100 objects, ours beside boto3 on the same server, in one run.

The server is moto's, a stand-in in one Python process: it is most of what is measured.
Run: python tests/bench/bench_s3.py
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine.connectors.s3.destination import S3Destination
from engine.connectors.s3.settings import S3DestinationSettings, S3SourceSettings
from engine.connectors.s3.source import S3Source
from engine.ports.connector import Outbound
from tests.support.connector_doubles import Door, Secrets, context
from tests.support.objects import KEYS, Store, objects

OBJECTS, SIZE = 100, 4000


def bare(store: Store) -> tuple[float, float]:
    """Seconds of reading all objects, and of putting as many."""
    client = objects().client
    started = time.perf_counter()
    for one in client.list_objects_v2(Bucket=store.name, Prefix="in/")["Contents"]:
        client.get_object(Bucket=store.name, Key=one["Key"])["Body"].read()
    read = time.perf_counter()
    for number in range(OBJECTS):
        client.put_object(Bucket=store.name, Key=f"bare/{number}", Body=b"x" * SIZE)
    return read - started, time.perf_counter() - read


async def read(root: Path, store: Store, **settings: Any) -> float:
    given = S3SourceSettings.model_validate(store.settings() | {"prefix": "in/"} | settings)
    source, door = S3Source(given, context(root, secrets=Secrets(KEYS))), Door()
    await source._bucket.reachable("")
    started = time.perf_counter()
    assert await source.look(door), source.problem
    took = time.perf_counter() - started
    await source._bucket.close()
    assert len(door.accepted) == OBJECTS
    return took


async def write(root: Path, store: Store) -> float:
    given = S3DestinationSettings.model_validate(store.settings() | {"prefix": "out/"})
    destination, some = S3Destination(given, context(root, secrets=Secrets(KEYS))), asyncio.Semaphore(8)
    assert (await destination.check()).ok
    started = time.perf_counter()

    async def send(number: int) -> None:
        async with some:
            key = f"k{number}"
            await destination.send(Outbound(number, number, "c", "c", key, b"x" * SIZE, natural_key=key))

    await asyncio.gather(*map(send, range(OBJECTS)))
    took = time.perf_counter() - started
    await destination.close()
    return took


def main() -> None:
    store = objects().bucket()
    for number in range(OBJECTS):
        store.put(f"in/{number:03}", os.urandom(SIZE))
    print(f"{OBJECTS} objects of {SIZE} bytes at moto's server")
    alone, put = bare(store)
    print(f"  boto3, only read                  {alone:8.3f} s")
    with tempfile.TemporaryDirectory() as one:
        only = asyncio.run(read(Path(one), store, after="keep"))
        print(f"  ours, only read                   {only:8.3f} s, {only / alone:.2f} of it")
        whole = asyncio.run(read(Path(one), store))
        print(f"  ours, all of it (moved)           {whole:8.3f} s, {whole / alone:.2f} of it")
        print(f"  boto3, put                        {put:8.3f} s")
        written = asyncio.run(write(Path(one), store))
        print(f"  ours, put once                    {written:8.3f} s, {written / put:.2f} of it")


if __name__ == "__main__":
    main()
