"""MLLP load: a closed-loop generator that checks every acknowledgement, and a sink that acknowledges and counts.

The sink runs in a process of its own. Standard library, and uvloop where it is.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

try:
    import uvloop

    run: Any = uvloop.run
except ImportError:  # a benchmark without it is a slower one, and says the same
    run = asyncio.run

START, END = b"\x0b", b"\x1c\r"

ADT = (
    b"MSH|^~\\&|HOSP|MAIN|ISTHMUS|MAIN|20260714093011||ADT^A01^ADT_A01|%s|P|2.5.1|||||USA|UNICODE UTF-8\r"
    b"EVN|A01|20260714093011|||CLERK^Desk^A|20260714092955|MAIN\r"
    b"PID|1||T%s^^^MAIN^MR||SAMPLE^PAT^Q||19670824|M||2106-3^W^CDC|1 EXAMPLE STREET^APT 1^TESTTOWN^IL^60000^USA^H||"
    b"^PRN^PH^^1^555^0100|^WPN^PH^^1^555^0101|ENG^English^HL70296|M^Married^HL70002||A%s^^^MAIN^AN\r"
    b"PD1|||MAIN HOSPITAL^^10001|1000001^DOC^ONE^A^^DR^MD\r"
    b"NK1|1|SAMPLE^KIN^M|SPO^Spouse^HL70063|1 EXAMPLE STREET^^TESTTOWN^IL^60000^USA^H|^PRN^PH^^1^555^0100\r"
    b"PV1|1|I|4EAST^401^A^MAIN^^BED^^4|E|||1000001^DOC^ONE^A^^DR^MD|1000002^DOC^TWO^^^DR^MD||MED||||7|A0||"
    b"1000001^DOC^ONE^A^^DR^MD|IP|V%s^^^MAIN^VN|COM|||||||||||||||||||MAIN||ADM|||20260714092500\r"
    b"DG1|1||T00.0^Test condition^I10|Test condition|20260714|A\r"
    b"AL1|1|DA^Drug allergy^HL70127|0000^Nothing^RXNORM|MO^Moderate^HL70128|None\r"
    b"IN1|1|PLAN1^TEST PLAN|10001|PAYER|PO BOX 1^^TESTTOWN^TX^70000||^WPN^PH^^1^555^0102|G1||||||20260101|20261231\r"
    b"ZFT|CC4100|GL510200|PRJ-0001\r"
)


def message(control_id: bytes) -> bytes:
    """An invented ADT^A01 of about 1.2 kB."""
    return ADT % (control_id, control_id, control_id, control_id)


class _Client(asyncio.Protocol):
    """One connection: sends, waits for the acknowledgement, sends the next."""

    def __init__(self, load: _Load, number: int) -> None:
        self.load, self.number, self.buffer = load, number, b""
        self.current, self.sent_at = b"", 0.0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.load.connected(self)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        end = self.buffer.find(END)
        if end < 0:
            return
        answer, self.buffer = self.buffer[:end], self.buffer[end + 2 :]
        self.load.answered(self, b"MSA|AA|" + self.current in answer or b"MSA|CA|" + self.current in answer)

    def connection_lost(self, error: Exception | None) -> None:
        self.load.lost()

    def send(self, control_id: bytes) -> None:
        self.current, self.sent_at = control_id, time.perf_counter()
        self.transport.write(START + message(control_id) + END)


class _Load:
    def __init__(self, count: int, connections: int, tag: str, rate: float) -> None:
        self.count, self.connections, self.tag, self.rate = count, connections, tag.encode(), rate
        self.sent = self.good = self.bad = 0
        self.waits: list[float] = []
        self.clients: list[_Client] = []
        self.free: list[_Client] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connected(self, client: _Client) -> None:
        self.clients.append(client)

    def lost(self) -> None:
        if not self.done.done():
            self.done.set_exception(ConnectionError("a connection was lost under load"))

    def next(self, client: _Client) -> None:
        if self.sent < self.count:
            self.sent += 1
            client.send(b"%s%07d" % (self.tag, self.sent))

    def answered(self, client: _Client, good: bool) -> None:
        self.waits.append(time.perf_counter() - client.sent_at)
        self.good, self.bad = self.good + good, self.bad + (not good)
        if self.good + self.bad == self.count:
            self.done.set_result(None)
        elif self.rate:
            self.free.append(client)
        else:
            self.next(client)

    async def pace(self) -> None:
        """Open loop: message n leaves at n / rate, if a connection is free."""
        began = time.perf_counter()
        self.free = list(self.clients)
        for number in range(self.count):
            wait = began + number / self.rate - time.perf_counter()
            if wait > 0.0005:
                await asyncio.sleep(wait)
            while not self.free:
                await asyncio.sleep(0.0005)
            self.next(self.free.pop())


async def _send(port: int, count: int, connections: int, tag: str, rate: float) -> dict[str, float]:
    loop = asyncio.get_running_loop()
    load = _Load(count, connections, tag, rate)
    for number in range(connections):
        await loop.create_connection(lambda number=number: _Client(load, number), "127.0.0.1", port)
    began = time.perf_counter()
    pacer = loop.create_task(load.pace()) if rate else None
    if pacer is None:
        for client in load.clients:
            load.next(client)
    await asyncio.wait_for(load.done, 300)
    seconds = time.perf_counter() - began
    for client in load.clients:
        client.transport.abort()
    waits = sorted(load.waits)
    return {
        "per_second": count / seconds,
        "p50_ms": waits[len(waits) // 2] * 1000,
        "p99_ms": waits[int(len(waits) * 0.99)] * 1000,
        "bad": load.bad,
        "began": began,
    }


def send(port: int, count: int, connections: int, tag: str, rate: float = 0) -> dict[str, float]:
    """Send `count` messages; `rate` 0: as fast as acknowledgements come. Times in ms."""
    found: dict[str, float] = run(_send(port, count, connections, tag, rate))
    return found


class _Sink(asyncio.Protocol):
    def __init__(self, seen: dict[bytes, int]) -> None:
        self.seen, self.buffer = seen, b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        out = []
        while (end := self.buffer.find(END)) >= 0:
            body, self.buffer = self.buffer[1:end], self.buffer[end + 2 :]
            control_id = body.split(b"|", 10)[9]
            self.seen[control_id] = self.seen.get(control_id, 0) + 1
            out.append(START + b"MSH|^~\\&|S|S|I|I|20260101||ACK|1|P|2.5.1\rMSA|AA|" + control_id + b"\r" + END)
        if out:
            self.transport.write(b"".join(out))


def _serve(port: int, pipe: Connection) -> None:
    async def main() -> None:
        seen: dict[bytes, int] = {}
        loop = asyncio.get_running_loop()
        await loop.create_server(lambda: _Sink(seen), "127.0.0.1", port)
        pipe.send("up")
        while True:
            while not pipe.poll():
                await asyncio.sleep(0.01)
            tag = pipe.recv().encode()
            mine = [n for c, n in seen.items() if c.startswith(tag)]
            pipe.send((len(mine), sum(mine) - len(mine), time.perf_counter()))

    run(main())


class Sink:
    """Counts what arrived, by the tag that control ids begin with."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def counted(self, tag: str) -> tuple[int, int, float]:
        """Distinct messages, repeats, and when this was asked (CLOCK_MONOTONIC seconds)."""
        self._pipe.send(tag)
        found: tuple[int, int, float] = self._pipe.recv()
        return found

    def wait_for(self, tag: str, count: int, seconds: float = 120) -> float:
        """When the last one was there. Raises AssertionError when it does not come."""
        deadline = time.perf_counter() + seconds
        while time.perf_counter() < deadline:
            arrived, _, at = self.counted(tag)
            if arrived >= count:
                return at
            time.sleep(0.02)
        raise AssertionError(f"{arrived} of {count} messages arrived")


@contextmanager
def sink(port: int) -> Iterator[Sink]:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(port, theirs), daemon=True)
    process.start()
    assert ours.recv() == "up"
    try:
        yield Sink(ours)
    finally:
        process.kill()
        process.join()
