"""What the shipped channels read is what a FHIR server keeps: their cases go through Medplum and come back."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from engine.channel.load import load_site
from engine.cli.dry_run import runner_for
from engine.connectors.fhir.destination import FhirDestination
from engine.connectors.fhir.poll import FhirPoll
from engine.connectors.fhir.settings import FhirDestinationSettings, FhirPollSettings
from engine.ports.connector import Outbound
from tests.support.connector_doubles import Door, context
from tests.support.medplum import medplum

pytestmark = pytest.mark.integration
ROOT = Path(__file__).resolve().parents[2]
CASES = {
    "PaymentNotice": ("fhir_payment_notices", "payments/fhir_payment_notices.cases/cleared"),
    "Claim": ("fhir_claims", "supply_usage/fhir_claims.cases/claim"),
    "Location": ("fhir_registry", "master_data/fhir_registry.cases/location"),
    "DeviceRequest": ("fhir_supply", "supply_usage/fhir_supply.cases/device_request"),
    "Encounter": ("fhir_supply", "supply_usage/fhir_supply.cases/visit_with_account"),
}
# What Medplum asks for beside what we read; a copy of a claim has them too.
REQUIRED: dict[str, Any] = {
    "Claim": {
        "type": {"coding": [{"code": "institutional"}]},
        "provider": {"reference": "Organization/o1"},
        "priority": {"coding": [{"code": "normal"}]},
        "insurance": [{"sequence": 1, "focal": True, "coverage": {"reference": "Coverage/c1"}}],
    },
}


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with medplum() as base:
        yield base


async def through(root: Path, url: str, kind: str, tree: Any) -> bytes:
    """The resource as the server gives it back."""
    door = Door()
    destination = FhirDestination(FhirDestinationSettings.model_validate({"url": url}), context(root))
    poll = FhirPoll(FhirPollSettings.model_validate({"url": url, "resource": kind}), context(root))
    try:
        await destination.send(Outbound(1, 1, "channel", "c-1", f"k-{kind}", json.dumps(tree).encode()))
        await poll.look(door)
        assert poll.problem is None
    finally:
        await destination.close()
        await poll._client.close()
    return door.accepted[0].body


async def test_the_documents_of_what_a_server_kept_are_those_of_what_was_sent(tmp_path: Path, url: str) -> None:
    site = load_site(ROOT)
    run = runner_for(site)
    for kind, (channel, case) in CASES.items():
        sent = (ROOT / "channels" / case / "input.json").read_bytes()
        back = await through(tmp_path / kind, url, kind, json.loads(sent) | REQUIRED.get(kind, {}))
        first, second = (run(site.channels[channel], body) for body in (sent, back))

        assert numbers_alone(second) == numbers_alone(first), kind
        assert first.documents, kind


def numbers_alone(result: Any) -> Any:
    """JavaScript drops the zeros at the end of 2450.10; it is the same amount."""
    return [_plain(json.loads(one.body)) for one in result.documents]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    text = value if isinstance(value, str) else ""
    return text.rstrip("0").rstrip(".") if "." in text and text.replace(".", "").lstrip("-").isdigit() else value
