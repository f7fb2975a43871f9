"""Medplum's FHIR server at the other end: what we send acts once there, what changes there comes once."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from engine.connectors.fhir.destination import FhirDestination
from engine.connectors.fhir.poll import FhirPoll
from engine.connectors.fhir.settings import FhirDestinationSettings, FhirPollSettings
from engine.core.errors import DestinationError
from engine.ports.connector import Delivered, Outbound
from tests.support.connector_doubles import Door, context
from tests.support.medplum import medplum

pytestmark = pytest.mark.integration
REQUEST = {
    "resourceType": "SupplyRequest", "status": "active", "quantity": {"value": 2.5},
    "itemCodeableConcept": {"text": "Gauze"}, "identifier": [{"system": "urn:requests", "value": "R-1"}],
}  # fmt: skip


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with medplum() as base:
        yield base


async def send(root: Path, url: str, tree: Any, key: str = "k-1", **settings: Any) -> Delivered:
    values = FhirDestinationSettings.model_validate({"url": url} | settings)
    destination = FhirDestination(values, context(root))
    try:
        return await destination.send(Outbound(1, 1, "channel", "c-1", key, json.dumps(tree).encode()))
    finally:
        await destination.close()


async def all_of(url: str, kind: str) -> list[dict[str, Any]]:
    async with aiohttp.ClientSession() as session, session.get(f"{url}/{kind}?_count=100") as response:
        return [one["resource"] for one in json.loads(await response.read()).get("entry", [])]


async def test_what_is_sent_twice_acts_once_and_what_is_refused_is_told(tmp_path: Path, url: str) -> None:
    told = [await send(tmp_path, url, REQUEST) for _ in range(2)]
    transaction = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"resource": REQUEST, "request": {"method": "POST", "url": "SupplyRequest"}}],
    }
    for _ in range(2):
        await send(tmp_path, url, transaction, "k-2", interaction="bundle")
    found = await all_of(url, "SupplyRequest")
    by_number = {"interaction": "conditional_update", "identifier_system": "urn:requests"}
    for status in ("draft", "active"):
        device = {"resourceType": "Device", "status": status, "identifier": REQUEST["identifier"]}
        await send(tmp_path, url, device, **by_number)

    assert told[0].reference == told[1].reference == f"SupplyRequest/{found[0]['id']}"
    assert sorted(one["identifier"][-1]["value"] for one in found) == ["k-1", "k-2.0"]
    assert [one["status"] for one in await all_of(url, "Device")] == ["active"]
    with pytest.raises(DestinationError, match="several resources have our identifier"):
        await send(tmp_path, url, REQUEST, **by_number)


async def test_changes_are_polled_once_each(tmp_path: Path, url: str) -> None:
    """It gives no links to further pages."""
    door = Door()
    how = {"interaction": "conditional_update", "identifier_system": "urn:requests"}
    settings = FhirPollSettings.model_validate({"url": url, "resource": "SupplyRequest", "page": 2})

    async def look() -> None:
        poll = FhirPoll(settings, context(tmp_path))
        await poll.look(door)
        assert poll.problem is None
        await poll._client.close()

    def numbered(n: int, status: str) -> dict[str, Any]:
        return REQUEST | {"status": status, "identifier": [{"system": "urn:requests", "value": f"R-{n}"}]}

    for n in range(5):
        await send(tmp_path, url, numbered(n, "active"), **how)
    await look()
    await send(tmp_path, url, numbered(2, "completed"), **how)
    for _ in range(2):
        await look()

    bodies = [json.loads(one.body) for one in door.accepted]
    assert sorted(one["identifier"][0]["value"] for one in bodies) == ["R-0", "R-1", "R-2", "R-2", "R-3", "R-4"]
    assert bodies[-1]["status"] == "completed"
    assert len({one.natural_id for one in door.accepted}) == 6
