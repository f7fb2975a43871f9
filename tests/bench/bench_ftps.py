"""FTPS figures of this machine: 100 files, ours beside the standard library's ftplib on the same server, in one run.

A pyftpdlib server in a process of its own. Ours does its whole work (claim, read twice-checked, accept, move to done);
the other only reads. Run: python tests/bench/bench_ftps.py
"""

from __future__ import annotations

import asyncio
import ftplib
import os
import ssl
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine.connectors.ftps.destination import FtpsDestination
from engine.connectors.ftps.settings import FtpsDestinationSettings, FtpsSourceSettings
from engine.connectors.ftps.source import FtpsSource
from engine.ports.connector import Outbound
from tests.support.connector_doubles import Door, Secrets, context
from tests.support.ftps import PASSWORD, USER, ftps

FILES, SIZE = 100, 4000


class Bare(ftplib.FTP_TLS):
    """The library as it is."""


def bare(folder: Path) -> float:
    with Bare(context=ssl.create_default_context(cafile=str(ftps().authority))) as client:
        client.connect("127.0.0.1", ftps().port, 10)
        client.login(USER, PASSWORD)
        client.prot_p()
        started = time.perf_counter()
        for name in [name for name, _ in client.mlsd(str(folder)) if name.endswith(".edi")]:
            client.retrbinary(f"RETR {folder}/{name}", bytearray().extend)
        return time.perf_counter() - started


def server(folder: Path) -> dict[str, Any]:
    tls = {"ca": str(ftps().authority)}
    return {
        "address": f"127.0.0.1:{ftps().port}",
        "user": USER,
        "password": "env:P",
        "tls": tls,
        "folder": str(folder),
    }


async def read(root: Path, folder: Path, **settings: Any) -> float:
    given = FtpsSourceSettings.model_validate(server(folder) | {"stable_for": "0s", "pattern": "*.edi"} | settings)
    source, door = FtpsSource(given, context(root, secrets=Secrets({"env:P": PASSWORD}))), Door()
    await source._prepare(await source._connection.client())
    started = time.perf_counter()
    assert await source.look(door), source.problem
    took = time.perf_counter() - started
    await source._connection.close()
    assert len(door.accepted) == FILES
    return took


async def write(root: Path, folder: Path) -> float:
    given = FtpsDestinationSettings.model_validate(server(folder))
    destination = FtpsDestination(given, context(root, secrets=Secrets({"env:P": PASSWORD})))
    assert (await destination.check()).ok
    started = time.perf_counter()
    some = asyncio.Semaphore(16)

    async def send(number: int) -> None:
        async with some:
            key = f"k{number}"
            await destination.send(Outbound(number, number, "c", "c", key, b"x" * SIZE, natural_key=key))

    await asyncio.gather(*map(send, range(FILES)))
    took = time.perf_counter() - started
    await destination.close()
    return took


def main() -> None:
    with tempfile.TemporaryDirectory() as one:
        root = Path(one)
        for name in ("in", "out"):
            (root / name).mkdir()
        for number in range(FILES):
            (root / "in" / f"{number:03}.edi").write_bytes(os.urandom(SIZE))
        print(f"{FILES} files of {SIZE} bytes over TLS on loopback")
        alone = bare(root / "in")
        print(f"  ftplib, only read                 {alone:8.3f} s")
        only = asyncio.run(read(root, root / "in", after="keep"))
        print(f"  ours, only read                   {only:8.3f} s, {only / alone:.2f} of it")
        whole = asyncio.run(read(root, root / "in"))
        print(f"  ours, all of it                   {whole:8.3f} s, {whole / alone:.2f} of it")
        print(f"  ours, written once                {asyncio.run(write(root, root / 'out')):8.3f} s")


if __name__ == "__main__":
    main()
