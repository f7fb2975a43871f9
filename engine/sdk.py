"""All that transform scripts import.

A transform is a pure function of the parsed message and its declared lookups:

    def transform(message: Hl7Message, items: Lookup) -> Requisition: ...

It returns a document, several (a tuple or list), an edited message, or `Filtered("why")`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from engine.canonical import (
    AccountState,
    AcknowledgedLine,
    Address,
    Adjustment,
    AdviceAction,
    AdvisedDocument,
    AdvisedFault,
    ApplicationAdvice,
    Approval,
    ApprovalAction,
    ApprovalVerb,
    BankAccount,
    BankState,
    BankStatusReport,
    Budget,
    CaseAction,
    CaseVerb,
    ChangeBy,
    Charge,
    ChargeEvent,
    ChargeKind,
    Consumption,
    ConsumptionLine,
    Contract,
    ContractLine,
    ContractMember,
    ContractTier,
    Correction,
    CostCenter,
    Dimension,
    DimensionValue,
    Disposition,
    Document,
    Guarded,
    Identifier,
    InventoryLevel,
    InventoryMovement,
    Invoice,
    InvoiceKind,
    InvoiceLine,
    Item,
    JournalEntry,
    JournalEntryType,
    JournalLine,
    LineAction,
    LineAnswer,
    LineKind,
    MatchRule,
    Money,
    MovementKind,
    OrderAcknowledgement,
    OrderChange,
    OrderChangeAction,
    OrderChangeLine,
    OrderLine,
    Packaging,
    PaidInvoice,
    Party,
    PatientAccount,
    Payment,
    PaymentMethod,
    PaymentProgress,
    PaymentRun,
    PaymentRunLine,
    PaymentStatus,
    PostingResult,
    PriceBreak,
    PurchaseOrder,
    Quantity,
    RecallNotice,
    Receipt,
    ReceiptKind,
    ReceiptLine,
    ReconciliationReport,
    Remittance,
    RemittanceLine,
    RemitTo,
    ReportSource,
    Requisition,
    RequisitionLine,
    RequisitionLineStatus,
    SanctionsCheck,
    SanctionsScreening,
    ShipmentNotice,
    ShippedLine,
    SitePurpose,
    SplitPart,
    Supplier,
    SupplierItem,
    SupplierMerge,
    SupplierSite,
    SupplierStatus,
    TaxIdentifier,
    TaxIdentifierType,
    Terms,
    UnitConversion,
    Urgency,
    VisitContext,
    total,
)
from engine.canonical.entity_names import digest_of_names
from engine.canonical.identifiers import (
    Dea,
    Duns,
    Gln,
    Gtin,
    Hin,
    Lic,
    Ndc,
    Sscc,
    Udi,
    Uei,
    Unspsc,
    identifier_fault,
    parse_udi,
    typed_identifier,
)
from engine.core.errors import (
    DataTypeError,
    DocumentError,
    FieldError,
    IsthmusError,
    MappingMissingError,
    RequiredFieldError,
    TransformError,
)
from engine.mapping.bank import bank_reports
from engine.mapping.fhir_message import FhirElement, FhirMessage
from engine.mapping.lookup import Lookup
from engine.mapping.x12_810 import invoice_from_810
from engine.mapping.x12_820 import remittance_from_820
from engine.mapping.x12_824 import advice_on, application_advice_from_824
from engine.mapping.x12_832 import contract_from_832
from engine.mapping.x12_835 import remittance_from_835
from engine.mapping.x12_846 import inventory_levels_from_846
from engine.mapping.x12_850 import purchase_order_from_850
from engine.mapping.x12_855 import order_acknowledgement_from_855
from engine.mapping.x12_856 import shipment_notice_from_856
from engine.mapping.x12_860 import order_change_from_860
from engine.mapping.x12_865 import order_change_from_865
from engine.mapping.x12_867 import consumption_from_867
from engine.protocols.bytes_message import BytesMessage
from engine.protocols.hl7v2.message import Hl7Message
from engine.protocols.hl7v2.segment import Segment
from engine.protocols.json_message import JsonMessage
from engine.protocols.tabular import Row, TabularMessage
from engine.protocols.x12 import Loop, LoopedSet, TransactionSet
from engine.protocols.xml.message import XmlMessage


class Filtered:
    """Returned by a transform that does not want the message. `reason` is for people: no value of the message."""

    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        self.reason = reason


class Rows:
    """Returned by a transform for a destination whose layout makes a file of it: `send: message`.

    Each row has the names of the layout's columns; `others` are values of its header and trailer.
    """

    __slots__ = ("_content",)

    def __init__(self, rows: Iterable[Mapping[str, object]], **others: object) -> None:
        self._content = {**others, "rows": [dict(row) for row in rows]}

    def get(self, path: str) -> str | None:
        """A value of `others`, as text; for `when:` and `order_by:`."""
        value = self._content.get(path)
        return None if value is None or isinstance(value, list | dict) else str(value)

    def encode(self) -> bytes:
        """JSON; amounts keep their digits as text. Raises DocumentError: a value that JSON cannot hold."""
        try:
            return json.dumps(self._content, default=_plain, ensure_ascii=False, separators=(",", ":")).encode()
        except (TypeError, ValueError):
            raise DocumentError("a row holds something that is no single value") from None


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, date | time):
        return value.isoformat()
    raise TypeError


__all__ = [
    "AccountState",
    "AcknowledgedLine",
    "Address",
    "Adjustment",
    "AdviceAction",
    "AdvisedDocument",
    "AdvisedFault",
    "ApplicationAdvice",
    "Approval",
    "ApprovalAction",
    "ApprovalVerb",
    "BankAccount",
    "BankState",
    "BankStatusReport",
    "Budget",
    "BytesMessage",
    "CaseAction",
    "CaseVerb",
    "ChangeBy",
    "Charge",
    "ChargeEvent",
    "ChargeKind",
    "Consumption",
    "ConsumptionLine",
    "Contract",
    "ContractLine",
    "ContractMember",
    "ContractTier",
    "Correction",
    "CostCenter",
    "DataTypeError",
    "Dea",
    "Decimal",
    "Dimension",
    "DimensionValue",
    "Disposition",
    "Document",
    "DocumentError",
    "Duns",
    "FhirElement",
    "FhirMessage",
    "FieldError",
    "Filtered",
    "Gln",
    "Gtin",
    "Guarded",
    "Hin",
    "Hl7Message",
    "Identifier",
    "InventoryLevel",
    "InventoryMovement",
    "Invoice",
    "InvoiceKind",
    "InvoiceLine",
    "IsthmusError",
    "Item",
    "JournalEntry",
    "JournalEntryType",
    "JournalLine",
    "JsonMessage",
    "Lic",
    "LineAction",
    "LineAnswer",
    "LineKind",
    "Lookup",
    "Loop",
    "LoopedSet",
    "MappingMissingError",
    "MatchRule",
    "Money",
    "MovementKind",
    "Ndc",
    "OrderAcknowledgement",
    "OrderChange",
    "OrderChangeAction",
    "OrderChangeLine",
    "OrderLine",
    "Packaging",
    "PaidInvoice",
    "Party",
    "PatientAccount",
    "Payment",
    "PaymentMethod",
    "PaymentProgress",
    "PaymentRun",
    "PaymentRunLine",
    "PaymentStatus",
    "PostingResult",
    "PriceBreak",
    "PurchaseOrder",
    "Quantity",
    "RecallNotice",
    "Receipt",
    "ReceiptKind",
    "ReceiptLine",
    "ReconciliationReport",
    "RemitTo",
    "Remittance",
    "RemittanceLine",
    "ReportSource",
    "RequiredFieldError",
    "Requisition",
    "RequisitionLine",
    "RequisitionLineStatus",
    "Row",
    "Rows",
    "SanctionsCheck",
    "SanctionsScreening",
    "Segment",
    "ShipmentNotice",
    "ShippedLine",
    "SitePurpose",
    "SplitPart",
    "Sscc",
    "Supplier",
    "SupplierItem",
    "SupplierMerge",
    "SupplierSite",
    "SupplierStatus",
    "TabularMessage",
    "TaxIdentifier",
    "TaxIdentifierType",
    "Terms",
    "TransactionSet",
    "TransformError",
    "Udi",
    "Uei",
    "UnitConversion",
    "Unspsc",
    "Urgency",
    "VisitContext",
    "XmlMessage",
    "advice_on",
    "application_advice_from_824",
    "bank_reports",
    "consumption_from_867",
    "contract_from_832",
    "date",
    "datetime",
    "digest_of_names",
    "identifier_fault",
    "inventory_levels_from_846",
    "invoice_from_810",
    "order_acknowledgement_from_855",
    "order_change_from_860",
    "order_change_from_865",
    "parse_udi",
    "purchase_order_from_850",
    "remittance_from_820",
    "remittance_from_835",
    "shipment_notice_from_856",
    "timedelta",
    "total",
    "typed_identifier",
]
