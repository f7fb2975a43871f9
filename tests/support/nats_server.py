"""A real NATS server with JetStream on loopback, from its package in the test environment; one a test process."""

from __future__ import annotations

import asyncio
import atexit
import functools
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from nats.aio.client import Client
from nats.js import JetStreamContext

from engine.core.loopback import free_port

SERVER = shutil.which("nats-server", path=str(Path(sys.executable).parent)) or shutil.which("nats-server")
T = TypeVar("T")


class NatsServer:
    """Started by `start`; its streams outlive `kill`."""

    def __init__(self, configuration: str = "") -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="isthmus-nats-"))
        self.port, self._configuration = free_port(), configuration
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.remove)

    def start(self) -> None:
        (self.folder / "conf").write_text(
            f'listen: "127.0.0.1:{self.port}"\njetstream {{ store_dir: "{self.folder}/data" }}\n{self._configuration}'
        )
        self._process = subprocess.Popen(
            [str(SERVER), "-c", str(self.folder / "conf")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(3000):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise TimeoutError("nats-server does not listen")

    def kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(60)
            self._process = None

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    async def client(self) -> Client:
        made = Client()
        await made.connect(f"nats://127.0.0.1:{self.port}")
        return made

    def do(self, work: Callable[[JetStreamContext], Awaitable[T]]) -> T:
        """Something with a connection of its own, from code that cannot wait for it."""
        results: list[Any] = []

        async def done() -> None:
            client = await self.client()
            results.append(await work(client.jetstream()))
            await client.close()

        thread = threading.Thread(target=lambda: asyncio.run(done()))
        thread.start()
        thread.join(20)
        found: T = results[0]
        return found


async def bodies(js: JetStreamContext, stream: str) -> list[bytes]:
    """All that is in a stream."""
    state = (await js.stream_info(stream)).state
    found = (
        [await js.get_msg(stream, seq) for seq in range(state.first_seq, state.last_seq + 1)] if state.messages else []
    )
    return [one.data or b"" for one in found]


@functools.cache
def nats_server() -> NatsServer:
    """The one of this process."""
    made = NatsServer()
    made.start()
    return made
