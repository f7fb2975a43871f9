"""The HTTP door: who asks is known before the body is read, and each answer says what became of the message."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pydantic import ValidationError

from engine.connectors.http import source
from engine.connectors.http.settings import HttpSourceSettings
from engine.connectors.http.source import HttpSource
from engine.core.errors import ConfigurationError, DiskFullError
from engine.core.loopback import free_port
from engine.ports.connector import Reason, Received, Settled
from tests.support.certificates import Authority
from tests.support.connector_contract import connect_when_up
from tests.support.connector_doubles import Door, Secrets, context
from tests.support.waiting import until

TOKEN = "a-long-token-for-tests"
AUTHORIZED = f"Authorization: Bearer {TOKEN}\r\n"


class Served:
    """A running source."""

    def __init__(self, root: Path, format: str | None = "json", **settings: Any) -> None:
        self.port, self.door = free_port(), Door()
        values = {"listen": f"127.0.0.1:{self.port}", "path": "/in", "token": "env:TOKEN"} | settings
        secrets = Secrets({"env:TOKEN": TOKEN})
        self.source = HttpSource(
            HttpSourceSettings.model_validate(values), context(root, secrets=secrets, format=format)
        )

    async def raw(self, request: bytes, **options: Any) -> tuple[int, dict[str, str], dict[str, Any]]:
        """Status, headers and JSON of one answer."""
        reader, writer = await connect_when_up(self.port, **options)
        writer.write(request)
        answer = await self.answer(reader)
        writer.close()
        return answer

    async def answer(self, reader: asyncio.StreamReader) -> tuple[int, dict[str, str], dict[str, Any]]:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lines = head.split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        return int(lines[0].split()[1]), headers, json.loads(body) if body else {}

    async def post(self, body: bytes = b"{}", extra: str = "", path: str = "/in", method: str = "POST") -> Any:
        head = f"{method} {path} HTTP/1.1\r\nHost: x\r\n{AUTHORIZED}{extra}Content-Length: {len(body)}\r\n\r\n"
        return await self.raw(head.encode() + body)


@contextlib.asynccontextmanager
async def served(root: Path, format: str | None = "json", **settings: Any) -> AsyncIterator[Served]:
    one = Served(root, format, **settings)
    task = asyncio.ensure_future(one.source.run(one.door))
    try:
        yield one
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_message_taken_in_is_answered_with_its_ids(tmp_path: Path) -> None:
    async with served(tmp_path) as door:
        status, _, facts = await door.post(b'{"a":1}', "X-Correlation-Id: upstream-7\r\n")

    assert status == 202
    assert facts["verdict"] == "accepted"
    assert facts["correlation_id"] == "upstream-7"
    assert len(facts["message_id"]) == 13
    assert door.door.stored[0].body == b'{"a":1}'


async def test_repeat_under_the_same_key_is_known_and_another_body_a_conflict(tmp_path: Path) -> None:
    async with served(tmp_path) as door:
        answers = [await door.post(body, "Idempotency-Key: k-1\r\n") for body in (b'{"a":1}', b'{"a":1}', b'{"a":2}')]

    assert [status for status, _, _ in answers] == [202, 200, 409]
    assert answers[0][2]["message_id"] == answers[1][2]["message_id"]
    assert len(door.door.accepted) == 1


async def test_request_split_at_every_byte_is_taken_in(tmp_path: Path) -> None:
    async with served(tmp_path) as door:
        reader, writer = await connect_when_up(door.port)
        request = f"POST /in HTTP/1.1\r\nHost: x\r\n{AUTHORIZED}Content-Length: 7\r\n\r\n".encode() + b'{"a":1}'
        for byte in request:
            writer.write(bytes((byte,)))
            await writer.drain()
            await asyncio.sleep(0)
        status = (await door.answer(reader))[0]
        writer.close()

    assert status == 202
    assert door.door.stored[0].body == b'{"a":1}'


async def test_mistake_of_ours_costs_one_request_and_shows_no_value(tmp_path: Path) -> None:
    async with served(tmp_path) as door:
        door.door.failure = ValueError("CANARY")
        broken = await door.post()
        door.door.failure = None
        after = await door.post()

    assert (broken[0], after[0]) == (500, 202)
    assert "CANARY" not in json.dumps(broken[2])


@pytest.mark.parametrize(
    "header",
    ["", "Authorization: Bearer wrong\r\n", f"Authorization: Basic {TOKEN}\r\n", f"Authorization: {TOKEN}\r\n",
     "Authorization: Bearer \r\n", f"X-Token: {TOKEN}\r\n"],
)  # fmt: skip
async def test_wrong_token_is_refused(tmp_path: Path, header: str) -> None:
    async with served(tmp_path) as door:
        status, headers, facts = await door.raw(
            f"POST /in HTTP/1.1\r\nHost: x\r\n{header}Content-Length: 2\r\n\r\n{{}}".encode()
        )

    assert status == 401
    assert headers["www-authenticate"] == "bearer"
    assert TOKEN not in json.dumps(facts)
    assert door.door.asked == 0


async def test_unauthorized_100_mb_body_is_refused_after_the_head(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At most 64 kB are read of it. Source: acceptance 44."""
    read = count_reads(monkeypatch)
    async with served(tmp_path, max_body="200MB") as door:
        reader, writer = await connect_when_up(door.port)
        writer.write(b"POST /in HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n")
        with contextlib.suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(5):
                for _ in range(1600):
                    writer.write(b"x" * 65536)
                    await writer.drain()
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()

    assert door.door.asked == 0
    assert 0 < sum(read) <= 64 * 1024


def count_reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Sizes of what the server's connections are given by the system."""
    sizes: list[int] = []
    real = web.RequestHandler.data_received

    def counted(self: web.RequestHandler, data: bytes) -> None:
        sizes.append(len(data))
        real(self, data)

    monkeypatch.setattr(web.RequestHandler, "data_received", counted)
    return sizes


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("POST", "/other", 404), ("GET", "/in", 405), ("DELETE", "/in", 405), ("PUT", "/in", 405)],
)
async def test_other_paths_and_methods_are_unknown(tmp_path: Path, method: str, path: str, status: int) -> None:
    async with served(tmp_path) as door:
        assert (await door.post(path=path, method=method))[0] == status


async def test_body_over_the_limit_is_refused_stated_or_not(tmp_path: Path) -> None:
    async with served(tmp_path, max_body="1kB") as door:
        stated = await door.post(b'"' + b"x" * 2000 + b'"')
        chunk = b"7d0\r\n" + b"x" * 2000 + b"\r\n0\r\n\r\n"
        head = f"POST /in HTTP/1.1\r\nHost: x\r\n{AUTHORIZED}Transfer-Encoding: chunked\r\n\r\n"
        chunked = await door.raw(head.encode() + chunk)

    assert (stated[0], chunked[0]) == (413, 413)
    assert door.door.asked == 0


@pytest.mark.parametrize(
    ("extra", "status"),
    [
        ("Content-Type: application/json\r\n", 202),
        ("Content-Type: application/json; charset=utf-8\r\n", 202),
        ("Content-Type: application/fhir+json\r\n", 202),
        ("Content-Type: text/xml\r\n", 415),
        ("Content-Encoding: gzip\r\n", 415),
        ("Idempotency-Key: bad key\r\n", 400),
        (f"Idempotency-Key: {'k' * 256}\r\n", 400),
    ],
)
async def test_head_decides_what_is_taken(tmp_path: Path, extra: str, status: int) -> None:
    async with served(tmp_path) as door:
        assert (await door.post(extra=extra))[0] == status


@pytest.mark.parametrize("body", [b"{", b"[1,]", b"\xff", b'{"a":1} x', b"[" * 100_000])
async def test_body_that_is_not_json_is_kept_as_refused(tmp_path: Path, body: bytes) -> None:
    async with served(tmp_path) as door:
        status, _, facts = await door.post(body)

    assert status == 400
    assert facts["verdict"] == "refused"
    assert facts["reason"]["code"] in ("M004", "M005")
    assert door.door.stored[0].body == body


async def test_empty_body_is_refused(tmp_path: Path) -> None:
    async with served(tmp_path) as door:
        assert (await door.post(b""))[0] == 400


async def test_channel_of_other_format_takes_any_body(tmp_path: Path) -> None:
    async with served(tmp_path, format="hl7v2") as door:
        status, _, _ = await door.post(b"MSH|^~\\&|", "Content-Type: application/hl7-v2\r\n")

    assert status == 202


async def test_required_key_is_required(tmp_path: Path) -> None:
    async with served(tmp_path, key_required=True) as door:
        assert (await door.post())[0] == 400
        assert (await door.post(extra="Idempotency-Key: k\r\n"))[0] == 202


async def test_store_that_refuses_is_answered_with_try_again(tmp_path: Path) -> None:
    async with served(tmp_path) as door:
        door.door.failure = DiskFullError("no space")
        status, headers, _ = await door.post()

    assert status == 503
    assert int(headers["retry-after"]) > 0


async def test_busy_journal_slows_and_then_sends_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "_BACKLOG_PATIENCE", 0.2)
    async with served(tmp_path) as door:
        door.door.backlogged = True
        busy, headers, _ = await door.post()
        health = (await door.raw(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"))[0]
        monkeypatch.setattr(source, "_BACKLOG_PATIENCE", 30)
        asyncio.get_running_loop().call_later(0.1, setattr, door.door, "backlogged", False)
        slowed = (await door.post())[0]

    assert (busy, health, slowed) == (503, 503, 202)
    assert "retry-after" in headers


async def test_refused_message_is_told_with_code_and_place(tmp_path: Path) -> None:
    async with served(tmp_path) as door:
        door.door.judge = lambda received: Reason("M006", "not accepted here", "type", "send it elsewhere")
        status, _, facts = await door.post()

    assert (status, facts["verdict"]) == (422, "refused")
    assert facts["reason"] == {
        "code": "M006", "text": "not accepted here", "where": "type", "remedy": "send it elsewhere"
    }  # fmt: skip


async def test_health_needs_no_token(tmp_path: Path) -> None:
    async with served(tmp_path) as door:
        status, _, facts = await door.raw(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")

    assert (status, facts) == (200, {"text": "ok"})


async def test_slow_body_is_ended_and_disturbs_nobody(tmp_path: Path) -> None:
    async with served(tmp_path, body_timeout="200ms") as door:
        reader, writer = await connect_when_up(door.port)
        writer.write(f"POST /in HTTP/1.1\r\nHost: x\r\n{AUTHORIZED}Content-Length: 100\r\n\r\n{{".encode())
        quick = (await door.post())[0]
        slow = (await door.answer(reader))[0]
        writer.close()

    assert (quick, slow) == (202, 408)


async def test_connection_without_a_request_is_closed(tmp_path: Path) -> None:
    async with served(tmp_path, idle_timeout="200ms") as door:
        reader, writer = await connect_when_up(door.port)
        writer.write(b"POST /in HTTP/1.1\r\nHos")
        async with asyncio.timeout(30):
            rest = await reader.read()
        writer.close()

    assert rest == b""


async def test_connections_are_bounded(tmp_path: Path) -> None:
    async with served(tmp_path, max_connections=2) as door:
        open_ones = [await connect_when_up(door.port) for _ in range(2)]
        await asyncio.sleep(0.05)
        reader, writer = await connect_when_up(door.port)
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
        for _, one in [*open_ones, (reader, writer)]:
            one.close()


async def test_expected_continue_comes_only_to_who_may_send(tmp_path: Path) -> None:
    async with served(tmp_path) as door:
        head = "POST /in HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n"
        reader, writer = await connect_when_up(door.port)
        writer.write(f"{head}{AUTHORIZED}\r\n".encode())
        interim = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"{}")
        status = (await door.answer(reader))[0]
        writer.close()
        stranger = (await door.raw(f"{head}\r\n".encode()))[0]

    assert interim.startswith(b"HTTP/1.1 100")
    assert (status, stranger) == (202, 401)


@pytest.mark.parametrize(("delivered", "status"), [(True, 200), (False, 202)])
async def test_answer_after_delivery_says_how_it_ended(tmp_path: Path, delivered: bool, status: int) -> None:
    async with served(tmp_path, acknowledge="after_delivery") as door:

        def settled(received: Received) -> asyncio.Future[Settled]:
            future = asyncio.get_running_loop().create_future()
            future.set_result(Settled(delivered, None if delivered else Reason("T002", "refused by the ERP")))
            return future

        door.door.settled = settled
        found, _, facts = await door.post()

    assert (found, facts["delivered"]) == (status, delivered)


async def test_mutual_tls_lets_in_only_who_has_a_certificate(tmp_path: Path) -> None:
    authority = Authority()
    authority.issue(tmp_path / "server.pem", tmp_path / "server.key")
    authority.issue(tmp_path / "client.pem", tmp_path / "client.key", "supplier")
    authority.write(tmp_path / "ca.pem")
    tls = {"certificate": "server.pem", "key": "server.key", "client_ca": "ca.pem"}
    trusting = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    known = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    known.load_cert_chain(tmp_path / "client.pem", tmp_path / "client.key")
    request = b"POST /in HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
    async with served(tmp_path, token=None, tls=tls) as door:
        status = (await door.raw(request, ssl=known, server_hostname="localhost"))[0]
        with pytest.raises((ssl.SSLError, OSError, asyncio.IncompleteReadError)):
            await door.raw(request, ssl=trusting, server_hostname="localhost")

    assert status == 202
    assert door.door.asked == 1


async def test_pinned_certificate_is_the_only_one_let_in(tmp_path: Path) -> None:
    authority = Authority()
    for name in ("server", "partner", "stranger"):
        authority.issue(tmp_path / f"{name}.pem", tmp_path / f"{name}.key", name)
    authority.write(tmp_path / "ca.pem")
    der = ssl.PEM_cert_to_DER_cert((tmp_path / "partner.pem").read_text())
    tls = {"certificate": "server.pem", "key": "server.key", "client_ca": "ca.pem"}
    tls |= {"pinned": [hashlib.sha256(der).hexdigest()]}
    statuses = []
    async with served(tmp_path, token=None, tls=tls) as door:
        for name in ("partner", "stranger"):
            known = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
            known.load_cert_chain(tmp_path / f"{name}.pem", tmp_path / f"{name}.key")
            request = b"POST /in HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
            statuses.append((await door.raw(request, ssl=known, server_hostname="localhost"))[0])

    assert statuses == [202, 401]


async def test_client_that_leaves_while_waiting_leaves_no_task_when_the_source_stops(tmp_path: Path) -> None:
    before = asyncio.all_tasks()
    async with served(tmp_path) as door:
        door.door.open.clear()
        _, writer = await connect_when_up(door.port)
        writer.write(f"POST /in HTTP/1.1\r\nHost: x\r\n{AUTHORIZED}Content-Length: 2\r\n\r\n{{}}".encode())
        while door.door.asked == 0:
            await asyncio.sleep(0.005)
        writer.transport.abort()
        await asyncio.sleep(0.05)

    await until(lambda: asyncio.all_tasks() == before)


async def test_taken_address_is_a_clear_error(tmp_path: Path) -> None:
    async with served(tmp_path) as door:
        await door.post()
        other = Served(tmp_path, listen=f"127.0.0.1:{door.port}")
        with pytest.raises(ConfigurationError, match="cannot listen"):
            await other.source.run(other.door)


@pytest.mark.parametrize(
    "settings",
    [
        {"token": None},
        {"token": None, "tls": {"certificate": "a", "key": "b"}},
        {"token": "the-token-itself"},
        {"path": "in"},
        {"path": "/healthz"},
        {"listen": "6661"},
        {"listen": "::1:80"},
        {"listen": "127.0.0.1:99999"},
        {"max_body": "16"},
    ],
)
def test_senseless_settings_are_refused_without_showing_them(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        HttpSourceSettings.model_validate({"listen": "127.0.0.1:1", "token": "env:T"} | settings)

    assert "the-token-itself" not in str(caught.value)


def test_empty_token_is_refused(tmp_path: Path) -> None:
    settings = HttpSourceSettings.model_validate({"listen": "127.0.0.1:1", "token": "env:T"})
    with pytest.raises(ConfigurationError):
        HttpSource(settings, context(tmp_path, secrets=Secrets({"env:T": " "})))
