"""What a setting refers to as a secret is in no error, no word of check(), no log line and no emitted fact.

The far side is of the worst kind: it says back whatever it was sent, with every status, or hangs up.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from engine.connectors.catalog import CATALOG
from engine.core.errors import IsthmusError
from engine.ports.connector import Outbound
from tests.support.asked_server import Answered, Asked, AskedServer
from tests.support.connector_doubles import Door, Secrets, context

CANARY = "KANARI-7f3a-SECRET"
HOOK = "whsec_" + "S0FOQVJJ" * 4
OUT = Outbound(1, 1, "under_test", "c", "key", b'{"resourceType":"Patient"}', natural_key="key")
IN_XML = Outbound(1, 1, "under_test", "c", "key", b'<Order xmlns="urn:x"/>', natural_key="key")
STATUSES = ["200 OK", "301 Elsewhere", "400 Bad", "401 Who", "403 No", "404 None", "409 Conflict", "422 Bad",
            "429 Later", "500 Broken", "503 Busy"]  # fmt: skip
OAUTH = {"token_url": "{url}/token", "client_id": "us", "client_secret": "env:S", "scope": "s"}
S3 = {"endpoint": "{url}", "bucket": "prices", "access_key": "env:S", "secret_key": "env:S", "session_token": "env:S"}
USUAL = {"timeout": "1s", "connect_timeout": "1s"}
DESTINATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "http bearer": ("http", {"url": "{url}/in", "bearer": "env:S"}),
    "http basic": ("http", {"url": "{url}/in", "basic": {"user": "u", "password": "env:S"}}),
    "http header": ("http", {"url": "{url}/in", "headers": {"X-Key": "env:S"}, "check_url": "{url}/check"}),
    "webhook": ("webhook", {"url": "{url}/in", "secrets": ["env:H"], "allow_private": True}),
    "soap": ("soap", {"url": "{url}/in", "username_token": {"user": "u", "password": "env:S"}}),
    "fhir bearer": ("fhir", {"url": "{url}/fhir", "bearer": "env:S"}),
    "fhir oauth": ("fhir", {"url": "{url}/fhir", "oauth2": OAUTH}),
    "s3": ("s3", S3),
}
SOURCES: dict[str, tuple[str, dict[str, Any]]] = {
    "http_poll bearer": ("http_poll", {"url": "{url}/list", "every": "1s", "bearer": "env:S"}),
    "http_poll parameter": ("http_poll", {"url": "{url}/list", "every": "1s", "parameters": {"key": "env:S"}}),
    "http_poll oauth": ("http_poll", {"url": "{url}/list", "every": "1s", "oauth2": OAUTH}),
    "fhir_poll": ("fhir_poll", {"url": "{url}/fhir", "resource": "Patient", "bearer": "env:S"}),
    "s3": ("s3", S3),
}


def _at(url: str, settings: Any) -> Any:
    if isinstance(settings, dict):
        return {name: _at(url, value) for name, value in settings.items()}
    return settings.replace("{url}", url) if isinstance(settings, str) else settings


def _around(folder: Path, told: list[str]) -> Any:
    secrets = Secrets({"env:S": CANARY, "env:H": HOOK})

    def emit(*facts: object) -> None:
        told.append(repr(facts))

    return context(folder, secrets=secrets, emit=emit)


def _echo(status: str) -> Any:
    def answer(asked: Asked) -> Answered:
        said = " ".join([CANARY, HOOK, *asked.headers.values(), *asked.query.values()])
        return Answered(said.encode() + asked.body, status, (f"WWW-Authenticate: {CANARY}", f"Location: /{CANARY}"))

    return answer


async def _tried(work: Any, told: list[str]) -> None:
    try:
        told.append(repr(await work))
    except IsthmusError as error:
        told += [str(error), repr(error), repr(error.__cause__), repr(vars(error))]


def _leaks(told: list[str], log: str) -> list[str]:
    words = (CANARY, HOOK)
    return [one[:300] for one in [*told, *log.splitlines()] if any(word in one for word in words)]


@pytest.mark.parametrize(
    "name", [pytest.param(one, marks=pytest.mark.slow) if one == "s3" else one for one in DESTINATIONS]
)
async def test_no_failure_of_a_destination_tells_a_secret(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kind, settings = DESTINATIONS[name]
    caplog.set_level(logging.INFO)
    told: list[str] = []
    async with AskedServer(_echo("200 OK")) as server:
        entry = CATALOG.destinations[kind]
        made = entry.load().model_validate(_at(server.url, settings) | USUAL)
        destination = entry.build(made, _around(tmp_path, told))
        for status in STATUSES[1:]:
            server.answer = _echo(status)
            await _tried(destination.check(), told)
            await _tried(destination.send(IN_XML if kind == "soap" else OUT), told)
    await _tried(destination.check(), told)  # nobody is there any more
    await _tried(destination.send(IN_XML if kind == "soap" else OUT), told)
    told += [repr(made), str(made), repr(destination)]
    await destination.close()

    assert len(told) > len(STATUSES)
    assert _leaks([one for one in told if not one.startswith("Delivered(")], caplog.text) == []


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("status", ["200 OK", "401 Who", "500 Broken"])
async def test_no_failure_of_a_source_tells_a_secret(
    name: str, status: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kind, settings = SOURCES[name]
    caplog.set_level(logging.INFO)
    told: list[str] = []
    async with AskedServer(_echo(status)) as server:
        entry = CATALOG.sources[kind]
        source = entry.build(entry.load().model_validate(_at(server.url, settings) | USUAL), _around(tmp_path, told))
        running = asyncio.ensure_future(source.run(Door()))
        await asyncio.wait([running], timeout=0.1)
        await _tried(source.check(), told)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    assert told != []
    assert _leaks(told, caplog.text) == []
