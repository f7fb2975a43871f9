"""The bare limit of this machine: framing and SQLite group commit before each acknowledgement, and nothing else.

One table, one writer thread, WAL with synchronous=FULL, like the engine's journal.
Use: `python -m tests.bench.bare PORT FILE`.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import sys
import threading
from typing import Any

from tests.bench.load import END, START, run


class Committer(threading.Thread):
    """Takes all that waits, commits it once, and calls back once."""

    def __init__(self, path: str, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(daemon=True)
        self._path, self._loop = path, loop
        self.waiting: queue.SimpleQueue[tuple[bytes, Any]] = queue.SimpleQueue()

    def run(self) -> None:
        db = sqlite3.connect(self._path, isolation_level=None)
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute("CREATE TABLE IF NOT EXISTS bodies (id INTEGER PRIMARY KEY, body BLOB)")
        while True:
            batch = [self.waiting.get()]
            while not self.waiting.empty():
                batch.append(self.waiting.get())
            db.execute("BEGIN")
            db.executemany("INSERT INTO bodies (body) VALUES (?)", [(body,) for body, _ in batch])
            db.execute("COMMIT")
            self._loop.call_soon_threadsafe(_answer, batch)


def _answer(batch: list[tuple[bytes, Any]]) -> None:
    for body, transport in batch:
        control_id = body.split(b"|", 10)[9]
        transport.write(START + b"MSH|^~\\&|I|I|S|S|20260101||ACK|1|P|2.5.1\rMSA|AA|" + control_id + b"\r" + END)


class Listener(asyncio.Protocol):
    def __init__(self, committer: Committer) -> None:
        self.committer, self.buffer = committer, b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(END)) >= 0:
            self.committer.waiting.put((self.buffer[1:end], self.transport))
            self.buffer = self.buffer[end + 2 :]


async def main(port: int, path: str) -> None:
    loop = asyncio.get_running_loop()
    committer = Committer(path, loop)
    committer.start()
    await loop.create_server(lambda: Listener(committer), "127.0.0.1", port)
    print("up", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    run(main(int(sys.argv[1]), sys.argv[2]))
