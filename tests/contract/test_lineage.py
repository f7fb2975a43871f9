"""From the bytes of a message to the bank, over a real store: the same way by whichever number somebody asks."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from engine.canonical import (
    BankState,
    BankStatusReport,
    Invoice,
    Money,
    OrderLine,
    PaidInvoice,
    Payment,
    PaymentProgress,
    PostingResult,
    PurchaseOrder,
    Quantity,
    ReportSource,
    Requisition,
    RequisitionLine,
)
from engine.core.clock import SystemClock
from engine.core.ids import id_text
from engine.ports.journal import NewDocument
from engine.procure.desk.desk import Desk
from engine.procure.process import Process
from engine.store.open import Store, open_store
from tests.contract.test_process import invoice, order, receipt
from tests.support.connector_doubles import Clock
from tests.support.stores import Driver

AT = datetime(2026, 11, 23, 15, tzinfo=UTC)
BYTES = b"ISA*00*an invoice as it came"
WAY = ["requisition:REQ-1", "order:PO-1", "payment:PAY-1", "bank:TRACE-9"]


class Room:
    def __init__(self, store: Store) -> None:
        self.store, self.message = store, 0
        self.process = Process(store.records, Clock(), lambda: None)
        self.desk = Desk(
            store.records, store.record_search, self.process, store.audit, Clock(), lambda: None, store.journal
        )

    async def fill(self) -> None:
        driver = Driver(self.store)
        self.message = (await driver.append("ISA-1", BYTES)).message_id
        document = NewDocument(0, invoice().model_dump_json().encode(), "Invoice", "S1/INV-1")
        keys = [("interchange", "000000041"), ("visit", "V-77")]
        await driver.finishing(driver.outcome(self.message, "process", document=document, keys=keys))
        line = RequisitionLine(number=1, item_number="M1", quantity=Quantity(amount=Decimal(6)))
        await self.process.take(
            Requisition(
                requisition_number="REQ-1", requested_on=date(2026, 11, 19), lines=(line,), requester="b.nilsen"
            )
        )
        await self.process.take(order().model_copy(update={"requisition_numbers": ("REQ-1",)}))
        await self.process.take(receipt())
        await self.process.take(invoice(), self.message)
        await self.process.answered(posted("INV-1", "order:PO-1", "7731"))
        for document in (payment("PAY-1", "INV-1"), settled()):
            await self.process.take(document)


def posted(number: str, dossier: str, reference: str) -> PostingResult:
    return PostingResult(
        dossier=dossier, command="post_invoice", subject_kind="Invoice", subject_key=f"S1/{number}", ok=True,
        answered_at=AT, reference=reference,
    )  # fmt: skip


def payment(number: str, *invoices: str) -> Payment:
    part = Money(amount=Decimal("60.00"))
    return Payment(
        payment_number=number, supplier_number="S1", amount=Money(amount=60 * Decimal(len(invoices))),
        pay_on=date(2026, 11, 24), state=PaymentProgress.TRANSMITTED, bank_reference="TRACE-9",
        invoices=tuple(PaidInvoice(invoice_number=one, amount=part) for one in invoices),
    )  # fmt: skip


def settled() -> BankStatusReport:
    return BankStatusReport(
        report_number="CAMT-1",
        source=ReportSource.CAMT_054,
        state=BankState.SETTLED,
        reported_at=AT,
        payment_number="PAY-1",
    )


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    store = await open_store(f"sqlite:///{tmp_path}/isthmus.db", SystemClock())
    made = Room(store)
    await made.fill()
    yield made
    await store.close()


@pytest.mark.parametrize(
    "asked",
    [
        "PO-1",
        "INV-1",
        "S1/INV-1",
        "REQ-1",
        "R-1",
        "PAY-1",
        "TRACE-9",
        "CAMT-1",
        "7731",
        "message",
        "ISA-1",
        "000000041",
    ],
)
async def test_whatever_number_is_asked_for_the_whole_way_is_told(room: Room, asked: str) -> None:
    found = await room.desk.lineage(id_text(room.message) if asked == "message" else asked, "ana")

    assert found is not None
    assert sorted(found.dossiers) == sorted(WAY)
    stages = {one.stage for one in found.traces}
    assert {"message", "document", "decision", "command", "payment", "settlement"} <= stages
    (message,) = [one for one in found.traces if one.stage == "message"]
    assert (message.message_id, message.digest) == (room.message, hashlib.sha256(BYTES).hexdigest()[:16])
    assert "correlation" in message.detail
    (bank,) = {one.what for one in found.traces if one.stage == "settlement"}
    assert "settled" in bank


async def test_the_stages_stand_in_the_order_of_the_way(room: Room) -> None:
    found = await room.desk.lineage("PO-1", "ana")

    assert found is not None
    order_of = (
        "message",
        "document",
        "decision",
        "exception",
        "command",
        "delivery",
        "ledger",
        "payment",
        "settlement",
    )
    places = [order_of.index(one.stage) for one in found.traces]
    assert places == sorted(places)


async def test_a_payment_of_two_orders_does_not_make_one_part_of_the_others_way(room: Room) -> None:
    other = PurchaseOrder(
        order_number="PO-2", supplier_number="S1", ordered_on=date(2026, 11, 20),
        lines=(OrderLine(number=1, item_number="M1", quantity=Quantity(amount=Decimal(6)),
                         price=Money(amount=Decimal("10.00"))),),
    )  # fmt: skip
    second: Invoice = invoice().model_copy(update={"invoice_number": "INV-2", "order_number": "PO-2"})
    for document in (other, second, payment("PAY-1", "INV-1", "INV-2")):
        await room.process.take(document)

    one, both = await room.desk.lineage("PO-2", "ana"), await room.desk.lineage("PAY-1", "ana")

    assert one is not None
    assert both is not None
    assert "order:PO-1" not in one.dossiers
    assert {"order:PO-1", "order:PO-2"} <= set(both.dossiers)


@pytest.mark.parametrize("asked", ["7732", "V-77"])
async def test_a_number_that_nobody_gave_is_not_known_and_a_visits_is_no_way_in(room: Room, asked: str) -> None:
    assert await room.desk.lineage(asked, "ana") is None
