"""A far side that books whatever it gets, the channel that feeds it, and senders that go on until acknowledged."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.support.engine_process import EngineProcess, write_site

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


def booking_site(folder: Path, books: Books, port: int, engine: str = "") -> EngineProcess:
    """An engine that takes messages at this port and has them booked; `engine` is text for its settings."""
    channel = CHANNEL.format(mllp=port, http=books.server.server_port)
    return EngineProcess(write_site(folder, {"intake": channel}, {"book": SCRIPT}, engine))


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Askers are killed in the middle of a request: that is what the tests are about, and no news."""


class Books:
    """The far side. `booked` has (idempotency key, order key, control id) in order of arrival."""

    def __init__(self) -> None:
        self.booked: list[tuple[str, str, str]] = []
        self.down = False
        self.at_booking: Callable[[], None] | None = None  # called between a booking and its answer
        self.lock = threading.Lock()
        books = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # its two small writes an answer would wait 40 ms for each other

            def do_POST(self) -> None:
                fields = self.rfile.read(int(self.headers["Content-Length"])).decode().replace("\r", "|").split("|")
                if books.down:
                    return self._answer(503)
                with books.lock:
                    books.booked.append((self.headers["Idempotency-Key"], fields[fields.index("PID") + 3], fields[9]))
                if books.at_booking is not None:
                    books.at_booking()
                time.sleep(0.002)  # booked; in this moment the asker may be killed
                self._answer(200)

            def do_GET(self) -> None:
                key = self.path.rsplit("/", 1)[1]
                with books.lock:
                    known = any(k == key for k, *_ in books.booked)
                self._answer(200 if known else 404)

            def _answer(self, status: int) -> None:
                try:
                    self.send_response(status)
                    self.send_header("Content-Length", "2")
                    self.end_headers()
                    self.wfile.write(b"{}")
                except OSError:
                    self.close_connection = True  # the asker was killed

            def log_message(self, format: str, *args: object) -> None:
                return

        self.server = _Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def control_ids(self) -> list[str]:
        return [control_id for *_, control_id in self.booked]

    def check(self, acknowledged: set[str]) -> None:
        """Hold the engine to its promise: everything acknowledged is booked, once, in order."""
        count = Counter(self.control_ids)
        assert acknowledged - count.keys() == set(), "acknowledged and lost"
        assert [one for one, n in count.items() if n > 1] == [], "booked twice"
        for line, numbers in self.sequences().items():
            assert numbers == sorted(numbers), f"out of order: {line}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def sequences(self) -> dict[str, list[int]]:
        """By order key and sender: the numbers of its messages as they arrived."""
        found: dict[str, list[int]] = defaultdict(list)
        for _, key, control_id in self.booked:
            sender, _, number = control_id.partition("M")
            found[f"{key}/{sender}"].append(int(number))
        return found


class Sender:
    """Messages one after the other; one without its AA is sent again, as hospitals do. `refused` counts AE and AR."""

    def __init__(self, port: int, number: int, pause: float = 0.01) -> None:
        self.port, self.number, self.pause = port, number, pause
        self.acknowledged: list[str] = []
        self.refused = 0
        self.stopping = False

    async def run(self) -> None:
        while not self.stopping:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(0.02)
                continue
            try:
                await self._talk(reader, writer)
            except (OSError, asyncio.IncompleteReadError, TimeoutError):
                continue  # killed in between: the same message again
            finally:
                writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not self.stopping:
            control_id = f"S{self.number}M{len(self.acknowledged)}"
            text = MESSAGE.format(id=control_id, key=f"K{self.number % 2}")
            writer.write(b"\x0b" + text.encode() + b"\x1c\r")
            async with asyncio.timeout(30):
                answer = await reader.readuntil(b"\x1c\r")
            if b"MSA|AA|" + control_id.encode() in answer:
                self.acknowledged.append(control_id)
            else:
                self.refused += 1
            await asyncio.sleep(self.pause)


class Load:
    """Four senders while something happens to the engine or its database. `pause`: seconds after each answer."""

    def __init__(self, port: int, pause: float = 0.01) -> None:
        self.senders = [Sender(port, n, pause) for n in range(4)]

    async def __aenter__(self) -> Load:
        self._tasks = [asyncio.create_task(sender.run()) for sender in self.senders]
        return self

    async def __aexit__(self, *_: object) -> None:
        for sender in self.senders:
            sender.stopping = True
        await asyncio.gather(*self._tasks)

    @property
    def acknowledged(self) -> set[str]:
        return {one for sender in self.senders for one in sender.acknowledged}

    @property
    def refused(self) -> int:
        return sum(sender.refused for sender in self.senders)

    async def goes_on(self, count: int = 40, seconds: float = 120) -> None:
        """Return when so many more were acknowledged: the engine works again."""
        enough = len(self.acknowledged) + count
        async with asyncio.timeout(seconds):
            while len(self.acknowledged) < enough:
                await asyncio.sleep(0.02)
