"""SFTP figures of this machine: 100 files over a link of 20 ms there and back, beside the bare speed of libraries.

A real OpenSSH server behind a relay that delays. Ours does its whole work (claim, read, accept, move to done); the
others only read. Run: python tests/bench/bench_sftp.py [--asyncssh PYTHON], an interpreter that has asyncssh.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine.connectors.sftp.destination import SftpDestination
from engine.connectors.sftp.settings import SftpDestinationSettings, SftpSourceSettings
from engine.connectors.sftp.source import SftpSource
from engine.core.loopback import free_port
from engine.ports.connector import Outbound
from tests.support.connector_doubles import Door, Secrets, context
from tests.support.openssh import ABSENT, INSTALLED, Relay, openssh

FILES, SIZE, ONE_WAY = 100, 4000, 0.010
LARGE = 60 * 1024**2

ASYNCSSH = """
import asyncio, sys, time, asyncssh
port, user, key, folder = sys.argv[1:]
async def main():
    login = {"username": user, "client_keys": [key], "known_hosts": None}
    async with asyncssh.connect("127.0.0.1", int(port), **login) as connection:
        async with connection.start_sftp_client() as client:
            started, some = time.perf_counter(), asyncio.Semaphore(32)
            async def get(name):
                async with some, client.open(f"{folder}/{name}", "rb") as file:
                    return await file.read()
            names = [name for name in await client.listdir(folder) if name.endswith(".edi")]
            await asyncio.gather(*map(get, names))
            print(f"  asyncssh, 32 in flight            {time.perf_counter() - started:8.3f} s, {len(names)} files")
asyncio.run(main())
"""

PARAMIKO = """
import sys, time, paramiko
port, user, key, folder = sys.argv[1:]
transport = paramiko.Transport(("127.0.0.1", int(port)))
transport.connect(username=user, pkey=paramiko.Ed25519Key.from_private_key_file(key))
client = paramiko.SFTPClient.from_transport(transport)
started = time.perf_counter()
names = [name for name in client.listdir(folder) if name.endswith(".edi")]
for name in names:
    with client.open(f"{folder}/{name}") as file:
        file.read()
print(f"  paramiko's own client             {time.perf_counter() - started:8.3f} s, {len(names)} files")
transport.close()
"""


class Bench:
    """A site of temporary folders, and a server at `port`."""

    def __init__(self, root: Path, port: int) -> None:
        (root / "known_hosts").write_text(openssh().known_hosts(port))
        self.root, self.port = root, port
        self.context = context(root, secrets=Secrets({"env:KEY": openssh().private()}))
        self.server = {
            "address": f"127.0.0.1:{port}",
            "user": openssh().user,
            "private_key": "env:KEY",
            "known_hosts": "known_hosts",
        }

    def folder(self, name: str, files: int, size: int) -> Path:
        made = self.root / name
        made.mkdir()
        for number in range(files):
            (made / f"{number:03}.edi").write_bytes(os.urandom(size))
        return made

    async def library(self, python: str, program: str, folder: Path) -> None:
        arguments = (str(self.port), openssh().user, str(openssh().folder / "client"), str(folder))
        await (await asyncio.create_subprocess_exec(python, "-c", program, *arguments)).wait()

    async def read(self, folder: Path, **settings: Any) -> float:
        """Seconds of one look, on a connection that stands."""
        usual = {"folder": str(folder), "stable_for": "0s", "pattern": "*.edi"}
        source = SftpSource(SftpSourceSettings.model_validate(self.server | usual | settings), self.context)
        door = Door()
        await source._prepare(await source._connection.client())
        started = time.perf_counter()
        await source.look(door)
        took = time.perf_counter() - started
        await source._connection.close()
        assert len(door.accepted) == len([*folder.rglob("*.edi")])
        return took

    async def write(self, count: int, body: bytes, parallel: int) -> float:
        (out := self.root / f"out{parallel}-{count}").mkdir()
        settings = SftpDestinationSettings.model_validate(self.server | {"folder": str(out)})
        destination, some = SftpDestination(settings, self.context), asyncio.Semaphore(parallel)

        async def send(number: int) -> None:
            async with some:
                await destination.send(Outbound(number, number, "c", "c", f"k{number}", body, natural_key=f"k{number}"))

        await destination.check()
        started = time.perf_counter()
        await asyncio.gather(*map(send, range(count)))
        took = time.perf_counter() - started
        await destination.close()
        return took


async def far(root: Path, asyncssh: str | None) -> None:
    relay = Relay(free_port(), openssh().port, ONE_WAY)
    await relay.start()
    bench = Bench(root, relay.port)
    print(f"{FILES} files of {SIZE} bytes, {ONE_WAY * 2000:.0f} ms there and back")
    folder = bench.folder("in", FILES, SIZE)
    await bench.library(sys.executable, PARAMIKO, folder)
    if asyncssh:
        await bench.library(asyncssh, ASYNCSSH, folder)
    print(f"  ours, 32 in flight, only read     {await bench.read(folder, after='keep'):8.3f} s")
    print(f"  ours, 32 in flight, all of it     {await bench.read(folder):8.3f} s")
    again = bench.folder("in100", FILES, SIZE)
    print(f"  ours, 100 in flight, all of it    {await bench.read(again, parallel=100):8.3f} s")
    print(f"  ours, written, 16 in flight       {await bench.write(FILES, b'x' * SIZE, 16):8.3f} s")
    await relay.stop()


async def near(root: Path) -> None:
    bench, megabytes = Bench(root, openssh().port), LARGE / 1024**2
    folder = bench.folder("large", 1, LARGE)
    print(f"one file of {megabytes:.0f} MiB, no delay")
    print(f"  read                              {megabytes / await bench.read(folder):8.0f} MiB/s")
    print(f"  written                           {megabytes / await bench.write(1, os.urandom(LARGE), 1):8.0f} MiB/s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--asyncssh", metavar="PYTHON", help="interpreter with asyncssh, to measure it beside")
    arguments = parser.parse_args()
    if not INSTALLED:
        raise SystemExit(ABSENT)
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        asyncio.run(far(Path(one), arguments.asyncssh))
        asyncio.run(near(Path(two)))


if __name__ == "__main__":
    main()
