"""The canonical documents, free of any protocol and any ERP. `KINDS` names them all."""

from __future__ import annotations

from engine.canonical.advice import AdviceAction, AdvisedDocument, AdvisedFault, ApplicationAdvice
from engine.canonical.base import Document, Value
from engine.canonical.finance import (
    CostCenter,
    Invoice,
    InvoiceKind,
    InvoiceLine,
    JournalEntry,
    JournalLine,
    PaymentState,
    PaymentStatus,
)
from engine.canonical.item import Item, Packaging
from engine.canonical.money import Money, Quantity, total
from engine.canonical.party import Address, Identifier, Party, Supplier
from engine.canonical.purchasing import (
    Charge,
    OrderLine,
    PurchaseOrder,
    Receipt,
    ReceiptLine,
    Requisition,
    RequisitionLine,
    Terms,
    Urgency,
)
from engine.canonical.trading import (
    AcknowledgedLine,
    Adjustment,
    LineAction,
    LineAnswer,
    OrderAcknowledgement,
    Remittance,
    RemittanceLine,
    ShipmentNotice,
    ShippedLine,
)
from engine.canonical.usage import Consumption, ConsumptionLine, VisitContext

KINDS: dict[str, type[Document]] = {
    cls.kind: cls
    for cls in (
        ApplicationAdvice,
        Consumption,
        CostCenter,
        Invoice,
        Item,
        JournalEntry,
        OrderAcknowledgement,
        PaymentStatus,
        PurchaseOrder,
        Receipt,
        Remittance,
        Requisition,
        ShipmentNotice,
        Supplier,
        VisitContext,
    )
}

__all__ = [
    "KINDS",
    "AcknowledgedLine",
    "Address",
    "Adjustment",
    "AdviceAction",
    "AdvisedDocument",
    "AdvisedFault",
    "ApplicationAdvice",
    "Charge",
    "Consumption",
    "ConsumptionLine",
    "CostCenter",
    "Document",
    "Identifier",
    "Invoice",
    "InvoiceKind",
    "InvoiceLine",
    "Item",
    "JournalEntry",
    "JournalLine",
    "LineAction",
    "LineAnswer",
    "Money",
    "OrderAcknowledgement",
    "OrderLine",
    "Packaging",
    "Party",
    "PaymentState",
    "PaymentStatus",
    "PurchaseOrder",
    "Quantity",
    "Receipt",
    "ReceiptLine",
    "Remittance",
    "RemittanceLine",
    "Requisition",
    "RequisitionLine",
    "ShipmentNotice",
    "ShippedLine",
    "Supplier",
    "Terms",
    "Urgency",
    "Value",
    "VisitContext",
    "total",
]
