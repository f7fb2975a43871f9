"""A document of each kind, invented, for the contracts and the reference. Each is valid and reads back as the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def _usd(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "USD"}


def _of(amount: str, unit: str = "EA") -> dict[str, str]:
    return {"amount": amount, "unit": unit}


_MASTER: dict[str, dict[str, Any]] = {
    "Supplier": {
        "supplier_number": "S1001",
        "name": "Aldine Surgical",
        "legal_name": "Aldine Surgical Supply, Inc.",
        "doing_business_as": ["Aldine Surgical"],
        "tax_identifiers": [{"type": "ein", "value": "12-3456789"}],
        "remit_tos": [{"code": "MAIN", "name": "Aldine Surgical", "bank_account": "ACH1"}],
        "sites": [{"code": "ORD", "purpose": "order_from", "email": "orders@aldine.example"}],
        "bank_accounts": [
            {
                "code": "ACH1",
                "routing_number": "011000015",
                "account_number": "000111222333",
                "changed_by": "m.okafor",
                "verified_by": "j.lind",
                "verified_on": "2026-03-02",
                "verification": "call_back",
            }
        ],
        "status": "approved",
        "classification": "strategic",
        "payment_terms_days": 30,
        "system_numbers": [{"scheme": "clinic-erp", "value": "V-0042"}],
    },
    "Item": {
        "item_number": "M10001",
        "description": "Trocar 12 mm, bladeless",
        "unit": "EA",
        "supplier_number": "S1001",
        "supplier_item_number": "ALD-TRO-12",
        "packaging": [{"unit": "BX", "contains": "6"}],
        "conversions": [
            {"from_unit": "CA", "to_unit": "BX", "numerator": 4, "supplier_number": "S1001", "valid_from": "2026-01-01"}
        ],
        "contract_numbers": ["GPO-7781"],
        "device_identifier": "00850068673001",
        "cost_price": _usd("41.50"),
    },
    "Contract": {
        "contract_number": "GPO-7781",
        "supplier_number": "S1001",
        "gpo": "Northbridge Purchasing",
        "valid_from": "2026-01-01",
        "valid_to": "2026-12-31",
        "tiers": [{"code": "1"}, {"code": "2", "requirement": "80 % of trocars"}],
        "members": [{"facility": "MAIN", "gln": "0614141000012", "tier": "2"}],
        "lines": [
            {
                "number": 1,
                "item_number": "M10001",
                "unit": "EA",
                "price": _usd("39.90"),
                "tier": "2",
                "breaks": [{"minimum": "100", "price": _usd("37.25")}],
            }
        ],
    },
    "SupplierMerge": {
        "absorbed_number": "S1044",
        "survivor_number": "S1001",
        "requested_by": "m.okafor",
        "requested_at": "2026-11-20T10:00:00Z",
        "take": ["email"],
        "reason": "One legal entity, bought in 2025",
    },
    "RecallNotice": {
        "recall_number": "RC-2026-14",
        "device_identifier": "00850068673094",
        "recalled_on": "2026-11-18",
        "lot": "H118",
        "supplier_number": "S1001",
    },
    "FieldClaim": {
        "subject_kind": "Supplier",
        "subject_key": "S1001",
        "field": "Supplier.status",
        "system": "portal",
        "owner": ["supplier_desk", "erp"],
        "claimed_at": "2026-11-20T10:00:00Z",
    },
    "SanctionsScreening": {
        "supplier_number": "S1001",
        "names": "9f2c11",
        "list_name": "OFAC-SDN",
        "is_clear": True,
        "screened_at": "2026-11-20T10:00:00Z",
    },
    "CostCenter": {"cost_center": "6100", "name": "Operating rooms", "facility": "MAIN", "valid_from": "2024-07-01"},
    "Dimension": {"type": "grant", "code": "G-17", "name": "Stroke unit grant", "valid_to": "2027-06-30"},
    "Budget": {
        "dimension": {"type": "cost_center", "code": "6100"},
        "period": "2026-11",
        "amount": _usd("250000.00"),
        "committed": _usd("61200.00"),
        "spent": _usd("118430.55"),
    },
    "PatientAccount": {"account_number": "A-778201", "facility": "MAIN", "patient_class": "I", "state": "open"},
}

_ORDERING: dict[str, dict[str, Any]] = {
    "Requisition": {
        "requisition_number": "R-20417",
        "facility": "MAIN",
        "requested_on": "2026-11-20",
        "requester": "k.ames",
        "urgency": "urgent",
        "department": "M-OR",
        "lines": [{"number": 1, "item_number": "M10001", "quantity": _of("2", "BX"), "cost_center": "6100"}],
    },
    "PurchaseOrder": {
        "order_number": "P-88012",
        "supplier_number": "S1001",
        "ordered_on": "2026-11-20",
        "requisition_numbers": ["R-20417"],
        "facility": "MAIN",
        "match_rule": "three_way",
        "lines": [
            {
                "number": 1,
                "item_number": "M10001",
                "quantity": _of("2", "BX"),
                "price": _usd("239.40"),
                "contract_number": "GPO-7781",
                "contract_price": _usd("239.40"),
                "cost_center": "6100",
            }
        ],
    },
    "OrderChange": {
        "order_number": "P-88012",
        "supplier_number": "S1001",
        "change_number": "C1",
        "sequence": 1,
        "changed_on": "2026-11-21",
        "lines": [
            {"order_line_number": 1, "action": "quantity_increase", "code": "QI", "quantity": _of("3", "BX")},
        ],
    },
    "OrderAcknowledgement": {
        "order_number": "P-88012",
        "supplier_number": "S1001",
        "acknowledged_on": "2026-11-20",
        "acknowledgement_type": "AD",
        "lines": [{"order_line_number": 1, "answers": [{"action": "accepted", "code": "IA"}]}],
    },
    "ShipmentNotice": {
        "shipment_number": "SH-5521",
        "supplier_number": "S1001",
        "noticed_on": "2026-11-21",
        "expected_on": "2026-11-23",
        "lines": [{"quantity": _of("2", "BX"), "order_number": "P-88012", "order_line_number": 1, "lot": "L2291"}],
    },
    "Receipt": {
        "receipt_number": "GR-70031",
        "order_number": "P-88012",
        "supplier_number": "S1001",
        "received_on": "2026-11-23",
        "facility": "MAIN",
        "location": "MAIN-DOCK",
        "lines": [
            {
                "order_line_number": 1,
                "item_number": "M10001",
                "quantity": _of("2", "BX"),
                "accepted": _of("2", "BX"),
                "lot": "L2291",
                "expires_on": "2029-05-31",
            }
        ],
    },
}

_PAYING: dict[str, dict[str, Any]] = {
    "Invoice": {
        "invoice_number": "INV-4417",
        "supplier_number": "S1001",
        "invoiced_on": "2026-11-22",
        "received_on": "2026-11-22",
        "order_number": "P-88012",
        "stated_total": _usd("478.80"),
        "remit_to": "MAIN",
        "origin": "supplier_invoices",
        "lines": [{"number": 1, "quantity": _of("2", "BX"), "price": _usd("239.40"), "order_line_number": 1}],
    },
    "PaymentRun": {
        "run_number": "RUN-20261124T1000",
        "pay_on": "2026-11-24",
        "next_run": "2026-11-26",
        "lines": [
            {
                "payment_number": "RUN-20261124T1000-0001",
                "supplier_number": "S1001",
                "invoice_number": "INV-52001",
                "pays": {"amount": "1692.26", "currency": "USD"},
                "discount": {"amount": "34.54", "currency": "USD"},
                "why": "discount",
            }
        ],
    },
    "PaymentStatus": {
        "supplier_number": "S1001",
        "invoice_number": "INV-4417",
        "state": "open",
        "amount_due": _usd("478.80"),
        "as_of": "2026-11-24",
    },
    "Payment": {
        "payment_number": "PAY-9001",
        "supplier_number": "S1001",
        "amount": _usd("478.80"),
        "pay_on": "2026-12-22",
        "state": "released",
        "method": "ach",
        "invoices": [{"invoice_number": "INV-4417", "amount": _usd("478.80")}],
    },
    "BankStatusReport": {
        "report_number": "PSR-20261223-1/7",
        "source": "pain.002",
        "state": "accepted",
        "reported_at": "2026-12-23T06:12:00Z",
        "payment_number": "PAY-9001",
        "amount": _usd("478.80"),
    },
    "Remittance": {
        "remittance_number": "PAY-9001",
        "supplier_number": "S1001",
        "paid_on": "2026-12-22",
        "amount": _usd("478.80"),
        "lines": [{"scheme": "IV", "number": "INV-4417", "paid": _usd("478.80")}],
    },
    "ApplicationAdvice": {
        "advice_number": "ADV-31",
        "supplier_number": "S1001",
        "documents": [
            {"action": "rejected", "scheme": "IV", "number": "INV-4417", "faults": [{"code": "006"}]},
        ],
    },
    "PostingResult": {
        "dossier": "order:P-88012",
        "command": "post_invoice",
        "subject_kind": "Invoice",
        "subject_key": "S1001/INV-4417",
        "ok": True,
        "answered_at": "2026-11-24T10:00:03Z",
        "reference": "7731",
    },
    "ReconciliationReport": {
        "system": "erp",
        "subject_kind": "Invoice",
        "period": "2026-11",
        "compared_at": "2026-12-01T05:00:00Z",
        "count_here": 10211,
        "count_there": 10211,
    },
    "JournalEntry": {
        "entry_number": "ACC-2026-11-88012",
        "posted_on": "2026-11-30",
        "entry_type": "accrual",
        "reverse_on": "2026-12-01",
        "source_kind": "Receipt",
        "source_key": "GR-70031",
        "lines": [
            {"account": "5100", "debit": _usd("478.80"), "cost_center": "6100"},
            {"account": "2150", "credit": _usd("478.80")},
        ],
    },
}

_PEOPLE: dict[str, dict[str, Any]] = {
    "Approval": {
        "approval_number": "A-R-20417",
        "dossier": "requisition:R-20417",
        "subject_kind": "Requisition",
        "subject_key": "R-20417",
        "requested_by": "k.ames",
        "requested_at": "2026-11-20T14:02:00Z",
        "amount": _usd("478.80"),
        "department": "M-OR",
    },
    "ApprovalAction": {
        "action_number": "1",
        "approval_number": "A-R-20417",
        "dossier": "requisition:R-20417",
        "action": "approve",
        "who": "d.reyes",
        "at": "2026-11-20T15:30:00Z",
        "origin": "console",
    },
    "CaseAction": {
        "action_number": "CA-118",
        "case_id": "order:P-88012#price_above_tolerance#S1001/INV-4417/1",
        "dossier": "order:P-88012",
        "action": "accept",
        "who": "d.reyes",
        "at": "2026-11-24T10:00:00Z",
        "reason": "The new price was agreed by telephone",
        "amount": _usd("12.00"),
    },
}

_USAGE: dict[str, dict[str, Any]] = {
    "Consumption": {
        "consumption_number": "U-5512",
        "used_at": "2026-11-20T09:41:00Z",
        "facility": "MAIN",
        "department": "M-OR",
        "case_reference": "CASE-3307",
        "lines": [
            {
                "number": 1,
                "item_number": "M10011",
                "quantity": _of("1"),
                "lot": "H118",
                "serial": "0042",
                "disposition": "implanted",
                "bill_only": True,
            }
        ],
    },
    "ChargeEvent": {
        "charge_number": "CH-90117",
        "charge_code": "02780011",
        "charged_at": "2026-11-20T11:00:00Z",
        "quantity": _of("1"),
        "amount": _usd("6200.00"),
        "account_number": "A-778201",
        "case_reference": "CASE-3307",
    },
    "VisitContext": {"visit_number": "V-3301", "event": "A01", "facility": "MAIN", "patient_class": "I"},
    "InventoryMovement": {
        "movement_number": "MV-771",
        "movement_kind": "issue",
        "item_number": "M10001",
        "location": "MAIN-OR-CORE",
        "quantity": _of("-2"),
        "moved_at": "2026-11-20T09:41:00Z",
    },
    "InventoryLevel": {
        "item_number": "M10001",
        "location": "MAIN-OR-CORE",
        "on_hand": _of("14"),
        "as_of": "2026-11-20T23:59:00Z",
        "order_point": "12",
        "maximum": "48",
    },
}

EXAMPLES: Mapping[str, Mapping[str, Any]] = _MASTER | _ORDERING | _PAYING | _PEOPLE | _USAGE
