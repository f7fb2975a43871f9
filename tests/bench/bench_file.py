"""Folder figures of this machine: files taken in and written, beside the system's own reads and flushed writes.

Bare reading: list, open, read, rename to done. Bare writing: write under another name, fsync, rename, fsync of the
folder. Ours does the same and looks for open writers, digests, repeats and marks besides.
Run: python -m tests.bench.bench_file
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from pathlib import Path

from tests.bench.rates import ONE_MESSAGE, destination, line, outbound, source, timed, until

COUNT = 1_000


def filled(folder: Path) -> Path:
    folder.mkdir()
    for number in range(COUNT):
        (folder / f"{number:05}.edi").write_bytes(b"%05d" % number + os.urandom(ONE_MESSAGE - 5))
    return folder


def bare_read(folder: Path) -> float:
    (done := folder / "done").mkdir()
    started = time.perf_counter()
    for entry in sorted(entry.name for entry in os.scandir(folder) if entry.is_file()):
        (folder / entry).read_bytes()
        os.rename(folder / entry, done / entry)
    return COUNT / (time.perf_counter() - started)


def bare_write(folder: Path, body: bytes) -> float:
    folder.mkdir()
    handle = os.open(folder, os.O_RDONLY)
    started = time.perf_counter()
    for number in range(COUNT):
        with (folder / f"{number}.part").open("wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        os.rename(folder / f"{number}.part", folder / f"{number}.edi")
        os.fsync(handle)
    rate = COUNT / (time.perf_counter() - started)
    os.close(handle)
    return rate


async def run(root: Path) -> None:
    print(f"{COUNT} files of {ONE_MESSAGE} bytes")
    bare = line("read and renamed, bare", bare_read(filled(root / "bare")))
    filled(root / "in")
    started = time.perf_counter()
    async with source("file", root, {"folder": "in", "poll": "10ms", "stable_for": "0s"}) as door:
        await until(door, COUNT)
        while any(entry.is_file() for entry in os.scandir(root / "in")):
            await asyncio.sleep(0.002)
        line("our source, done folder and all", COUNT / (time.perf_counter() - started), bare)
    body = os.urandom(ONE_MESSAGE)
    bare = line("written and flushed, one after the other, bare", bare_write(root / "bare_out", body))
    for parallel in (1, 8):
        far = destination("file", root, {"folder": f"out{parallel}", "file_name": "{natural_key}.edi"})
        rate = await timed(COUNT, parallel, lambda number: far.send(outbound(number, body)))  # noqa: B023 - at once
        line(f"our destination, {parallel} at once", rate, bare)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder)))


if __name__ == "__main__":
    main()
