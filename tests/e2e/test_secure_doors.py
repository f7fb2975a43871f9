"""The doors of a running engine: strangers stay out, and slow senders and crowds disturb nobody."""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import aiohttp
import pytest

from engine.core.loopback import free_port
from tests.support.certificates import Authority
from tests.support.connector_harness import shown_serial
from tests.support.engine_process import EngineProcess, write_site
from tests.support.mllp import Sender, adt

pytestmark = pytest.mark.process

TOKEN = "invented-token-for-the-door"
ECHO = "def transform(message):\n    return message\n"
MLLP = """
channel: {name}
version: 1
title: Messages over MLLP
source: {{type: hl7v2_mllp, listen: "127.0.0.1:{port}", {more}}}
transform: echo
destinations:
  - name: sink
    type: http
    url: http://127.0.0.1:{sink}/
    idempotent: true
    retry: {{first: 50ms, longest: 200ms}}
    circuit: {{failures: 1000}}
"""
WEB = """
channel: web
version: 1
title: Messages over HTTP
source: {{type: http, format: json, listen: "127.0.0.1:{port}", path: /in, token: "env:ISTHMUS_TEST_TOKEN"}}
transform: echo
destinations:
  - name: sink
    type: http
    url: http://127.0.0.1:{sink}/
    idempotent: true
"""
MUTUAL = "tls: {certificate: tls/server.pem, key: tls/server.key, client_ca: tls/client_ca.pem}"


class Sink:
    """Takes everything; while `down` it answers 503."""

    def __init__(self) -> None:
        self.down, self.bodies = False, list[bytes]()
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if not sink.down:
                    sink.bodies.append(body)
                self.send_response(503 if sink.down else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class House:
    """An engine with four doors: plain, mutual TLS, answering after delivery, and HTTP with a token."""

    def __init__(self, root: Path) -> None:
        self.root, self.sink = root, Sink()
        self.plain, self.mutual, self.waiting, self.web = (free_port() for _ in range(4))
        (root / "tls").mkdir()
        self.ours, self.theirs = Authority("Server authority"), Authority("Client authority")
        self.ours.write(root / "tls" / "server_ca.pem")
        self.theirs.write(root / "tls" / "client_ca.pem")
        self.serial = self.ours.issue(root / "tls" / "server.pem", root / "tls" / "server.key")
        to = self.sink.server.server_port
        late = "acknowledge: after_delivery, answer_within: 1s"
        quick = "message_timeout: 3s, max_connections: 400"
        channels = {
            "plain": MLLP.format(name="plain", port=self.plain, sink=to, more=quick),
            "mutual": MLLP.format(name="mutual", port=self.mutual, sink=to, more=MUTUAL),
            "waiting": MLLP.format(name="waiting", port=self.waiting, sink=to, more=late),
            "web": WEB.format(port=self.web, sink=to),
        }
        self.engine = EngineProcess(write_site(root, channels, {"echo": ECHO}))

    def client(self, authority: Authority | None, name: str = "client") -> ssl.SSLContext:
        """A client's side of TLS, with a certificate of this authority, or without one."""
        context = ssl.create_default_context(cafile=self.root / "tls" / "server_ca.pem")
        if authority is not None:
            certificate, key = self.root / "tls" / f"{name}.pem", self.root / "tls" / f"{name}.key"
            authority.issue(certificate, key, name)
            context.load_cert_chain(certificate, key)
        return context

    async def enter(self, context: ssl.SSLContext) -> Sender:
        return await Sender.connect(self.mutual, ssl=context, server_hostname="localhost")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("doors"))
    os.environ["ISTHMUS_TEST_TOKEN"] = TOKEN
    house.engine.start()
    yield house
    house.engine.kill()
    house.sink.server.shutdown()
    del os.environ["ISTHMUS_TEST_TOKEN"]


async def code(sender: Sender, control_id: str) -> str | None:
    """The acknowledgement's code; None: the connection was closed."""
    try:
        told = await sender.exchange(adt(control_id))
    except (OSError, ssl.SSLError):
        return None
    assert told is None or told.control_id == control_id
    return None if told is None else told.code


async def until(what: Callable[[], bool], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not what():
            await asyncio.sleep(0.02)


# ------------------------------------------------------------------ mutual TLS
async def test_only_clients_of_the_right_authority_get_in_and_others_disturb_nobody(house: House) -> None:
    good = await house.enter(house.client(house.theirs))
    assert await code(good, "T1") == "AA"
    stranger = Authority("Somebody else")
    for context in (house.client(stranger, "stranger"), house.client(None)):
        try:
            bad = await house.enter(context)
        except (OSError, ssl.SSLError):
            continue  # told within the handshake (TLS 1.2)
        assert await code(bad, "BAD") is None  # told with the first bytes (TLS 1.3)
        await bad.close()
    with contextlib.suppress(OSError):
        plain = await Sender.connect(house.mutual)
        assert await code(plain, "BAD") is None
        await plain.close()

    assert await code(good, "T2") == "AA"
    await good.close()
    assert not any(b"|BAD|" in body for body in house.sink.bodies)


async def test_a_renewed_certificate_is_shown_to_new_connections_and_open_ones_go_on(house: House) -> None:
    before = await house.enter(house.client(house.theirs))
    assert await code(before, "R1") == "AA"
    assert await shown_serial(house.mutual) == house.serial
    renewed = house.ours.issue(house.root / "tls" / "server.pem", house.root / "tls" / "server.key")
    house.serial = renewed
    await asyncio.sleep(1.1)  # files are looked at once a second at most

    assert await shown_serial(house.mutual) == renewed
    assert await code(before, "R2") == "AA"
    after = await house.enter(house.client(house.theirs))
    assert await code(after, "R3") == "AA"
    await before.close()
    await after.close()


async def test_a_renewed_client_authority_counts_for_new_connections(house: House) -> None:
    old, house.theirs = house.theirs, Authority("Next client authority")
    house.theirs.write(house.root / "tls" / "client_ca.pem")
    await asyncio.sleep(1.1)
    good = await house.enter(house.client(house.theirs))
    assert await code(good, "C1") == "AA"
    refused = None
    with contextlib.suppress(OSError, ssl.SSLError):
        bad = await house.enter(house.client(old, "old"))
        refused = await code(bad, "BAD")
        await bad.close()

    assert refused is None
    await good.close()


async def test_connections_that_never_shake_hands_do_not_disturb_a_good_client(house: House) -> None:
    silent = [await asyncio.open_connection("127.0.0.1", house.mutual) for _ in range(200)]
    for _, writer in silent[:100]:
        writer.write(b"\x16\x03\x01\x02\x00\x01")  # the beginning of a ClientHello
    good = await house.enter(house.client(house.theirs))
    codes = [await code(good, f"H{n}") for n in range(50)]
    for _, writer in silent:
        writer.close()

    assert codes == ["AA"] * 50
    await good.close()


# ------------------------------------------------------------------ HTTP with a token
@contextlib.asynccontextmanager
async def caller(token: str | None = TOKEN) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        yield session


async def post(house: House, body: bytes, key: str | None = None, token: str | None = TOKEN) -> int:
    headers = {"Content-Type": "application/json"} | ({} if key is None else {"Idempotency-Key": key})
    address = f"http://127.0.0.1:{house.web}/in"
    async with caller(token) as session, session.post(address, data=body, headers=headers) as answer:
        return answer.status


async def test_without_the_token_401_before_a_byte_of_the_body(house: House) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", house.web)
    head = "POST /in HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n"
    writer.write(f"{head}Authorization: Bearer wrong\r\n\r\n".encode())
    async with asyncio.timeout(30):
        status = await reader.readline()
        await reader.read()  # closed: the body is not waited for

    assert b" 401 " in status
    writer.close()
    assert await post(house, b"{}", token=None) == 401


async def test_a_taken_request_survives_a_kill_at_once(house: House) -> None:
    assert await post(house, b'{"kept": 1}', "kept") == 202
    await asyncio.to_thread(house.engine.kill)
    await asyncio.to_thread(house.engine.start)
    await until(lambda: b'{"kept": 1}' in house.sink.bodies)

    assert await post(house, b'{"kept": 1}', "kept") == 200


async def test_the_same_key_acts_once_and_with_another_body_is_a_conflict(house: House) -> None:
    statuses = [await post(house, b'{"once": 1}', "once") for _ in range(3)]
    other = await post(house, b'{"once": 2}', "once")
    await post(house, b'{"last": 1}', "last")
    await until(lambda: b'{"last": 1}' in house.sink.bodies)

    assert statuses == [202, 200, 200]
    assert other == 409
    assert house.sink.bodies.count(b'{"once": 1}') == 1
    assert b'{"once": 2}' not in house.sink.bodies


# ------------------------------------------------------------------ after delivery
async def test_undelivered_is_ae_in_time_and_the_same_message_later_aa(house: House) -> None:
    sender = await Sender.connect(house.waiting)
    assert await code(sender, "D0") == "AA"
    house.sink.down = True
    began = time.monotonic()
    late = await code(sender, "D1")
    took = time.monotonic() - began
    house.sink.down = False
    await until(lambda: any(b"|D1|" in body for body in house.sink.bodies))

    assert late == "AE"
    assert took >= 1.0
    assert await code(sender, "D1") == "AA"
    await sender.close()
    assert sum(b"|D1|" in body for body in house.sink.bodies) == 1


# ------------------------------------------------------------------ crowds
async def test_a_crowd_of_slow_and_silent_connections_does_not_disturb_a_good_sender(house: House) -> None:
    crowd = [await asyncio.open_connection("127.0.0.1", house.plain) for _ in range(300)]
    for _, writer in crowd[:150]:
        writer.write(b"\x0bMSH|^~\\&|SLOW")
    good = await Sender.connect(house.plain)

    async def drip() -> None:
        while True:
            for _, writer in crowd[:150]:
                with contextlib.suppress(OSError):
                    writer.write(b"x")
            await asyncio.sleep(0.2)

    dripping = asyncio.create_task(drip())
    for n in range(200):
        assert await code(good, f"G{n}") == "AA"
    crowd_end = [asyncio.wait_for(reader.read(), 15) for reader, _ in crowd[:150]]
    ended = await asyncio.gather(*crowd_end, return_exceptions=True)
    dripping.cancel()
    for _, writer in crowd:
        writer.close()

    assert not [one for one in ended if isinstance(one, TimeoutError)], "a message that never ends must lose its door"
    assert await code(good, "G-last") == "AA"
    await good.close()
    await until(lambda: any(b"|G-last|" in body for body in house.sink.bodies))


async def test_slow_requests_do_not_disturb_a_good_caller(house: House) -> None:
    head = f"POST /in HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 100\r\n"
    slow = [await asyncio.open_connection("127.0.0.1", house.web) for _ in range(300)]
    for n, (_, writer) in enumerate(slow):
        writer.write(head[: 40 + n % 60].encode() if n % 2 else f"{head}\r\n{{".encode())
    statuses = [await post(house, b'{"n": %d}' % n) for n in range(50)]
    for _, writer in slow:
        writer.close()

    assert statuses == [202] * 50
