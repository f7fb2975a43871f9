"""Requests to others: what each answer means, and what leaves and what does not."""

from __future__ import annotations

import asyncio
import contextlib
import ssl as tls_library
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web
from pydantic import ValidationError

from engine.connectors.http.destination import HttpDestination
from engine.connectors.http.settings import HttpDestinationSettings
from engine.core.errors import DestinationError, IsthmusError, TransportError
from engine.ports.connector import Outbound, Semantics
from tests.support.certificates import Authority
from tests.support.connector_doubles import Clock, Secrets, context

OUTBOUND = Outbound(1, 7, "suppliers", "c-1", "key-1", b'{"a":1}', kind="Supplier", natural_key="S 1/2")
SECRETS = {"env:BEARER": "CANARY-bearer", "env:PASSWORD": "CANARY-password", "env:KEY": "CANARY-key"}
Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@contextlib.asynccontextmanager
async def far_side(answer: Answer, ssl: Any = None) -> AsyncIterator[int]:
    server = web.Server(answer, handler_cancellation=True, access_log=None)
    listener = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0, ssl=ssl)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()
        await server.shutdown(0.05)


@contextlib.asynccontextmanager
async def destination(root: Path, port: int, path: str = "/in", **settings: Any) -> AsyncIterator[HttpDestination]:
    values = {"url": f"http://127.0.0.1:{port}{path}"} | settings
    made = HttpDestination(
        HttpDestinationSettings.model_validate(values), context(root, secrets=Secrets(SECRETS), clock=Clock())
    )
    try:
        yield made
    finally:
        await made.close()


def answering(status: int, body: bytes = b"", **headers: str) -> Answer:
    async def answer(request: web.BaseRequest) -> web.Response:
        await request.read()
        return web.Response(status=status, body=body, headers={k.replace("_", "-"): v for k, v in headers.items()})

    return answer


async def sent(root: Path, answer: Answer, **settings: Any) -> Any:
    """The delivery, or the error it ended with."""
    async with far_side(answer) as port, destination(root, port, **settings) as one:
        try:
            return await one.send(OUTBOUND)
        except IsthmusError as error:
            return error


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_success_is_delivered_with_the_answer(tmp_path: Path, status: int) -> None:
    delivered = await sent(tmp_path, answering(status, b"" if status == 204 else b'{"id":1}'))

    assert delivered.response == (None if status == 204 else b'{"id":1}')


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 410, 413, 415, 422])
async def test_client_error_is_refused(tmp_path: Path, status: int) -> None:
    error = await sent(tmp_path, answering(status, b"CANARY"))

    assert isinstance(error, DestinationError)
    assert str(status) in error.what
    assert "CANARY" not in str(error)


@pytest.mark.parametrize(
    ("status", "unknown"),
    [(425, False), (429, False), (503, False), (408, True), (500, True), (502, True), (504, True)],
)
async def test_busy_is_tried_again_and_a_failure_is_unknown(tmp_path: Path, status: int, unknown: bool) -> None:
    error = await sent(tmp_path, answering(status))

    assert isinstance(error, TransportError)
    assert error.sent is unknown


@pytest.mark.parametrize(
    ("stated", "seconds"),
    [
        ("7", 7.0),
        ((Clock().now() + timedelta(seconds=90)).strftime("%a, %d %b %Y %H:%M:%S GMT"), 90.0),
        (datetime(2020, 1, 1, tzinfo=UTC).strftime("%a, %d %b %Y %H:%M:%S GMT"), 0.0),
        ("soon", None),
        ("-5", None),
        ("99999999999", 86400.0),
        ("", None),
    ],
)
async def test_retry_after_is_honoured(tmp_path: Path, stated: str, seconds: float | None) -> None:
    error = await sent(tmp_path, answering(429, Retry_After=stated))

    assert error.retry_after == seconds


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirect_is_not_followed(tmp_path: Path, status: int) -> None:
    seen: list[str] = []

    async def other(request: web.BaseRequest) -> web.Response:
        seen.append(request.path)
        return web.Response()

    async with far_side(other) as elsewhere:
        error = await sent(tmp_path, answering(status, Location=f"http://127.0.0.1:{elsewhere}/taken"))

    assert isinstance(error, DestinationError)
    assert seen == []


async def test_request_carries_key_correlation_and_credentials(tmp_path: Path) -> None:
    got: dict[str, str] = {}

    async def answer(request: web.BaseRequest) -> web.Response:
        got.update({name.lower(): value for name, value in request.headers.items()}, path=request.raw_path)
        got["body"] = (await request.read()).decode()
        return web.Response()

    headers = {"X-Api-Key": "env:KEY", "X-Site": "harbor"}
    async with (
        far_side(answer) as port,
        destination(tmp_path, port, "/s/{natural_key}?m={message_id}", bearer="env:BEARER", headers=headers) as one,
    ):
        await one.send(OUTBOUND)

    assert got["idempotency-key"] == "key-1"
    assert got["x-correlation-id"] == "c-1"
    assert got["authorization"] == "Bearer CANARY-bearer"
    assert (got["x-api-key"], got["x-site"]) == ("CANARY-key", "harbor")
    assert got["path"].startswith("/s/S%201%2F2?m=0000")
    assert got["body"] == '{"a":1}'


@pytest.mark.parametrize("natural_key", ["../admin", "a?b=c", "a#b", "a&b=c", "%2e%2e", "a/../../b", "x\r\nHost: y"])
async def test_field_adds_no_path_step_and_no_parameter(tmp_path: Path, natural_key: str) -> None:
    paths: list[str] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        paths.append(request.raw_path)
        return web.Response()

    async with far_side(answer) as port, destination(tmp_path, port, "/in/{natural_key}/x") as one:
        await one.send(msgspec.structs.replace(OUTBOUND, natural_key=natural_key))

    assert paths[0].count("/") == 3
    assert "?" not in paths[0]
    assert ".." not in paths[0].split("/")


@pytest.mark.parametrize("natural_key", ["..", "."])
async def test_field_of_dots_alone_is_refused(tmp_path: Path, natural_key: str) -> None:
    async with far_side(answering(200)) as port, destination(tmp_path, port, "/in/{natural_key}/x") as one:
        with pytest.raises(DestinationError):
            await one.send(msgspec.structs.replace(OUTBOUND, natural_key=natural_key))


async def test_no_answer_in_time_is_unknown(tmp_path: Path) -> None:
    async def silent(request: web.BaseRequest) -> web.Response:
        await asyncio.sleep(60)
        return web.Response()

    error = await sent(tmp_path, silent, timeout="200ms")

    assert isinstance(error, TransportError)
    assert error.sent


async def test_connection_that_ends_after_the_request_is_unknown(tmp_path: Path) -> None:
    async def ends(request: web.BaseRequest) -> web.Response:
        await request.read()
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    error = await sent(tmp_path, ends)

    assert isinstance(error, TransportError)
    assert error.sent


async def test_answer_cut_off_after_a_success_still_is_a_success(tmp_path: Path) -> None:
    async def cut(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(status=201, headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"part")
        assert request.transport is not None
        request.transport.abort()
        return response

    delivered = await sent(tmp_path, cut)

    assert delivered.response in (b"part", None)


async def test_endless_answer_is_cut(tmp_path: Path) -> None:
    async def endless(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(status=200)
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            for _ in range(10_000):
                await response.write(b"x" * 65536)
        return response

    delivered = await sent(tmp_path, endless, max_response="10kB")

    assert len(delivered.response) == 10_000


@pytest.mark.parametrize(
    ("body", "reference"),
    [
        (b'{"invoice":{"id":"PI-7"}}', "PI-7"),
        (b'{"invoice":{"id":7}}', "7"),
        (b'{"invoice":3}', None),
        (b"<xml/>", None),
    ],
)
async def test_reference_is_read_from_the_answer(tmp_path: Path, body: bytes, reference: str | None) -> None:
    delivered = await sent(tmp_path, answering(200, body), reference_field="invoice.id")

    assert delivered.reference == reference


@pytest.mark.parametrize(
    ("settings", "semantics"),
    [
        ({}, Semantics.NEITHER),
        ({"idempotent": True}, Semantics.IDEMPOTENT),
        ({"inquire_url": "http://127.0.0.1/x/{natural_key}"}, Semantics.INQUIRABLE),
    ],
)
async def test_semantics_are_as_set(tmp_path: Path, settings: dict[str, Any], semantics: Semantics) -> None:
    async with destination(tmp_path, 1, **settings) as one:
        assert one.semantics is semantics


@pytest.mark.parametrize(("status", "found"), [(200, True), (404, False), (410, False)])
async def test_inquiry_tells_there_from_not_there(tmp_path: Path, status: int, found: bool) -> None:
    async with far_side(answering(status, b"{}")) as port:
        url = f"http://127.0.0.1:{port}/s/{{natural_key}}"
        async with destination(tmp_path, port, inquire_url=url) as one:
            assert (await one.inquire(OUTBOUND) is not None) is found


@pytest.mark.parametrize("status", [401, 500, 503])
async def test_inquiry_without_a_clear_answer_is_asked_again(tmp_path: Path, status: int) -> None:
    async with (
        far_side(answering(status)) as port,
        destination(tmp_path, port, inquire_url=f"http://127.0.0.1:{port}/s") as one,
    ):
        with pytest.raises(TransportError):
            await one.inquire(OUTBOUND)


async def test_tls_peer_of_an_unknown_authority_is_refused_before_anything_is_sent(tmp_path: Path) -> None:

    seen: list[object] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        seen.append(request)
        return web.Response()

    Authority().issue(tmp_path / "server.pem", tmp_path / "server.key")
    right, wrong = Authority("right"), Authority("wrong")
    right.issue(tmp_path / "server.pem", tmp_path / "server.key")
    right.write(tmp_path / "right.pem")
    wrong.write(tmp_path / "wrong.pem")
    serving = tls_library.SSLContext(tls_library.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    outcomes = []
    async with far_side(answer, serving) as port:
        for ca in ("right.pem", "wrong.pem"):
            url = f"https://127.0.0.1:{port}/in"
            async with destination(tmp_path, port, url=url, tls={"ca": ca}) as one:
                outcomes.append((await one.check()).ok)
                try:
                    await one.send(OUTBOUND)
                except TransportError as error:
                    outcomes.append(error.sent)

    assert outcomes == [True, False, False]
    assert len(seen) == 1


async def test_check_url_is_asked(tmp_path: Path) -> None:
    async with (
        far_side(answering(401)) as port,
        destination(tmp_path, port, check_url=f"http://127.0.0.1:{port}/health") as one,
    ):
        health = await one.check()

    assert not health.ok
    assert "401" in health.text


@pytest.mark.parametrize(
    "settings",
    [
        {"url": "ftp://host/x"},
        {"url": "http://user:secret-canary@host/"},
        {"url": "http://{natural_key}/"},
        {"url": "http://host/{patient}"},
        {"url": "host/x"},
        {"bearer": "secret-canary"},
        {"bearer": "env:A", "basic": {"user": "u", "password": "env:B"}},
        {"headers": {"Authorization": "Bearer secret-canary"}},
        {"headers": {"Idempotency-Key": "x"}},
        {"headers": {"Bad Name": "x"}},
        {"headers": {"X-A": "a\r\nX-B: b"}},
        {"content_type": "text/plain\r\nX: y"},
        {"timeout": "never"},
    ],
)
def test_senseless_settings_are_refused_without_showing_them(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        HttpDestinationSettings.model_validate({"url": "https://host.example/x"} | settings)

    assert "secret-canary" not in str(caught.value)
