"""kill -9 of the engine at random moments under load: nothing acknowledged is lost, nothing is posted twice.

The far side that counts postings is deliberately not idempotent: it books every request that it gets, and can be
asked by our reference. Long form: ISTHMUS_KILLS=500 (marked slow); short form: 20 kills.
"""

from __future__ import annotations

import asyncio
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.support.engine_process import EngineProcess, free_port, write_site

MESSAGE = "MSH|^~\\&|LAB|HARBOR|ISTHMUS|HARBOR|20260101120000||ADT^A01|{id}|P|2.5.1\rPID|1||{key}\rPV1|1|I|WARD\r"

CHANNEL = """
channel: intake
version: 1
title: Messages booked by a far side that keeps no keys
source: {{type: hl7v2_mllp, listen: "127.0.0.1:{mllp}"}}
index: {{control: MSH-10}}
transform: book
destinations:
  - name: ledger
    type: http
    url: http://127.0.0.1:{http}/book
    inquire_url: http://127.0.0.1:{http}/find/{{key}}
    send: message
    order_by: PID-3
    retry: {{first: 50ms, longest: 300ms}}
    circuit: {{failures: 1000}}
"""

SCRIPT = '''"""Mark the message as booked."""

from engine.sdk import Hl7Message


def transform(message: Hl7Message) -> Hl7Message:
    message.set("PV1-50", "BOOKED")
    return message
'''


class Books:
    """The far side: every POST is booked, also a second one for the same key; GET tells whether a key is known."""

    def __init__(self, port: int) -> None:
        self.booked: list[tuple[str, str]] = []
        self.lock = threading.Lock()
        books = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                control_id = body.split(b"|")[9].decode()
                with books.lock:
                    books.booked.append((self.headers["Idempotency-Key"], control_id))
                # Booked; the answer takes a moment, in which the asker may be killed.
                time.sleep(0.002)
                self._answer(200, b"{}")

            def do_GET(self) -> None:
                key = self.path.rsplit("/", 1)[1]
                with books.lock:
                    known = any(k == key for k, _ in books.booked)
                self._answer(200 if known else 404, b"{}")

            def _answer(self, status: int, body: bytes) -> None:
                try:
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    self.close_connection = True  # the asker was killed

            def log_message(self, format: str, *args: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def books() -> Iterator[Books]:
    books = Books(free_port())
    yield books
    books.server.shutdown()
    books.server.server_close()


class Sender:
    """Sends about 200 messages a second; a message without its acknowledgement is sent again, as hospitals do."""

    def __init__(self, port: int, number: int) -> None:
        self.port, self.number = port, number
        self.acknowledged: set[str] = set()
        self.stopping = False

    async def run(self) -> None:
        sequence = 0
        while not self.stopping:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(0.02)
                continue
            try:
                while not self.stopping:
                    control_id = f"S{self.number}M{sequence}"
                    await self._exchange(reader, writer, control_id)
                    self.acknowledged.add(control_id)
                    sequence += 1
                    await asyncio.sleep(0.02)
            except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
                continue  # killed in between: the same message again
            finally:
                writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, control_id: str) -> None:
        text = MESSAGE.format(id=control_id, key=f"K{self.number % 2}")
        writer.write(b"\x0b" + text.encode() + b"\x1c\r")
        async with asyncio.timeout(5):
            answer = await reader.readuntil(b"\x1c\r")
        if b"MSA|AA|" + control_id.encode() not in answer:
            raise OSError("not accepted")


async def _play(engine: EngineProcess, port: int, kills: int, dice: random.Random) -> set[str]:
    senders = [Sender(port, n) for n in range(4)]
    tasks = [asyncio.create_task(s.run()) for s in senders]
    for _ in range(kills):
        await asyncio.sleep(dice.uniform(0.02, 0.7))
        await asyncio.to_thread(engine.kill)
        await asyncio.to_thread(engine.start)
    await asyncio.sleep(0.3)
    for sender in senders:
        sender.stopping = True
    await asyncio.gather(*tasks)
    return set().union(*(s.acknowledged for s in senders))


def _kill_many(tmp_path: Path, books: Books, kills: int) -> None:
    port = free_port()
    channel = CHANNEL.format(mllp=port, http=books.server.server_port)
    engine = EngineProcess(write_site(tmp_path, {"intake": channel}, {"book": SCRIPT}))
    engine.start()
    acknowledged = asyncio.run(_play(engine, port, kills, random.Random(20261120)))

    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not acknowledged <= {c for _, c in books.booked}:
        time.sleep(0.2)
    time.sleep(1)
    states = _states(engine)
    engine.stop()
    count = Counter(control_id for _, control_id in books.booked)
    print(f"\n{kills} kills, {len(acknowledged)} acknowledged, {len(books.booked)} booked, states {states}")

    assert len(acknowledged) > kills
    assert acknowledged - count.keys() == set(), "acknowledged and lost"
    assert [c for c, n in count.items() if n > 1] == [], "booked twice"
    assert set(states) <= {"DELIVERED"}, "without a final state"


def _states(engine: EngineProcess) -> dict[str, int]:
    import subprocess
    import sys

    import msgspec

    command = [sys.executable, "-m", "engine", "status", "--json", "--site", str(engine.site)]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    status = msgspec.json.decode(shown.stdout)
    return {k: v for channel in status["channels"] for k, v in channel["counts"].items() if v}


@pytest.mark.process
def test_twenty_kills_lose_and_double_nothing(tmp_path: Path, books: Books) -> None:
    _kill_many(tmp_path, books, int(os.environ.get("ISTHMUS_KILLS", "20")))


@pytest.mark.slow
@pytest.mark.process
def test_five_hundred_kills_lose_and_double_nothing(tmp_path: Path, books: Books) -> None:
    _kill_many(tmp_path, books, 500)
