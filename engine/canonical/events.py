"""Business events: which there are, when each happens, and what it tells. One table for code, schemas and AsyncAPI.

An event tells what happened to which document, with numbers and codes that let others look it up; never lines, free
text or who a patient is. Its envelope is CloudEvents 1.0. Source: https://github.com/cloudevents/spec (v1.0.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from pydantic import Field

from engine.canonical import (
    Consumption,
    Invoice,
    InvoiceKind,
    JournalEntry,
    Money,
    OrderAcknowledgement,
    PaymentState,
    PaymentStatus,
    PurchaseOrder,
    Receipt,
    Remittance,
    Requisition,
    ShipmentNotice,
    Supplier,
    Urgency,
)
from engine.canonical.base import Code, Document, Text, Value
from engine.core.happenings import Happening


# ------------------------------------------------------------------ what events tell of each kind of document
class Facts(Value):
    """What an event tells of its document; fields are named as there."""


class RequisitionFacts(Facts):
    requisition_number: Code
    facility: Code | None = None
    requested_on: date | None = None
    urgency: Urgency = Urgency.ROUTINE
    line_count: int = Field(ge=0, description="Lines of the document.")


class PurchaseOrderFacts(Facts):
    order_number: Code
    supplier_number: Code
    ordered_on: date
    purpose: Code
    total: Money
    line_count: int = Field(ge=0, description="Lines of the document.")


class OrderAcknowledgementFacts(Facts):
    order_number: Code
    supplier_number: Code
    acknowledged_on: date
    accepted: bool = Field(description="Every line was taken as it was ordered.")


class ShipmentNoticeFacts(Facts):
    shipment_number: Code
    supplier_number: Code
    noticed_on: date
    expected_on: date | None = None
    tracking_number: Code | None = None
    order_numbers: tuple[Code, ...] = Field(default=(), description="Orders that lines of it belong to.")


class ReceiptFacts(Facts):
    receipt_number: Code
    order_number: Code
    supplier_number: Code
    received_on: date
    line_count: int = Field(ge=0, description="Lines of the document.")


class InvoiceFacts(Facts):
    invoice_number: Code
    supplier_number: Code
    invoiced_on: date
    invoice_kind: InvoiceKind
    order_number: Code | None = None
    stated_total: Money


class PaymentStatusFacts(Facts):
    supplier_number: Code
    invoice_number: Code
    state: PaymentState
    amount_due: Money | None = None
    as_of: date


class RemittanceFacts(Facts):
    remittance_number: Code
    supplier_number: Code
    paid_on: date
    amount: Money


class SupplierFacts(Facts):
    supplier_number: Code
    name: Text
    active: bool


class ConsumptionFacts(Facts):
    consumption_number: Code
    used_at: datetime
    facility: Code | None = None
    department: Code | None = None
    line_count: int = Field(ge=0, description="Lines of the document.")


class JournalEntryFacts(Facts):
    entry_number: Code
    posted_on: date
    facility: Code | None = None


FACTS: dict[str, type[Facts]] = {
    Consumption.kind: ConsumptionFacts,
    Invoice.kind: InvoiceFacts,
    JournalEntry.kind: JournalEntryFacts,
    OrderAcknowledgement.kind: OrderAcknowledgementFacts,
    PaymentStatus.kind: PaymentStatusFacts,
    PurchaseOrder.kind: PurchaseOrderFacts,
    Receipt.kind: ReceiptFacts,
    Remittance.kind: RemittanceFacts,
    Requisition.kind: RequisitionFacts,
    ShipmentNotice.kind: ShipmentNoticeFacts,
    Supplier.kind: SupplierFacts,
}


class EventData(Value):
    """`data` of every event. `message_id` leads to the message in the console."""

    channel: Code
    message_id: Code
    kind: Code | None = Field(default=None, description="Kind of the document.")
    key: Text | None = Field(default=None, description="The document's own key.")
    document: Facts | None = Field(default=None, description="What is told of the document.")
    destination: Code | None = Field(default=None, description="Where it was delivered, or is held.")
    reference: Text | None = Field(default=None, description="The far side's own number for it.")
    code: Code | None = Field(default=None, description="Why it is held: see the reference page of errors.")


# ------------------------------------------------------------------ the table
class EventType(NamedTuple):
    """When an event happens.

    Args:
        kind: of the document; None: of a message, or of any document that has no event of its own.
        ledger: True: only at destinations of type erp; False: only at others; None: wherever.
        when: a field of the document and the values at which it happens; None: always.
    """

    name: str
    title: str
    kind: str | None
    what: Happening
    ledger: bool | None = None
    when: tuple[str, frozenset[str]] | None = None
    version: str = "1"


_MADE, _DELIVERED, _HELD = Happening.MADE, Happening.DELIVERED, Happening.HELD
_PAID = frozenset({PaymentState.PAID.value, PaymentState.PARTLY_PAID.value})
_CHANGED, _CANCELLED, _NEW = frozenset({"04", "05"}), frozenset({"01", "03"}), frozenset({"00"})

EVENT_TYPES: tuple[EventType, ...] = (
    EventType("requisition.created", "A department asks for goods", "Requisition", _MADE),
    EventType("requisition.posted", "The ERP has the requisition", "Requisition", _DELIVERED, True),
    EventType("purchase_order.created", "A purchase order exists", "PurchaseOrder", _MADE, None, ("purpose", _NEW)),
    EventType("purchase_order.changed", "An order was changed", "PurchaseOrder", _MADE, None, ("purpose", _CHANGED)),
    EventType(
        "purchase_order.cancelled", "An order was cancelled", "PurchaseOrder", _MADE, None, ("purpose", _CANCELLED)
    ),
    EventType("purchase_order.posted", "The ERP has the order", "PurchaseOrder", _DELIVERED, True),
    EventType("purchase_order.sent", "The order went to its supplier", "PurchaseOrder", _DELIVERED, False),
    EventType("purchase_order.acknowledged", "A supplier answered an order", "OrderAcknowledgement", _MADE),
    EventType("shipment.announced", "A supplier says that goods are on their way", "ShipmentNotice", _MADE),
    EventType("receipt.created", "Goods were received", "Receipt", _MADE),
    EventType("receipt.posted", "The ERP has the receipt", "Receipt", _DELIVERED, True),
    EventType("invoice.received", "A supplier's invoice came in", "Invoice", _MADE),
    EventType("invoice.posted", "The ERP has posted the invoice", "Invoice", _DELIVERED, True),
    EventType("invoice.blocked", "The ERP does not take the invoice: a person decides", "Invoice", _HELD, True),
    EventType("payment.released", "An invoice is paid, or in part", "PaymentStatus", _MADE, None, ("state", _PAID)),
    EventType("remittance.created", "A payment was advised", "Remittance", _MADE),
    EventType("remittance.sent", "The supplier was told what a payment pays", "Remittance", _DELIVERED, False),
    EventType("supplier.created", "The ERP has the supplier, new or changed", "Supplier", _DELIVERED, True),
    EventType("charge.received", "Supplies were charged to a visit", "Consumption", _MADE),
    EventType("consumption.recorded", "What was used is recorded", "Consumption", _DELIVERED),
    EventType("cost_allocation.posted", "The ERP has the journal entry", "JournalEntry", _DELIVERED, True),
    EventType("delivery.held", "A delivery waits for a person", None, _HELD),
    EventType("message.held", "A message waits for a person", None, Happening.MESSAGE_HELD),
)
BY_NAME = {one.name: one for one in EVENT_TYPES}


def event_of(kind: str | None, what: Happening, ledger: bool, document: Mapping[str, Any]) -> EventType | None:
    """Which event it is that this happened to a document of this kind; None: nobody is told."""
    for one in EVENT_TYPES:
        if one.what is what and one.kind in (kind, None) and one.ledger in (ledger, None) and _is_when(one, document):
            return one
    return None


def _is_when(one: EventType, document: Mapping[str, Any]) -> bool:
    return one.when is None or document.get(one.when[0]) in one.when[1]


def facts_of(document: Document) -> Facts | None:
    """What events tell of a document; None: of this kind nothing."""
    model = FACTS.get(document.kind)
    if model is None:
        return None
    return model(**{name: _fact(document, name) for name in model.model_fields})


def _fact(document: Document, name: str) -> Any:
    if name == "line_count":
        return len(getattr(document, "lines", ()))
    if isinstance(document, ShipmentNotice) and name == "order_numbers":
        return tuple(dict.fromkeys(line.order_number for line in document.lines if line.order_number))
    return getattr(document, name)


def data_model(one: EventType) -> type[EventData]:
    """`data` of one type of event, with its document's facts: what schemas are made of."""
    facts = FACTS.get(one.kind or "")
    if facts is None:
        return EventData
    told = Field(default=None, description="What is told of the document.")
    fields: dict[str, Any] = {"__annotations__": {"document": facts | None}, "__module__": __name__, "document": told}
    return type(f"{facts.__name__.removesuffix('Facts')}Data", (EventData,), fields)
