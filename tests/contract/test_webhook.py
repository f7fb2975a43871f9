"""The connector contract of `webhook`, and signed webhooks at the door of `http`."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from pydantic import ValidationError

from engine.connectors.catalog import CATALOG
from engine.connectors.http import guard
from engine.connectors.http.settings import WebhookDoorSettings
from engine.connectors.http.source import HttpSource
from engine.connectors.webhook.destination import WebhookDestination
from engine.connectors.webhook.settings import WebhookDestinationSettings
from engine.connectors.webhook.signing import is_signed, key_of, signature, signed_headers
from engine.core.errors import ConfigurationError, DestinationError, TransportError
from engine.core.loopback import free_port
from engine.ports.connector import ConnectorContext, Outbound
from tests.contract.test_http import HttpDestinationHarness
from tests.support.connector_contract import connect_when_up, destination_contract
from tests.support.connector_doubles import Clock, Door, Secrets, context

OLD, NEW = (f"whsec_{base64.b64encode(bytes([number]) * 32).decode()}" for number in (1, 2))
SECRETS = Secrets({"env:OLD": OLD, "env:NEW": NEW, "env:SHORT": "whsec_c2hvcnQ=", "env:WORD": "not base64!"})
KEY = key_of(NEW, "test")


def by_hand(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    """As the standard's page says it, written apart from the engine's own."""
    key = base64.b64decode(secret.split("_")[1])
    mac = hmac.new(key, b".".join([message_id.encode(), timestamp.encode(), body]), hashlib.sha256)
    return "v1," + base64.b64encode(mac.digest()).decode()


# ------------------------------------------------------------------ the kit
class WebhookHarness(HttpDestinationHarness):
    """A far side that verifies, and takes webhook-id as the key."""

    type = "webhook"

    def settings(self) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.port}/hook"
        return {"url": url, "secrets": ["env:NEW", "env:OLD"], "allow_private": True, "timeout": "2s"}

    def context(self) -> ConnectorContext:
        return context(self.folder, secrets=SECRETS)

    async def answer(self, request: web.BaseRequest) -> web.Response:
        body, headers = await request.read(), request.headers
        await self.answering.wait()
        good = by_hand(OLD, headers["webhook-id"], headers["webhook-timestamp"], body)
        if good not in headers["webhook-signature"].split(" "):
            return web.Response(status=401)
        self.seen = headers
        if self.status < 300:
            self.taken.setdefault(headers["webhook-id"], body)
        return web.Response(status=self.status, body=b"an answer that nobody keeps", headers={"Location": "/other"})


TestWebhookContract = destination_contract(WebhookHarness)


def outbound(body: bytes = b'{"a":1}') -> Outbound:
    return Outbound(1, 1, "c", "correlation-1", "key-1", body)


@pytest.fixture
async def far(tmp_path: Path) -> AsyncIterator[tuple[WebhookHarness, WebhookDestination]]:
    harness = WebhookHarness(tmp_path)
    await harness.start()
    made = WebhookDestination(WebhookDestinationSettings.model_validate(harness.settings()), harness.context())
    yield harness, made
    await made.close()
    await harness.stop()


async def test_both_secrets_sign_while_one_is_changed(far: tuple[WebhookHarness, WebhookDestination]) -> None:
    harness, destination = far
    delivered = await destination.send(outbound())

    assert delivered.response is None
    headers = harness.seen
    for given, secret in zip(headers["webhook-signature"].split(" "), (NEW, OLD), strict=True):
        assert given == by_hand(secret, "key-1", headers["webhook-timestamp"], b'{"a":1}')
    assert headers["Content-Type"].startswith("application/cloudevents+json")


async def test_gone_is_held_with_words(far: tuple[WebhookHarness, WebhookDestination]) -> None:
    far[0].status = 410
    with pytest.raises(DestinationError, match="wants no more") as caught:
        await far[1].send(outbound())

    assert "nobody keeps" not in str(caught.value)


async def test_redirects_are_not_followed(far: tuple[WebhookHarness, WebhookDestination]) -> None:
    far[0].status = 307
    with pytest.raises(DestinationError, match="redirects"):
        await far[1].send(outbound())


@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_receiver_is_tried_again(status: int, far: tuple[WebhookHarness, WebhookDestination]) -> None:
    far[0].status = status
    with pytest.raises(TransportError):
        await far[1].send(outbound())


async def test_too_large_is_not_sent(far: tuple[WebhookHarness, WebhookDestination]) -> None:
    with pytest.raises(DestinationError, match="larger than"):
        await far[1].send(outbound(b"x" * (1024**2 + 1)))

    assert far[0].effects() == []


@pytest.mark.parametrize("host", ["10.1.2.3", "127.0.0.1", "169.254.169.254", "[::1]", "[::ffff:10.0.0.1]"])
async def test_private_addresses_are_refused_unless_allowed(host: str, tmp_path: Path) -> None:
    settings = WebhookDestinationSettings.model_validate({"url": f"https://{host}/hook", "secrets": ["env:NEW"]})
    destination = WebhookDestination(settings, context(tmp_path, secrets=SECRETS))
    with pytest.raises(guard.AddressRefusedError):
        await destination.send(outbound())
    await destination.close()


async def test_a_name_that_leads_inside_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the name says when it is connected to counts, not what it said before."""

    async def inside(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.7", 443))]

    settings = WebhookDestinationSettings.model_validate({"url": "https://hooks.example/a", "secrets": ["env:NEW"]})
    destination = WebhookDestination(settings, context(tmp_path, secrets=SECRETS))
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", inside)
    with pytest.raises(guard.AddressRefusedError):
        await destination.send(outbound())
    await destination.close()


@pytest.mark.parametrize(
    "change",
    [
        {"url": "http://hooks.example/a"},
        {"url": "https://hooks.example/{natural_key}"},
        {"secrets": []},
        {"secrets": ["env:A", "env:B", "env:C"]},
        {"secrets": ["whsec_plain"]},
        {"headers": {"Webhook-Id": "mine"}},
        {"headers": {"Authorization": "Bearer plain"}},
    ],
)
def test_settings_that_would_not_be_safe_are_refused(change: dict[str, Any]) -> None:
    usual: dict[str, Any] = {"url": "https://hooks.example/a", "secrets": ["env:NEW"]}
    WebhookDestinationSettings.model_validate(usual)
    with pytest.raises(ValidationError):
        WebhookDestinationSettings.model_validate(usual | change)


@pytest.mark.parametrize("reference", ["env:SHORT", "env:WORD"])
def test_a_weak_secret_is_refused_without_showing_it(reference: str, tmp_path: Path) -> None:
    settings = WebhookDestinationSettings.model_validate({"url": "https://hooks.example/a", "secrets": [reference]})
    with pytest.raises(ConfigurationError) as caught:
        WebhookDestination(settings, context(tmp_path, secrets=SECRETS))

    assert SECRETS.values[reference] not in str(caught.value)


# ------------------------------------------------------------------ verifying
def test_the_published_example_verifies() -> None:
    """The vector that libraries of Standard Webhooks test themselves with."""
    key = key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "test")
    body = b'{"test": 2432232314}'
    made = signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)

    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert is_signed([key], f"v1a,xx {made}", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)


@asynccontextmanager
async def door(tmp_path: Path, **settings: Any) -> AsyncIterator[tuple[str, Door, Clock]]:
    port, clock, taken = free_port(), Clock(), Door()
    signed = {"listen": f"127.0.0.1:{port}", "path": "/hook", "signature": {"secrets": ["env:NEW"]}} | settings
    secrets = Secrets(SECRETS.values | {"env:TOKEN": "a-token"})
    made = HttpSource(WebhookDoorSettings.model_validate(signed), context(tmp_path, secrets=secrets, clock=clock))
    task = asyncio.ensure_future(made.run(taken))
    _, writer = await connect_when_up(port)
    writer.close()
    yield f"http://127.0.0.1:{port}/hook", taken, clock
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def post(url: str, body: bytes, headers: dict[str, str]) -> int:
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=body, headers=headers | {"Content-Type": "application/json"}) as response,
    ):
        await response.read()
        return response.status


def signed(clock: Clock, body: bytes, key: bytes = KEY, message_id: str = "msg_1", off: int = 0) -> dict[str, str]:
    return signed_headers([key], message_id, int(clock.now().timestamp()) + off, body)


async def test_a_signed_webhook_comes_in_once(tmp_path: Path) -> None:
    async with door(tmp_path) as (url, taken, clock):
        headers = signed(clock, b'{"a":1}')
        first = await post(url, b'{"a":1}', headers)
        overheard = await post(url, b'{"a":1}', headers)

    assert (first, overheard) == (202, 200)
    assert [one.natural_id for one in taken.stored] == ["msg_1"]


async def test_what_was_not_signed_so_is_refused(tmp_path: Path) -> None:
    async with door(tmp_path) as (url, taken, clock):
        good = signed(clock, b'{"a":1}')
        answers = [
            await post(url, b'{"a":2}', good),
            await post(url, b'{"a":1}', good | {"webhook-id": "msg_2"}),
            await post(url, b'{"a":1}', signed(clock, b'{"a":1}', key_of(OLD, "test"))),
            await post(url, b'{"a":1}', signed(clock, b'{"a":1}', off=301)),
            await post(url, b'{"a":1}', signed(clock, b'{"a":1}', off=-301)),
            await post(url, b'{"a":1}', good | {"webhook-timestamp": "soon"}),
            await post(url, b'{"a":1}', {}),
        ]

    assert answers == [401] * 7
    assert taken.asked == 0


async def test_an_overheard_webhook_is_refused_when_it_is_old(tmp_path: Path) -> None:
    async with door(tmp_path) as (url, taken, clock):
        headers = signed(clock, b"{}")
        clock.advance(timedelta(minutes=6))
        assert await post(url, b"{}", headers) == 401

    assert taken.asked == 0


@pytest.mark.parametrize("kind", ["fhir", "soap", "fhir_subscription", "as2"])
def test_a_door_that_verifies_no_signature_takes_none_for_a_name(kind: str) -> None:
    entry = CATALOG.sources.get(kind)
    if entry is None:
        pytest.skip("there is no such source")

    assert "signature" not in entry.load().model_fields


async def test_with_a_token_both_are_asked_for(tmp_path: Path) -> None:
    async with door(tmp_path, token="env:TOKEN") as (url, _, clock):
        headers = signed(clock, b"{}")
        answers = [await post(url, b"{}", headers), await post(url, b"{}", {"Authorization": "Bearer a-token"})]
        answers.append(await post(url, b"{}", headers | {"Authorization": "Bearer a-token"}))

    assert answers == [401, 401, 202]
