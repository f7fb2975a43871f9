"""A real Tryton for tests, and transports that lose answers at a chosen call."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import aiohttp

from engine.adapters.tryton.client import AiohttpTransport
from engine.adapters.tryton.server import ErpServer
from engine.adapters.tryton.setup import ensure_template
from engine.canonical import (
    CostCenter,
    Invoice,
    InvoiceLine,
    Item,
    JournalEntry,
    JournalLine,
    Money,
    OrderLine,
    Packaging,
    PaidInvoice,
    Payment,
    PaymentProgress,
    PurchaseOrder,
    Quantity,
    Receipt,
    ReceiptLine,
    Requisition,
    RequisitionLine,
    Supplier,
)

SUPPLIER = "S1001"
ITEM = "M10001"
COST_CENTER = CostCenter(cost_center="6110", name="Operating rooms")
_numbers = itertools.count(1)


@contextmanager
def running_erp(directory: Path, version: str = "8.2") -> Iterator[ErpServer]:
    """A server on a fresh copy of the template with one supplier and one item in it."""
    server = asyncio.run(start(directory, version))
    try:
        yield server
    finally:
        server.stop()


async def start(directory: Path, version: str = "8.2") -> ErpServer:
    server = ErpServer(await ensure_template(version=version), directory)
    await server.start()
    adapter = server.adapter()
    try:
        await adapter.seed([supplier(), item()])
    finally:
        await adapter.close()
    return server


class LosesAnswer(AiohttpTransport):
    """Carries out every call; the answer of the `lost`-th one (from 1) never arrives. Later calls fail at once,
    as those of a dead process do."""

    def __init__(self, lost: int, timeout: float = 60.0) -> None:
        super().__init__(timeout)
        self.lost, self.calls = lost, 0

    async def exchange(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> tuple[int, Mapping[str, str], bytes]:
        self.calls += 1
        if self.calls > self.lost:
            raise ConnectionResetError
        answer = await super().exchange(method, url, headers, body)
        if self.calls == self.lost:
            raise aiohttp.ServerDisconnectedError
        return answer


class LateRequest(AiohttpTransport):
    """The first creation in `model` times out here, and reaches the ERP only later, when `release` is called."""

    def __init__(self, model: str, timeout: float = 60.0) -> None:
        super().__init__(timeout)
        self._model = model
        self._kept: tuple[str, str, Mapping[str, str], bytes | None] | None = None

    async def exchange(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> tuple[int, Mapping[str, str], bytes]:
        if method == "POST" and f"/model/{self._model}?" in url and self._kept is None:
            self._kept = method, url, headers, body
            raise TimeoutError
        return await super().exchange(method, url, headers, body)

    async def release(self) -> int:
        assert self._kept is not None
        status, _, _ = await super().exchange(*self._kept)
        return status


class Before(AiohttpTransport):
    """Waits for `act` before the first call whose URL contains `part`."""

    def __init__(self, method: str, part: str, act: LateRequest, timeout: float = 60.0) -> None:
        super().__init__(timeout)
        self._method, self._part, self._act = method, part, act
        self._done = False

    async def exchange(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> tuple[int, Mapping[str, str], bytes]:
        if method == self._method and self._part in url and not self._done:
            self._done = True
            await self._act.release()
        return await super().exchange(method, url, headers, body)


# ------------------------------------------------------------------ documents, each under a number of its own
def today() -> date:
    return datetime.now(UTC).date()


def unique(prefix: str) -> str:
    return f"{prefix}-{next(_numbers):05d}"


def money(amount: str) -> Money:
    return Money(amount=Decimal(amount))


def boxes(amount: str) -> Quantity:
    return Quantity(amount=Decimal(amount), unit="BX")


def supplier(number: str = SUPPLIER) -> Supplier:
    return Supplier(supplier_number=number, name=f"Supplier {number}", payment_terms_days=30)


def item(number: str = ITEM) -> Item:
    return Item(
        item_number=number,
        description=f"Examination gloves {number}",
        supplier_number=SUPPLIER,
        supplier_item_number=f"V-{number}",
        packaging=(Packaging(unit="BX", contains=Decimal(100)),),
        cost_price=money("0.0425"),
    )


def requisition(number: str | None = None) -> Requisition:
    line = RequisitionLine(
        number=1, item_number=ITEM, quantity=boxes("2"), cost_center="6100", anticipated_price=money("4.25")
    )
    return Requisition(requisition_number=number or unique("REQ"), lines=(line,))


def order(number: str | None = None, supplier_number: str = SUPPLIER) -> PurchaseOrder:
    lines = (
        OrderLine(number=1, item_number=ITEM, quantity=boxes("10"), price=money("4.25"), cost_center="6100"),
        OrderLine(number=2, item_number=ITEM, quantity=Quantity(amount=Decimal(5)), price=money("0.0525")),
    )
    return PurchaseOrder(
        order_number=number or unique("PO"), supplier_number=supplier_number, ordered_on=today(), lines=lines
    )


def receipt(ordered: PurchaseOrder, number: str | None = None) -> Receipt:
    line = ReceiptLine(order_line_number=1, item_number=ITEM, quantity=boxes("4"))
    return Receipt(
        receipt_number=number or unique("GR"),
        order_number=ordered.order_number,
        supplier_number=ordered.supplier_number,
        received_on=today(),
        lines=(line,),
    )


def invoice(number: str | None = None, price: str = "12.34", supplier_number: str = SUPPLIER) -> Invoice:
    center = COST_CENTER.cost_center
    line = InvoiceLine(number=1, quantity=boxes("3"), price=money(price), item_number=ITEM, cost_center=center)
    return Invoice(
        invoice_number=number or unique("INV"),
        supplier_number=supplier_number,
        invoiced_on=today(),
        stated_total=line.extended,
        lines=(line,),
    )


def journal_entry(number: str | None = None, amount: str = "123.45") -> JournalEntry:
    lines = (
        JournalLine(account="5100", debit=money(amount), cost_center="6120"),
        JournalLine(account="1300", credit=money(amount)),
    )
    return JournalEntry(entry_number=number or unique("ALLOC"), posted_on=today(), lines=lines)


def payment(*paid: Invoice) -> Payment:
    """Proposed; it pays these invoices in full."""
    invoices = tuple(PaidInvoice(invoice_number=one.invoice_number, amount=one.total) for one in paid)
    return Payment(
        payment_number=unique("PAY"),
        supplier_number=SUPPLIER,
        amount=money(str(sum(one.total.amount for one in paid))),
        pay_on=today(),
        state=PaymentProgress.PROPOSED,
        invoices=invoices,
    )
