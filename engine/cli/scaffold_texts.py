"""Texts of new sites and channels: sample messages (invented), transforms, settings. Data, no logic."""

from __future__ import annotations

from typing import NamedTuple


class Content(NamedTuple):
    """What flows through a scaffolded channel. `transform` None: the message goes on as it is."""

    sample_name: str
    sample: str
    keys: str
    accept: str = ""
    transform: str | None = None
    kind: str = "message"
    order_by: str | None = None


VISIT = Content(
    sample_name="input.hl7",
    sample="\r".join(
        (
            "MSH|^~\\&|EHR|GENERAL|ISTHMUS|GENERAL|20261120081500||ADT^A01^ADT_A01|10001|P|2.5.1||||||UNICODE UTF-8",
            "EVN|A01|20261120081500",
            "PID|1||900001^^^GENERAL^MR||Sample^Person",
            f"PV1|1|I|OR^12^1{'|' * 16}V-20001",
            "",
        )
    ),
    keys="visit: PV1-19.1",
    accept="[ADT^A01]",
    transform='''"""ADT^A01 to VisitContext: the department a visit belongs to, and nothing else about the patient."""

from engine.sdk import Hl7Message, VisitContext


def transform(message: Hl7Message) -> VisitContext:
    return VisitContext(
        visit_number=message.require("PV1-19.1"),
        event=message.require("MSH-9.2"),
        facility=message.get("MSH-4.1"),
        department=message.get("PV1-3.1"),
        patient_class=message.get("PV1-2"),
    )
''',
    kind="VisitContext",
    order_by="visit_number",
)

REQUISITION = Content(
    sample_name="input.hl7",
    sample="\r".join(
        (
            "MSH|^~\\&|OR|GENERAL|ISTHMUS|GENERAL|20261120081500||OMS^O05^OMS_O05|10001|P|2.5.1||||||UNICODE UTF-8",
            "ORC|NW|10001||REQ-30001",
            "RQD|1|||M10001^Trocar 12 mm|6|EA|6100|||20261123",
            "RQD|2|||M10007^Examination glove|200|EA|6100|||20261123",
            "",
        )
    ),
    keys="requisition: ORC-4.1",
    accept="[OMS^O05]",
    transform='''"""OMS^O05 stock requisition to Requisition. Source: HL7 v2.5.1 chapter 4 (ORC, RQD)."""

from engine.sdk import Hl7Message, Quantity, Requisition, RequisitionLine


def transform(message: Hl7Message) -> Requisition:
    return Requisition(
        requisition_number=message.require("ORC-4.1"),
        lines=tuple(
            RequisitionLine(
                number=rqd.integer(1),
                item_number=rqd.require("4.1"),
                description=rqd.get("4.2"),
                quantity=Quantity(amount=rqd.number(5), unit=rqd.get("6.1") or "EA"),
                cost_center=rqd.get("7.1"),
                needed_by=rqd.date(10, None),
            )
            for rqd in message.all("RQD")
        ),
    )
''',
    kind="Requisition",
    order_by="requisition_number",
)

AS_IT_IS = VISIT._replace(transform=None, kind="message", order_by="PID-3.1")

SUPPLIER = Content(
    sample_name="input.json",
    sample='{\n  "supplier_number": "S1001",\n  "name": "Alderbrook Surgical Supply",\n'
    '  "email": "orders@alderbrook.example"\n}\n',
    keys="supplier: supplier_number",
    transform='''"""JSON to Supplier: one object for each supplier."""

from engine.sdk import JsonMessage, Supplier


def transform(message: JsonMessage) -> Supplier:
    return Supplier(
        supplier_number=message.require("supplier_number"),
        name=message.require("name"),
        email=message.get("email"),
    )
''',
    kind="Supplier",
    order_by="supplier_number",
)

SUPPLIER_XML = Content(
    sample_name="input.xml",
    sample="""<?xml version="1.0" encoding="utf-8"?>
<Supplier xmlns="urn:hospital:suppliers">
  <Number>S1001</Number>
  <Name>Alderbrook Surgical Supply</Name>
  <Email>orders@alderbrook.example</Email>
</Supplier>
""",
    keys="supplier: Number",
    transform='''"""XML to Supplier: one element for each supplier."""

from engine.sdk import Supplier, XmlMessage


def transform(message: XmlMessage) -> Supplier:
    return Supplier(
        supplier_number=message.require("Number"),
        name=message.require("Name"),
        email=message.get("Email"),
    )
''',
    kind="Supplier",
    order_by="supplier_number",
)

EVENT = Content(
    sample_name="input.json",
    sample="""{
  "specversion": "1.0",
  "id": "event-1",
  "source": "/isthmus",
  "type": "message.held",
  "time": "2026-11-20T08:15:00Z",
  "data": {"channel": "admissions"}
}
""",
    keys="event: id",
)

ORDER_X12 = Content(
    sample_name="input.edi",
    sample="\n".join(
        (
            f"ISA*00*{' ' * 10}*00*{' ' * 10}*ZZ*{'BUYERTOOL':<15}*ZZ*{'GENERALHOSP':<15}"
            "*261120*0815*U*00401*000000501*0*P*>~",
            "GS*PO*BUYERTOOL*GENERALHOSP*20261120*0815*501*X*004010~",
            "ST*850*0001~",
            "BEG*00*NE*PO-7001**20261120~",
            "N1*SE*Eastfold Catheter Company*92*S1005~",
            "N1*ST*General Hospital*92*GENERAL~",
            "PO1*1*20*EA*58.6**VN*EF-CV3*IN*M10025~",
            "PID*F****Central line kit 3 lumen~",
            "PO1*2*10*EA*22.15**VN*EF-G35*IN*M10022~",
            "PID*F****Guide wire 0.035 in~",
            "CTT*2~",
            "SE*10*0001~",
            "GE*1*501~",
            "IEA*1*000000501~",
            "",
        )
    ),
    keys="order: BEG03",
    accept='["850"]',
    transform='''"""850 to PurchaseOrder. Source: X12 004010, 850."""

from engine.sdk import PurchaseOrder, TransactionSet, purchase_order_from_850


def transform(order_850: TransactionSet) -> PurchaseOrder:
    return purchase_order_from_850(order_850)
''',
    kind="PurchaseOrder",
    order_by="order_number",
)

ORDER_JSON = Content(
    sample_name="input.json",
    sample="""{
  "order_number": "PO-7001",
  "supplier_number": "S1005",
  "ordered_on": "2026-11-20",
  "lines": [
    {
      "number": 1,
      "item_number": "M10025",
      "quantity": {"amount": "20", "unit": "EA"},
      "price": {"amount": "58.60", "currency": "USD"}
    }
  ]
}
""",
    keys="order: order_number",
    transform='''"""A purchase order as the ERP tells it: canonical already, checked here and sent on."""

from engine.sdk import JsonMessage, PurchaseOrder


def transform(message: JsonMessage) -> PurchaseOrder:
    return PurchaseOrder.model_validate(message.value)
''',
    kind="PurchaseOrder",
    order_by="order_number",
)

PAYMENT_RUN = Content(
    sample_name="input.json",
    sample="""{
  "run_number": "RUN-20261124T150000",
  "pay_on": "2026-11-24",
  "next_run": "2026-11-26",
  "lines": [
    {
      "payment_number": "RUN-20261124T150000-0001",
      "supplier_number": "S1005",
      "invoice_number": "INV-7001",
      "pays": {"amount": "1172.00", "currency": "USD"},
      "why": "due"
    }
  ]
}
""",
    keys="run: run_number",
    transform='''"""What is to be paid on a day: canonical already, checked here and sent on."""

from engine.sdk import JsonMessage, PaymentRun


def transform(message: JsonMessage) -> PaymentRun:
    return PaymentRun.model_validate(message.value)
''',
    kind="PaymentRun",
    order_by="run_number",
)

SUPPLY_REQUEST = Content(
    sample_name="input.json",
    sample="""{
  "resourceType": "SupplyRequest",
  "id": "sr-30001",
  "identifier": [{"system": "urn:hospital:requisition", "value": "REQ-30001"}],
  "status": "active",
  "itemCodeableConcept": {"coding": [{"system": "urn:hospital:item", "code": "M10001", "display": "Trocar 12 mm"}]},
  "quantity": {"value": 6, "unit": "EA"},
  "deliverTo": {"identifier": {"value": "6100"}}
}
""",
    keys="requisition: identifier[0].value",
    accept="[SupplyRequest]",
    transform='''"""SupplyRequest to Requisition. Source: FHIR R4, SupplyRequest."""

from engine.sdk import FhirMessage, Quantity, Requisition, RequisitionLine


def transform(message: FhirMessage) -> Requisition:
    return Requisition(
        requisition_number=message.require("identifier[0].value"),
        lines=(
            RequisitionLine(
                number=1,
                item_number=message.require("itemCodeableConcept.coding[0].code"),
                description=message.get("itemCodeableConcept.coding[0].display"),
                quantity=Quantity(amount=message.number("quantity.value"), unit=message.get("quantity.unit") or "EA"),
                cost_center=message.get("deliverTo.identifier.value"),
            ),
        ),
    )
''',
    kind="Requisition",
    order_by="requisition_number",
)

RESOURCE_AS_IT_IS = SUPPLY_REQUEST._replace(transform=None, kind="message", order_by="identifier[0].value")

INVOICE_JSON = Content(
    sample_name="input.json",
    sample="""{
  "invoice_number": "INV-52001",
  "supplier_number": "S1005",
  "invoiced_on": "2026-11-20",
  "stated_total": {"amount": "1172.00", "currency": "USD"},
  "lines": [
    {
      "number": 1,
      "quantity": {"amount": "20", "unit": "EA"},
      "price": {"amount": "58.60", "currency": "USD"}
    }
  ]
}
""",
    keys="invoice: invoice_number",
    transform='''"""What the process wants done, as it gives it: canonical already, checked here and sent on."""

from engine.sdk import Invoice, JsonMessage


def transform(message: JsonMessage) -> Invoice:
    return Invoice.model_validate(message.value)
''',
    kind="Invoice",
    order_by="supplier_number",
)

SUMS = Content(
    sample_name="input.json",
    sample="""{
  "window": {"start": "2026-11-20T08:00:00+00:00", "end": "2026-11-20T09:00:00+00:00", "zone": "UTC", "late": false},
  "rule": "summary",
  "kind": "Requisition",
  "group": {},
  "sums": {"quantity": {"amount": "3", "unit": "EA"}},
  "absent": {},
  "count": 2,
  "documents": []
}
""",
    keys="begin: window.start",
)

TICK = Content(
    sample_name="input.json",
    sample='{"scheduled_for": "2026-11-20T08:15:00Z"}\n',
    keys="scheduled: scheduled_for",
)

ACKNOWLEDGEMENT = """\
- name: acknowledgement                # 997, and TA1 where one is due: partners wait for it
  type: file
  folder: data/out/acknowledgements
  file_name: "{partner}_{control_number}.edi"
  format: x12
  send: X12Acknowledgement"""
PATTERNS = {"hl7v2": "*.hl7", "x12": "*.edi", "json": "*.json", "xml": "*.xml", "fhir": "*.json", "bytes": "*"}

ENGINE = """# yaml-language-server: $schema=schema/engine.schema.json
# How the engine of this site runs. What is not written here has a default.
site: {title}
store:
  url: sqlite:var/isthmus.db            # one file; several nodes need PostgreSQL
console:
  listen: 127.0.0.1:8080
retention:
  messages: 90d
"""

IGNORE = """# The engine's own files, and messages: neither belongs into git.
/var/
/data/
*.key
*.pem
"""

README = """# {title}

An Isthmus site: channels, the transforms they use, and configuration.

| | |
|---|---|
| `isthmus lint` | finds mistakes, with line and column |
| `isthmus test` | runs the cases beside the channels |
| `isthmus trace admissions channels/first/admissions.cases/sample/input.hl7` | shows each stage of one message |
| `isthmus channel new NAME --source file --destination erp` | makes the next channel |
| `isthmus run` | starts the engine and prints its addresses |

- `channels/<flow>/<channel>.yaml`: one channel a file, its cases beside it in `<channel>.cases/`
- `transforms/*.py`: from message to document, pure functions
- `config/`: engine, connections, trading partners, crosswalks; secrets by reference only
"""
