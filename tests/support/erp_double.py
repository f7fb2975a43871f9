"""An ERP in memory behind the port: references are unique, faults can be put at any posting.

It keeps the rules that every adapter promises (tests/contract/test_erp_adapter.py runs on it and on real ERPs).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from engine.canonical import (
    CostCenter,
    Document,
    Invoice,
    InvoiceKind,
    Item,
    JournalEntry,
    Payment,
    PaymentState,
    PaymentStatus,
    PurchaseOrder,
    Receipt,
    Requisition,
    Supplier,
)
from engine.core.errors import DestinationError, TransportError
from engine.ports.connector import Health
from engine.ports.erp import ERP_NUMBER, Posted, Told, Twin
from engine.ports.ledger_view import LedgerEntry
from engine.procure.reconciliation.reconcile import exact

MASTERS = frozenset({"Supplier", "Item", "CostCenter"})
FINAL = {
    "Requisition": "processing",
    "PurchaseOrder": "processing",
    "Receipt": "done",
    "Invoice": "posted",
    "JournalEntry": "posted",
}
TOTALLED = ("Requisition", "PurchaseOrder", "Invoice", "JournalEntry")


class ErpDouble:
    """`lose_answers`: how many of the next postings are carried out and then not answered.
    `reachable`, `refusing`, `hanging`: how it answers from now on. `closed`: `close` was called."""

    def __init__(self) -> None:
        self.documents: dict[tuple[str, str], tuple[Document, Posted]] = {}
        self.marks: dict[tuple[str, str], str] = {}
        self.lose_answers = 0
        self.reachable = True
        self.refusing = False
        self.hanging = False
        self.postings = 0
        self.closed = False
        self.blocked: set[str] = set()  # invoices that are not paid for now

    @property
    def kinds(self) -> frozenset[str]:
        return MASTERS | FINAL.keys()

    async def post(self, document: Document, reference: str) -> Posted:
        await self._reach()
        if document.kind not in self.kinds or self.refusing:
            raise DestinationError(f"the ERP takes no {document.kind}")
        self.postings += 1
        posted = self._keep(document)
        if self.lose_answers:
            self.lose_answers -= 1
            raise TransportError("the ERP did not answer", sent=True)
        return posted

    async def find(self, kind: str, natural_key: str, reference: str) -> Posted | None:
        await self._reach()
        known = self.documents.get((kind, natural_key))
        return self._again(known[1]) if known else None

    async def suppliers(self) -> list[Supplier]:
        return [d for d, _ in self.documents.values() if isinstance(d, Supplier)]

    async def items(self) -> list[Item]:
        return [d for d, _ in self.documents.values() if isinstance(d, Item)]

    async def purchase_orders(self, since: date | None = None, state: str | None = None) -> list[PurchaseOrder]:
        await self._reach()
        orders = [d for d, _ in self.documents.values() if isinstance(d, PurchaseOrder)]
        return [order for order in orders if since is None or order.ordered_on >= since]

    async def book_entries(self, kind: str, period: str) -> list[LedgerEntry]:
        await self._reach()
        held = [(d, p) for d, p in self.documents.values() if isinstance(d, Invoice)]
        return [
            LedgerEntry(d.natural_key, d.supplier_number, exact(p.total or Decimal(0)), d.currency)
            for d, p in held
            if d.invoiced_on.strftime("%Y-%m") == period
        ]

    @property
    def commands(self) -> frozenset[str]:
        return frozenset({"undo_post_invoice", "hold_payment", "release_payment", "adopt_invoice", "repost_invoice"})

    async def carry_out(self, command: str, document: Document, reference: str) -> Posted:
        await self._reach()
        if self.refusing:
            raise DestinationError(f"the ERP does not do '{command}'")
        if isinstance(document, Payment):
            return self._block(command == "hold_payment", document)
        if command == "repost_invoice":
            return await self.post(document, reference)
        if command == "adopt_invoice":
            return self._adopted(document)
        known = self.documents.pop((document.kind, document.natural_key), None)
        number = known[1].reference if known else document.natural_key
        return Posted(document.kind, document.natural_key, number, "", "cancelled", already_there=known is None)

    def _adopted(self, document: Document) -> Posted:
        known = self.documents.get((document.kind, document.natural_key))
        wanted = {one.value for one in document.references if one.scheme == ERP_NUMBER} if isinstance(
            document, Invoice
        ) else set()  # fmt: skip
        if known is None or known[1].reference not in wanted:
            raise DestinationError("the ERP's own invoice is not there any more")
        return self._again(known[1])

    async def twin(self, document: Document, reference: str, error: DestinationError) -> Twin | None:
        known = self.documents.get((document.kind, document.natural_key))
        if known is None or not isinstance(known[0], Invoice):
            return None
        there = known[0]
        return Twin(known[1].reference, there.invoice_number, "posted", True, total(there), "USD", there.invoiced_on)

    def _block(self, blocked: bool, payment: Payment) -> Posted:
        keys = {f"{payment.supplier_number}/{one.invoice_number}" for one in payment.invoices}
        if not keys or (blocked and any(("Invoice", key) not in self.documents for key in keys)):
            raise DestinationError("the ERP has nothing to hold back")
        done = keys <= self.blocked if blocked else not keys & self.blocked
        self.blocked = self.blocked | keys if blocked else self.blocked - keys
        return Posted(
            payment.kind, payment.natural_key, payment.natural_key, "", "held" if blocked else "released",
            already_there=done,
        )  # fmt: skip

    @property
    def told_kinds(self) -> frozenset[str]:
        return frozenset({"Receipt", "Supplier", "Item", "PurchaseOrder", "PaymentStatus"})

    async def told(self, kind: str, since: date) -> list[Told]:
        """`marks`: the version of what was changed here, by kind and key."""
        await self._reach()
        found = [document for (of, _), (document, _) in self.documents.items() if of == kind]
        return [Told(one, self.marks.get((one.kind, one.natural_key), "")) for one in found]

    async def payment_status(self, supplier_number: str, invoice_number: str) -> PaymentStatus:
        known = self.documents.get(("Invoice", f"{supplier_number}/{invoice_number}"))
        invoice = known[0] if known and isinstance(known[0], Invoice) else None
        return PaymentStatus(
            supplier_number=supplier_number,
            invoice_number=invoice_number,
            state=PaymentState.OPEN if invoice else PaymentState.UNKNOWN,
            amount_due=invoice.total if invoice else None,
            as_of=datetime.now(UTC).date(),
        )

    async def summary(self) -> Mapping[str, tuple[int, Decimal]]:
        def entry(kind: str) -> tuple[int, Decimal]:
            posted = [p for d, p in self.documents.values() if d.kind == kind]
            return len(posted), sum((p.total or Decimal(0) for p in posted), Decimal(0))

        return {kind: entry(kind) for kind in ("Supplier", "Item", *TOTALLED)}

    async def check(self) -> Health:
        return Health(self.reachable, "in memory" if self.reachable else "not reachable")

    async def close(self) -> None:
        self.closed = True

    # ------------------------------------------------------------------ rules of an ERP
    async def _reach(self) -> None:
        if not self.reachable:
            raise TransportError("the ERP is not reachable")
        if self.hanging:
            await asyncio.Event().wait()

    def _keep(self, document: Document) -> Posted:
        self._check_masters(document)
        key = document.kind, document.natural_key
        known = self.documents.get(key)
        if known and document.kind not in MASTERS:
            if total(document) != known[1].total:
                raise DestinationError(f"{document.kind}: the ERP holds another one under this number")
            return self._again(known[1])
        posted = self._posted(document, known[1].record if known else str(len(self.documents) + 1))
        self.documents[key] = document, posted
        return self._again(posted) if known else posted

    def _posted(self, document: Document, record: str) -> Posted:
        state = FINAL.get(document.kind) or ("active" if getattr(document, "active", True) else "inactive")
        reference = document.natural_key if document.kind in MASTERS else f"{document.kind}/{record}"
        return Posted(document.kind, document.natural_key, reference, record, state, total=total(document))

    def _again(self, posted: Posted) -> Posted:
        return Posted(
            posted.kind,
            posted.natural_key,
            posted.reference,
            posted.record,
            posted.state,
            total=posted.total,
            already_there=True,
        )

    def _check_masters(self, document: Document) -> None:
        number = getattr(document, "supplier_number", None)
        if document.kind not in MASTERS and number and ("Supplier", number) not in self.documents:
            raise _lacking("Supplier", number, "send the supplier first")
        if isinstance(document, Requisition | PurchaseOrder | Receipt | Invoice):
            for line in document.lines:
                self._check_line(line.item_number, line.quantity.unit)
        if isinstance(document, Receipt) and ("PurchaseOrder", document.order_number) not in self.documents:
            raise DestinationError(f"order {document.order_number} is not open in the ERP", remedy="send the order")
        if isinstance(document, Invoice) and document.total != document.stated_total:
            raise DestinationError("the invoice's lines do not add up to its stated total")

    def _check_line(self, item_number: str | None, unit: str) -> None:
        if item_number is None:
            return
        known = self.documents.get(("Item", item_number))
        if known is None or not isinstance(known[0], Item):
            raise _lacking("Item", item_number, "send the item master first")
        if unit not in {known[0].unit, *(step.unit for step in known[0].packaging)}:
            raise DestinationError(f"item {item_number} has no unit {unit} in the ERP", remedy="send its packaging")


def _lacking(kind: str, key: str, remedy: str) -> DestinationError:
    error = DestinationError(f"{kind.lower()} {key} is not in the ERP", remedy=remedy)
    error.lacks = (kind, key)
    return error


def total(document: Document) -> Decimal | None:
    match document:
        case Invoice():
            credit = document.invoice_kind is InvoiceKind.CREDIT_MEMO and document.total.amount > 0
            return -document.total.amount if credit else document.total.amount
        case PurchaseOrder():
            return document.total.amount
        case JournalEntry():
            return sum((line.debit.amount for line in document.lines if line.debit), Decimal(0))
        case Requisition():
            priced = [(line.anticipated_price, line.quantity) for line in document.lines]
            return sum((p.times(q.amount).rounded().amount for p, q in priced if p), Decimal(0))
        case CostCenter() | Receipt():
            return None
    return None


class Adapters:
    """`services["erp_adapters"]` with one adapter for every connection: a double, or of a real ERP."""

    def __init__(self, adapter: Any) -> None:
        self._adapter = adapter

    def adapter(self, connection: str) -> Any:
        return self._adapter
