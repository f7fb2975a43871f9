"""What flows in channels whose source looks into an ERP, as `isthmus channel new` writes them. Data, no logic."""

from __future__ import annotations

from engine.cli.scaffold_texts import Content

RECEIPT = Content(
    sample_name="input.json",
    sample="""{
  "receipt_number": "IN-17",
  "order_number": "PO-7001",
  "supplier_number": "S1005",
  "received_on": "2026-11-20",
  "lines": [
    {
      "order_line_number": 1,
      "item_number": "M10025",
      "quantity": {"amount": "20", "unit": "EA"}
    }
  ]
}
""",
    keys="receipt: receipt_number\n  order: order_number",
    transform='''"""A receipt as the ERP tells it: canonical already, checked here and sent on."""

from engine.sdk import JsonMessage, Receipt


def transform(message: JsonMessage) -> Receipt:
    return Receipt.model_validate(message.value)
''',
    kind="Receipt",
    order_by="order_number",
)

REPORT = Content(
    sample_name="input.json",
    sample="""{
  "system": "erp",
  "subject_kind": "Invoice",
  "period": "2026-11",
  "compared_at": "2026-11-20T06:00:00Z",
  "count_here": 41,
  "count_there": 42,
  "drifts": [
    {
      "cause": "missing_here",
      "subject_kind": "Invoice",
      "subject_key": "S1005/INV-7001",
      "supplier_number": "S1005",
      "there": {"amount": "1172.00", "currency": "USD"}
    }
  ]
}
""",
    keys="period: period",
    transform='''"""What a comparison of the books found: canonical already, checked here and sent on."""

from engine.sdk import JsonMessage, ReconciliationReport


def transform(message: JsonMessage) -> ReconciliationReport:
    return ReconciliationReport.model_validate(message.value)
''',
    kind="ReconciliationReport",
    order_by="natural_key",
)
