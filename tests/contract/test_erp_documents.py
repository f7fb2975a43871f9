"""The connector contract of source `erp_documents`, with an ERP in memory, and its own rules."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from engine.canonical import Receipt, ReceiptLine, Supplier
from engine.connectors.erp_documents import ErpDocumentsSettings, ErpDocumentsSource
from engine.core.errors import ConfigurationError
from engine.flow.feeds import Looks
from engine.ports.connector import ConnectorContext
from engine.procure.process import Process
from engine.store.open import Store
from tests.support import tryton
from tests.support.connector_contract import Answer, Door, SourceHarness, source_contract
from tests.support.connector_doubles import Clock, context
from tests.support.erp_double import Adapters, ErpDouble

_NO_PEER = "the ERP is asked: nobody connects and nobody sends bodies"
ORDER = tryton.order("PO-1")


def stocked_double() -> ErpDouble:
    double = ErpDouble()
    for document in (tryton.supplier(), tryton.item(), ORDER):
        double._keep(document)
    return double


class Storekeeper:
    """A user of the ERP who books what came."""

    def __init__(self, harness: DocumentsHarness) -> None:
        self.harness = harness

    async def send(self, body: bytes) -> Answer:
        stored = len(self.harness.door.stored)
        receipt = tryton.receipt(ORDER)
        await self.harness.double.post(receipt, receipt.natural_key)
        while len(self.harness.door.stored) == stored:
            await asyncio.sleep(0.01)
        return Answer.ACCEPTED

    async def close(self) -> None:
        """A storekeeper holds nothing."""


class DocumentsHarness(SourceHarness):
    type = "erp_documents"
    exempt = dict.fromkeys(("repeat", "conflict", "oversize", "protocol", "tls", "store_failure"), _NO_PEER)

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.double = stocked_double()

    def settings(self) -> dict[str, Any]:
        return {"connection": "finance", "documents": ["Receipt"], "every": "500ms"}

    def context(self) -> ConnectorContext:
        return context(self.folder, clock=_now(), services={"erp_adapters": Adapters(self.double)})

    async def connect(self) -> Storekeeper:
        return Storekeeper(self)

    def message(self, key: str, text: str = "text", size: int = 0) -> bytes:
        return b""


TestErpDocumentsContract = source_contract(DocumentsHarness)


def _now() -> Clock:
    return Clock(datetime.now(UTC))


def source_of(folder: Path, double: ErpDouble, *kinds: str, **services: Any) -> ErpDocumentsSource:
    settings = ErpDocumentsSettings.model_validate({"connection": "finance", "documents": kinds or ("Receipt",)})
    known = {"erp_adapters": Adapters(double), **services}
    return ErpDocumentsSource(settings, context(folder, clock=_now(), services=known))


async def test_each_kind_is_told_once_and_again_when_it_changed(tmp_path: Path) -> None:
    double, door = stocked_double(), Door()
    source = source_of(tmp_path, double, "Supplier", "Item")
    for _ in range(2):
        await source.look(door)
    double._keep(Supplier(supplier_number=tryton.SUPPLIER, name="Renamed"))
    await source.look(door)

    assert [one.message_type for one in door.stored] == ["Supplier", "Item", "Supplier"]


async def test_what_was_told_before_a_restart_is_a_duplicate_then(tmp_path: Path) -> None:
    double, door = stocked_double(), Door()
    for _ in range(2):
        await source_of(tmp_path, double, "Supplier").look(door)

    assert (door.asked, len(door.stored)) == (2, 1)


async def test_what_becomes_again_what_it_was_is_told_again(tmp_path: Path) -> None:
    double, door = stocked_double(), Door()
    source = source_of(tmp_path, double, "Supplier")
    for mark in ("1", "2", "3"):
        double.marks["Supplier", tryton.SUPPLIER] = mark
        await source.look(door)

    assert len(door.stored) == 3


async def test_a_receipt_that_was_sent_there_with_its_lots_is_not_told_back_without_them(
    store: Store, tmp_path: Path
) -> None:
    double, door = stocked_double(), Door()
    scanned = tryton.receipt(ORDER, "GR-1")
    lots = tuple(line.model_copy(update={"lot": "L7"}) for line in scanned.lines)
    process = Process(store.records, _now(), lambda: None)
    await process.take(scanned.model_copy(update={"lines": lots}))
    for one in (scanned, tryton.receipt(ORDER, "GR-2")):
        await double.post(one, one.natural_key)
    await source_of(tmp_path, double, records=store.records).look(door)

    assert [Receipt.model_validate_json(one.body).receipt_number for one in door.stored] == ["GR-2"]


async def test_a_receipt_that_was_corrected_there_is_told(store: Store, tmp_path: Path) -> None:
    double, door = stocked_double(), Door()
    scanned = tryton.receipt(ORDER, "GR-1")
    await Process(store.records, _now(), lambda: None).take(scanned)
    line: ReceiptLine = scanned.lines[0].model_copy(update={"quantity": tryton.boxes("3")})
    await double.post(scanned.model_copy(update={"lines": (line,)}), "GR-1")
    await source_of(tmp_path, double, records=store.records).look(door)

    assert len(door.stored) == 1


async def test_a_complete_look_is_told_and_one_that_failed_is_not(tmp_path: Path) -> None:
    double, looks = stocked_double(), Looks()
    source = source_of(tmp_path, double, looks=looks)
    double.reachable = False
    await source.look(Door())
    later = datetime(2100, 1, 1, tzinfo=UTC)
    before = looks.until("under_test", later)
    double.reachable = True
    await source.look(Door())

    assert before is None
    assert looks.until("under_test", later) is not None


def test_an_erp_that_is_not_asked_for_such_documents_says_so(tmp_path: Path) -> None:
    class Old(ErpDouble):
        told_kinds = frozenset({"Supplier"})

    with pytest.raises(ConfigurationError, match="Receipt"):
        source_of(tmp_path, Old())
