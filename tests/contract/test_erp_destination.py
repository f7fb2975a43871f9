"""The connector contract of destination `erp`, with an ERP in memory behind the port, and its own rules."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from engine.canonical import Document
from engine.connectors.erp import ErpDestination, ErpSettings
from engine.core.errors import ConfigurationError, DestinationError, TransportError
from engine.ports.connector import ConnectorContext, Outbound, Semantics
from tests.support import tryton
from tests.support.connector_contract import DestinationHarness, destination_contract
from tests.support.connector_doubles import context
from tests.support.erp_double import Adapters, ErpDouble


def outbound_of(document: Document, key: str = "key-1") -> Outbound:
    body = document.model_dump_json().encode()
    return Outbound(
        1, 1, "under_test", "correlation-1", key, body, kind=document.kind, natural_key=document.natural_key
    )


class ErpHarness(DestinationHarness):
    type = "erp"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.double = ErpDouble()
        self.double.reachable = False

    def settings(self) -> dict[str, Any]:
        return {"connection": "finance"}

    def context(self) -> ConnectorContext:
        return context(self.folder, services={"erp_adapters": Adapters(self.double)})

    async def start(self) -> None:
        self.double.reachable = True

    async def stop(self) -> None:
        self.double.reachable = self.double.hanging = False

    def refuse(self) -> None:
        self.double.refusing = True

    def hang(self) -> None:
        self.double.hanging = True

    def effects(self) -> list[bytes]:
        return [document.model_dump_json().encode() for document, _ in self.double.documents.values()]

    def outbound(self, key: str = "key-1", body: bytes = b"") -> Outbound:
        sent = outbound_of(tryton.journal_entry("ALLOC-" + key), key)
        return Outbound(1, 1, sent.channel, sent.correlation_id, key, body or sent.body, sent.kind, sent.natural_key)


TestErpDestinationContract = destination_contract(ErpHarness)


@pytest.fixture
def double() -> ErpDouble:
    return ErpDouble()


@pytest.fixture
def destination(double: ErpDouble, tmp_path: Path) -> ErpDestination:
    return ErpDestination(
        ErpSettings(connection="finance"), context(tmp_path, services={"erp_adapters": Adapters(double)})
    )


def test_says_that_it_can_be_asked(destination: ErpDestination) -> None:
    assert destination.semantics is Semantics.INQUIRABLE


async def test_natural_key_is_the_reference_that_people_read(destination: ErpDestination, double: ErpDouble) -> None:
    document = tryton.journal_entry("ALLOC-77")
    delivered = await destination.send(outbound_of(document))
    kept = json.loads(delivered.response or b"")

    assert ("JournalEntry", "ALLOC-77") in double.documents
    assert delivered.reference == kept["reference"]
    assert (kept["state"], kept["total"]) == ("posted", "123.45")


async def test_unknown_outcome_is_cleared_up_by_asking(destination: ErpDestination, double: ErpDouble) -> None:
    outbound = outbound_of(tryton.journal_entry())
    before = await destination.inquire(outbound)
    double.lose_answers = 1
    with pytest.raises(TransportError) as caught:
        await destination.send(outbound)
    after = await destination.inquire(outbound)

    assert caught.value.sent
    assert before is None
    assert after is not None
    assert len(double.documents) == 1


async def test_change_of_a_master_is_sent_again_when_in_doubt(destination: ErpDestination, double: ErpDouble) -> None:
    await destination.send(outbound_of(tryton.supplier()))
    renamed = tryton.supplier().model_copy(update={"name": "Renamed"})
    found = await destination.inquire(outbound_of(renamed))

    assert found is None


async def test_kind_that_the_erp_does_not_take_is_refused(destination: ErpDestination) -> None:
    body = b'{"visit_number": "V1", "event": "A01"}'
    visit = Outbound(1, 1, "c", "c", "k", body, kind="VisitContext", natural_key="V1")
    with pytest.raises(DestinationError, match="VisitContext"):
        await destination.send(visit)


async def test_bytes_without_a_kind_are_refused(destination: ErpDestination) -> None:
    with pytest.raises(DestinationError, match="canonical"):
        await destination.send(Outbound(1, 1, "c", "c", "k", b"MSH|"))


async def test_document_that_breaks_its_rules_names_the_place_not_the_value(destination: ErpDestination) -> None:
    body = b'{"entry_number": "E1", "posted_on": "CANARY", "lines": []}'
    with pytest.raises(DestinationError) as caught:
        await destination.send(Outbound(1, 1, "c", "c", "k", body, kind="JournalEntry"))

    assert "posted_on" in str(caught.value)
    assert "CANARY" not in str(caught.value)


async def test_closing_a_channel_leaves_the_connection_to_others(
    destination: ErpDestination, double: ErpDouble
) -> None:
    await destination.close()

    assert not double.closed


def test_engine_without_erp_adapters_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="ERP"):
        ErpDestination(ErpSettings(connection="finance"), context(tmp_path))


async def test_sends_may_run_side_by_side(destination: ErpDestination, double: ErpDouble) -> None:
    documents = [tryton.journal_entry() for _ in range(5)]
    await asyncio.gather(*(destination.send(outbound_of(d)) for d in documents))

    assert len(double.documents) == 5
    assert destination.parallel == 2
