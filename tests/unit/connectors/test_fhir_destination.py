"""The FHIR client: what it asks, what it makes of answers, how it proves who it is."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from pydantic import ValidationError

from engine.connectors.fhir.destination import FhirDestination
from engine.connectors.fhir.settings import FhirDestinationSettings
from engine.core.errors import ConfigurationError, DestinationError, TransportError
from engine.core.loopback import free_port
from engine.ports.connector import Outbound, Semantics
from tests.support.connector_doubles import Clock, Secrets, context

REQUEST = b'{"resourceType": "SupplyRequest", "quantity": {"value": 10.10}}'
Answering = Callable[[web.BaseRequest, bytes], web.Response]


class FarSide:
    """A server that keeps what it was asked and answers as told; tokens are given at /token."""

    def __init__(self) -> None:
        self.port = free_port()
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        self.tokens: list[tuple[dict[str, str], dict[str, str]]] = []
        self.answer: Answering = lambda request, body: web.Response(status=201)
        self.token_status = 200

    async def handle(self, request: web.BaseRequest) -> web.Response:
        body = await request.read()
        if request.path == "/token":
            form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
            self.tokens.append((form, dict(request.headers)))
            told = {"access_token": f"token-{len(self.tokens)}", "expires_in": 300, "token_type": "bearer"}
            return web.json_response(told, status=self.token_status)
        self.asked.append((request.method, request.path_qs, dict(request.headers), body))
        return self.answer(request, body)


@contextlib.asynccontextmanager
async def sending(
    root: Path, secrets: dict[str, str] | None = None, clock: Clock | None = None, **settings: Any
) -> AsyncIterator[tuple[FhirDestination, FarSide]]:
    far = FarSide()
    server = web.Server(far.handle, access_log=None)
    listener = await asyncio.get_running_loop().create_server(server, "127.0.0.1", far.port)
    if "oauth2" in settings:
        settings["oauth2"] = {"token_url": f"http://127.0.0.1:{far.port}/token", "client_id": "us"} | settings["oauth2"]
    values = FhirDestinationSettings.model_validate({"url": f"http://127.0.0.1:{far.port}/fhir"} | settings)
    destination = FhirDestination(values, context(root, secrets=Secrets(secrets), clock=clock or Clock()))
    try:
        yield destination, far
    finally:
        await destination.close()
        listener.close()
        await server.shutdown(0.05)


def outbound(body: bytes = REQUEST, key: str = "k-1") -> Outbound:
    return Outbound(1, 1, "channel", "correlation-1", key, body)


def outcome(*issues: dict[str, Any]) -> bytes:
    return json.dumps({"resourceType": "OperationOutcome", "issue": list(issues)}).encode()


# ---------------------------------------------------------------- what is asked
async def test_conditional_create_carries_our_identifier_and_keeps_digits(tmp_path: Path) -> None:
    async with sending(tmp_path) as (destination, far):
        far.answer = lambda request, body: web.Response(
            status=201, headers={"Location": f"http://127.0.0.1:{far.port}/fhir/SupplyRequest/77/_history/1"}
        )
        delivered = await destination.send(outbound())

    [(method, path, headers, body)] = far.asked
    assert (method, path, destination.semantics) == ("POST", "/fhir/SupplyRequest", Semantics.IDEMPOTENT)
    assert parse_qs(headers["If-None-Exist"]) == {"identifier": ["urn:isthmus:delivery|k-1"]}
    assert json.loads(body)["identifier"] == [{"system": "urn:isthmus:delivery", "value": "k-1"}]
    assert b'"value":10.10' in body
    assert headers["Content-Type"] == "application/fhir+json"
    assert delivered.reference == "SupplyRequest/77"


async def test_identifier_of_the_resource_itself_is_used(tmp_path: Path) -> None:
    own = b'{"resourceType": "SupplyRequest", "identifier": [{"system": "urn:our:requests", "value": "R|1"}]}'
    async with sending(tmp_path, identifier_system="urn:our:requests") as (destination, far):
        await destination.send(outbound(own))

    [(_, _, headers, body)] = far.asked
    assert parse_qs(headers["If-None-Exist"]) == {"identifier": [r"urn:our:requests|R\|1"]}
    assert body == own


async def test_conditional_update_names_the_resource_by_its_identifier(tmp_path: Path) -> None:
    own = b'{"resourceType": "Organization", "identifier": [{"system": "urn:suppliers", "value": "S1001"}]}'
    async with sending(tmp_path, interaction="conditional_update", identifier_system="urn:suppliers") as (there, far):
        far.answer = lambda request, sent: web.Response(status=200, headers={"Location": "/fhir/Organization/o1"})
        delivered = await there.send(outbound(own))
        far.answer = lambda request, sent: web.Response(status=412)
        with pytest.raises(DestinationError, match="several resources"):
            await there.send(outbound(own))

    assert far.asked[0][:2] == ("PUT", "/fhir/Organization?identifier=urn:suppliers%7CS1001")
    assert (far.asked[0][3], there.semantics, delivered.reference) == (own, Semantics.IDEMPOTENT, "Organization/o1")


def test_if_match_is_for_updates_by_id() -> None:
    with pytest.raises(ValidationError, match="if_match"):
        FhirDestinationSettings(url="https://x.example/fhir", interaction="conditional_update", if_match=True)


async def test_update_is_put_to_its_id_and_may_name_the_version(tmp_path: Path) -> None:
    body = b'{"resourceType":"Device","id":"d1","meta":{"versionId":"3"}}'
    async with sending(tmp_path, interaction="update", if_match=True) as (destination, far):
        far.answer = lambda request, sent: web.Response(status=200)
        await destination.send(outbound(body))

    [(method, path, headers, sent)] = far.asked
    assert (method, path, headers["If-Match"], sent) == ("PUT", "/fhir/Device/d1", 'W/"3"', body)


async def test_creates_in_a_bundle_are_made_conditional(tmp_path: Path) -> None:
    entries = [
        {"resource": {"resourceType": "Device"}, "request": {"method": "POST", "url": "Device"}},
        {"resource": {"resourceType": "Device", "id": "d"}, "request": {"method": "PUT", "url": "Device/d"}},
    ]
    body = json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}).encode()
    async with sending(tmp_path, interaction="bundle") as (destination, far):
        far.answer = lambda request, sent: web.Response(status=200)
        await destination.send(outbound(body))

    [(method, path, _, sent)] = far.asked
    first, second = json.loads(sent)["entry"]
    assert (method, path) == ("POST", "/fhir")
    assert parse_qs(first["request"]["ifNoneExist"]) == {"identifier": ["urn:isthmus:delivery|k-1.0"]}
    assert first["resource"]["identifier"][0]["value"] == "k-1.0"
    assert second == entries[1]


async def test_message_goes_to_its_operation_and_claims_nothing_about_repeats(tmp_path: Path) -> None:
    body = b'{"resourceType":"Bundle","type":"message","entry":[]}'
    async with sending(tmp_path, interaction="process_message") as (destination, far):
        far.answer = lambda request, sent: web.Response(status=200)
        await destination.send(outbound(body))

    assert (far.asked[0][1], far.asked[0][3]) == ("/fhir/$process-message", body)
    assert destination.semantics is Semantics.NEITHER


@pytest.mark.parametrize(
    ("interaction", "body", "where"),
    [
        ("create", b"CANARY", "line 1, column 1"),
        ("create", b'{"resourceType": "CANARY CANARY"}', "resourceType"),
        ("create", b'{"resourceType": "Bundle", "identifier": {"value": "CANARY"}}', "identifier"),
        ("update", b'{"resourceType": "Device", "id": "CANARY/1"}', "Device.id"),
        ("bundle", b'{"resourceType": "Device"}', "Bundle.type"),
        ("bundle", b'{"resourceType": "Bundle", "type": "batch"}', "Bundle.entry"),
        ("bundle", b'{"resourceType": "Bundle", "type": "batch", "entry": ["CANARY"]}', "Bundle.entry[0]"),
        ("process_message", b'{"resourceType": "Bundle", "type": "batch"}', "Bundle.type"),
    ],
)
async def test_what_cannot_be_sent_is_refused_before_it_leaves(
    tmp_path: Path, interaction: str, body: bytes, where: str
) -> None:
    async with sending(tmp_path, interaction=interaction) as (destination, far):
        with pytest.raises(DestinationError) as caught:
            await destination.send(outbound(body))

    assert caught.value.where == where
    assert "CANARY" not in str(caught.value)
    assert far.asked == []


# ---------------------------------------------------------------- what is made of answers
@pytest.mark.parametrize(("status", "sent"), [(429, False), (503, False), (500, True), (408, True)])
async def test_busy_server_is_tried_again_when_it_says(tmp_path: Path, status: int, sent: bool) -> None:
    async with sending(tmp_path) as (destination, far):
        far.answer = lambda request, body: web.Response(status=status, headers={"Retry-After": "7"})
        with pytest.raises(TransportError) as caught:
            await destination.send(outbound())

    assert (caught.value.sent, caught.value.retry_after) == (sent, 7.0)


async def test_refusal_is_told_by_types_and_places_and_never_by_words(tmp_path: Path) -> None:
    issues = (
        {"severity": "error", "code": "required", "diagnostics": "CANARY", "expression": ["SupplyRequest.item"]},
        {"severity": "error", "code": "CANARY", "expression": ["x.where(a='CANARY')"]},
    )
    async with sending(tmp_path) as (destination, far):
        far.answer = lambda request, body: web.Response(status=422, body=outcome(*issues))
        with pytest.raises(DestinationError) as caught:
            await destination.send(outbound())

    assert "required at SupplyRequest.item" in str(caught.value)
    assert "CANARY" not in str(caught.value)


async def test_several_matches_wait_for_a_person(tmp_path: Path) -> None:
    async with sending(tmp_path) as (destination, far):
        far.answer = lambda request, body: web.Response(status=412)
        with pytest.raises(DestinationError, match="several resources have our identifier"):
            await destination.send(outbound())


@pytest.mark.parametrize(
    ("status", "error"),
    [("422 Unprocessable", DestinationError), ("503", TransportError), ("500 Oops", TransportError)],
)
async def test_entry_that_failed_in_a_batch_is_not_delivered(
    tmp_path: Path, status: str, error: type[Exception]
) -> None:
    answer = {"resourceType": "Bundle", "entry": [{"response": {"status": "201"}}, {"response": {"status": status}}]}
    body = json.dumps(
        {
            "resourceType": "Bundle",
            "type": "batch",
            "entry": [{"request": {"method": "DELETE", "url": "Device/1"}}] * 2,
        }
    ).encode()
    async with sending(tmp_path, interaction="bundle") as (destination, far):
        far.answer = lambda request, sent: web.json_response(answer)
        with pytest.raises(error) as caught:
            await destination.send(outbound(body))

    assert "Bundle.entry[1]" in str(caught.value)


@pytest.mark.parametrize(
    ("found", "is_there"),
    [
        ({"resourceType": "Bundle", "total": 0}, False),
        ({"resourceType": "Bundle", "total": 1}, True),
        ({"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "SupplyRequest"}}]}, True),
    ],
)
async def test_plain_create_can_be_asked_for(tmp_path: Path, found: dict[str, Any], is_there: bool) -> None:
    async with sending(tmp_path, interaction="create") as (destination, far):
        far.answer = lambda request, body: web.json_response(found)
        answer = await destination.inquire(outbound())

    [(method, path, _, _)] = far.asked
    query = parse_qs(path.partition("?")[2])
    assert (method, query["identifier"]) == ("GET", ["urn:isthmus:delivery|k-1"])
    assert destination.semantics is Semantics.INQUIRABLE
    assert (answer is not None) is is_there


@pytest.mark.parametrize(
    ("there", "is_there"),
    [
        (b'{"resourceType":"Device","id":"d1","meta":{"versionId":"4"},"status":"active"}', True),
        (b'{"resourceType":"Device","id":"d1","meta":{"versionId":"4"},"status":"inactive"}', False),
        (b"<html>", False),
    ],
)
async def test_update_of_a_version_can_be_asked_for(tmp_path: Path, there: bytes, is_there: bool) -> None:
    body = b'{"resourceType":"Device","id":"d1","meta":{"versionId":"3"},"status":"active"}'
    async with sending(tmp_path, interaction="update", if_match=True) as (destination, far):
        far.answer = lambda request, sent: web.Response(status=200, body=there)
        found = await destination.inquire(outbound(body))
        far.answer = lambda request, sent: web.Response(status=404)
        absent = await destination.inquire(outbound(body))

    assert destination.semantics is Semantics.INQUIRABLE
    assert ((found is not None), absent) == (is_there, None)


async def test_search_that_is_not_answered_with_a_bundle_is_asked_again_later(tmp_path: Path) -> None:
    async with sending(tmp_path, interaction="create") as (destination, far):
        far.answer = lambda request, body: web.Response(status=200, body=b"<html>")
        with pytest.raises(TransportError):
            await destination.inquire(outbound())


# ---------------------------------------------------------------- who we are
def pem(key: Any) -> str:
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return str(key.private_bytes(*form).decode())


def opened(jwt: str) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes]:
    parts = [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in jwt.split(".")]
    return json.loads(parts[0]), json.loads(parts[1]), jwt.rpartition(".")[0].encode(), parts[2]


async def test_rsa_assertion_is_signed_as_smart_asks(tmp_path: Path) -> None:
    key = rsa.generate_private_key(65537, 2048)
    oauth = {"private_key": "env:KEY", "key_id": "k1", "scope": "system/SupplyRequest.write"}
    async with sending(tmp_path, {"env:KEY": pem(key)}, oauth2=oauth) as (destination, far):
        await destination.send(outbound())

    [(form, _)] = far.tokens
    header, claims, text, signature = opened(form["client_assertion"])
    key.public_key().verify(signature, text, padding.PKCS1v15(), hashes.SHA384())
    assert header == {"alg": "RS384", "typ": "JWT", "kid": "k1"}
    assert (claims["iss"], claims["sub"], claims["aud"]) == ("us", "us", f"http://127.0.0.1:{far.port}/token")
    assert 0 < claims["exp"] - claims["iat"] <= 300
    assert (form["grant_type"], form["scope"]) == ("client_credentials", "system/SupplyRequest.write")
    assert far.asked[0][2]["Authorization"] == "Bearer token-1"


async def test_ec_assertion_is_signed_as_smart_asks(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    async with sending(tmp_path, {"env:KEY": pem(key)}, oauth2={"private_key": "env:KEY"}) as (destination, far):
        await destination.send(outbound())

    header, _, text, signature = opened(far.tokens[0][0]["client_assertion"])
    pair = int.from_bytes(signature[:48], "big"), int.from_bytes(signature[48:], "big")
    key.public_key().verify(utils.encode_dss_signature(*pair), text, ec.ECDSA(hashes.SHA384()))
    assert (header["alg"], len(signature)) == ("ES384", 96)


async def test_token_is_kept_until_shortly_before_its_end(tmp_path: Path) -> None:
    clock = Clock()
    oauth = {"client_secret": "env:SECRET"}
    async with sending(tmp_path, {"env:SECRET": "s"}, clock, oauth2=oauth) as (destination, far):
        await asyncio.gather(destination.send(outbound()), destination.send(outbound(key="k-2")))
        clock.advance(timedelta(seconds=280))
        await destination.send(outbound(key="k-3"))

    assert len(far.tokens) == 2
    assert far.tokens[0][1]["Authorization"] == f"Basic {base64.b64encode(b'us:s').decode()}"
    assert [one[2]["Authorization"] for one in far.asked] == ["Bearer token-1"] * 2 + ["Bearer token-2"]


async def test_token_that_is_not_taken_is_replaced_once(tmp_path: Path) -> None:
    oauth = {"client_secret": "env:SECRET"}
    async with sending(tmp_path, {"env:SECRET": "s"}, oauth2=oauth) as (destination, far):
        far.answer = lambda request, body: web.Response(
            status=201 if request.headers["Authorization"].endswith("2") else 401
        )
        await destination.send(outbound())
        far.answer = lambda request, body: web.Response(status=401)
        with pytest.raises(DestinationError):
            await destination.send(outbound())

    assert len(far.asked) == 4


async def test_token_that_is_not_given_means_nothing_was_sent(tmp_path: Path) -> None:
    async with sending(tmp_path, {"env:SECRET": "CANARY"}, oauth2={"client_secret": "env:SECRET"}) as (there, far):
        far.token_status = 500
        with pytest.raises(TransportError) as caught:
            await there.send(outbound())
        health = await there.check()

    assert not caught.value.sent
    assert "CANARY" not in str(caught.value)
    assert not health.ok
    assert far.asked == []


def test_key_that_cannot_sign_is_a_mistake_of_the_configuration(tmp_path: Path) -> None:
    weak = pem(ec.generate_private_key(ec.SECP256R1()))
    oauth = {"token_url": "https://x.example/token", "client_id": "us", "private_key": "env:KEY"}
    settings = FhirDestinationSettings.model_validate({"url": "https://x.example/fhir", "oauth2": oauth})
    for text in (weak, "no key"):
        with pytest.raises(ConfigurationError) as caught:
            FhirDestination(settings, context(tmp_path, secrets=Secrets({"env:KEY": text})))

        assert text not in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        {"url": "ftp://x/fhir"},
        {"url": "https://me:pass@x.example/fhir"},
        {"url": "https://x.example/fhir?a=1"},
        {"bearer": "env:T", "basic": {"user": "u", "password": "env:P"}},
        {"oauth2": {"token_url": "https://x.example/t", "client_id": "us"}},
        {"identifier_system": "has|bar"},
        {"bearer": "a-secret-in-clear"},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        FhirDestinationSettings.model_validate({"url": "https://x.example/fhir"} | change)
