"""The connector contract of source `erp_reconciliation`, and what a comparison finds and closes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from engine.canonical import Invoice, PostingResult, ReconciliationReport
from engine.connectors.erp_reconciliation import ErpReconciliationSettings, ErpReconciliationSource, months_until
from engine.core.clock import SystemClock
from engine.ports.connector import ConnectorContext
from engine.ports.ledger_view import LedgerEntry
from engine.procure.process import Process
from engine.procure.reconciliation.books import Books
from engine.store.open import Store
from tests.support import tryton
from tests.support.connector_contract import Answer, Door, SourceHarness, source_contract
from tests.support.connector_doubles import Clock, context
from tests.support.erp_double import Adapters, ErpDouble
from tests.support.purchases import SUPPLIER, billed, invoice, order, receipt

_NO_PEER = "the ERP is asked: nobody connects and nobody sends bodies"
DOSSIER = "reconciliation:erp/Invoice/2026-11"


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    """One kind of store: what is compared is the same for all of them."""
    return f"sqlite:///{tmp_path}/journal.db"


class NoBooks:
    async def report(
        self, system: str, period: str, theirs: Sequence[LedgerEntry], at: datetime
    ) -> ReconciliationReport:
        return ReconciliationReport(
            system=system, subject_kind="Invoice", period=period, compared_at=at, count_here=0, count_there=0
        )


class Waiting:
    """Somebody who waits for the next comparison."""

    def __init__(self, harness: BooksHarness) -> None:
        self.harness = harness

    async def send(self, body: bytes) -> Answer:
        asked, stored = self.harness.door.asked, len(self.harness.door.stored)
        while len(self.harness.door.stored) == stored:
            await asyncio.sleep(0.01)
            if self.harness.door.failure is not None and self.harness.door.asked > asked:
                return Answer.SILENT
        return Answer.ACCEPTED

    async def close(self) -> None:
        """Nothing is held."""


class BooksHarness(SourceHarness):
    type = "erp_reconciliation"
    exempt = dict.fromkeys(("repeat", "conflict", "oversize", "protocol", "tls", "store_failure"), _NO_PEER)

    def settings(self) -> dict[str, Any]:
        return {"connection": "finance", "every": "50ms", "months": 1}

    def context(self) -> ConnectorContext:
        services = {"erp_adapters": Adapters(ErpDouble()), "books": NoBooks()}
        return context(self.folder, clock=SystemClock(), services=services)

    async def connect(self) -> Waiting:
        return Waiting(self)

    def message(self, key: str, text: str = "text", size: int = 0) -> bytes:
        return b""


TestErpReconciliationContract = source_contract(BooksHarness)


def test_months_go_back_over_the_year() -> None:
    assert list(months_until(date(2027, 1, 31), 3)) == ["2027-01", "2026-12", "2026-11"]


class Scene:
    """A process with three invoices to post, and an ERP in memory."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store, self.erp = store, ErpDouble()
        self.clock = Clock(datetime(2026, 11, 20, 12, 0, tzinfo=UTC))
        self.process = Process(store.records, self.clock, lambda: None)
        for master in (SUPPLIER, tryton.item("M1")):
            self.erp._keep(master)
        services = {"erp_adapters": Adapters(self.erp), "books": Books(store.records)}
        settings = ErpReconciliationSettings(connection="finance", months=1)
        self.source = ErpReconciliationSource(settings, context(folder, clock=self.clock, services=services))

    async def invoiced(self, *numbers: str) -> None:
        for document in (order(), receipt(str(10)), *(invoice(billed("2"), number=one) for one in numbers)):
            await self.process.take(document)

    async def posted(self, found: Invoice, there: Invoice | None = None) -> None:
        """The ERP has it, as `there` says, and told so."""
        if there is not None:
            await self.erp.post(there, there.natural_key)
        answer = PostingResult(
            dossier="order:PO-1", command="post_invoice", subject_kind="Invoice", subject_key=found.natural_key,
            ok=True, answered_at=self.clock.now(),
        )  # fmt: skip
        await self.process.answered(answer)

    async def compared(self) -> list[tuple[str, str]]:
        """Open cases after the next comparison: type and place."""
        door = Door()
        await self.source.look(door)
        for one in door.stored:
            await self.process.take(ReconciliationReport.model_validate_json(one.body))
        found = (await self.store.records.load(DOSSIER)).cases
        return sorted((one.type, str(one.facts["document"])) for one in found if one.state == "open")


def made(number: str, amount: str = "2") -> Invoice:
    return invoice(billed(amount), number=number)


async def test_what_only_the_erp_has_what_it_lost_and_what_it_has_otherwise_are_cases(
    store: Store, tmp_path: Path
) -> None:
    scene = Scene(store, tmp_path)
    await scene.invoiced("I-1", "I-2", "I-3")
    await scene.posted(made("I-1"), there=made("I-1"))
    await scene.posted(made("I-2"), there=made("I-2", "3"))
    await scene.posted(made("I-3"))
    await scene.erp.post(made("BY-HAND"), "S1/BY-HAND")

    assert await scene.compared() == [
        ("drift_amount", "S1/I-2"),
        ("drift_missing_here", "S1/BY-HAND"),
        ("drift_missing_there", "S1/I-3"),
    ]


async def test_what_is_under_way_is_no_difference(store: Store, tmp_path: Path) -> None:
    scene = Scene(store, tmp_path)
    await scene.invoiced("I-1", "I-2")
    await scene.erp.post(made("I-1"), "S1/I-1")  # it has not answered yet

    assert await scene.compared() == []


async def test_a_difference_that_was_put_right_is_gone_after_the_next_comparison(store: Store, tmp_path: Path) -> None:
    scene = Scene(store, tmp_path)
    await scene.invoiced("I-1")
    await scene.posted(made("I-1"))
    before = await scene.compared()
    await scene.erp.post(made("I-1"), "S1/I-1")
    scene.clock.seconds += 1

    assert (before, await scene.compared()) == ([("drift_missing_there", "S1/I-1")], [])


async def test_what_was_taken_back_is_missed_by_nobody(store: Store, tmp_path: Path) -> None:
    scene = Scene(store, tmp_path)
    await scene.invoiced("I-1")
    await scene.posted(made("I-1"))
    scene.clock.seconds += 1
    undone = PostingResult(
        dossier="order:PO-1", command="undo_post_invoice", subject_kind="Invoice", subject_key="S1/I-1",
        ok=True, answered_at=scene.clock.now(),
    )  # fmt: skip
    await scene.process.answered(undone)
    assert await scene.compared() == []

    await scene.erp.post(made("I-1"), "S1/I-1")  # it is there all the same
    scene.clock.seconds += 1
    assert await scene.compared() == [("drift_missing_here", "S1/I-1")]
