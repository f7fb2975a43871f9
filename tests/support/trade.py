"""A supplier's documents as bytes, through the doors of the shipped site, to the decision over their order."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeVar

from engine.canonical import (
    Document,
    Invoice,
    Item,
    Money,
    OrderLine,
    Packaging,
    PurchaseOrder,
    Quantity,
    Receipt,
    ReceiptLine,
    Supplier,
)
from engine.channel.site import Site
from engine.cli.dry_run import runner_for
from engine.ports.script import WorkResult
from engine.procure.decision import Decision
from tests.support.dossiers import Dossiers

AT = datetime(2026, 11, 25, 12, tzinfo=UTC)
SUPPLIER = Supplier(supplier_number="S1001", name="Alderbrook")
TROCAR = Item(
    item_number="M10001", description="Trocar", unit="EA",
    packaging=(Packaging(unit="BX", contains=Decimal(10)), Packaging(unit="CA", contains=Decimal(40))),
)  # fmt: skip
BIG = "BIG*20261120*I-1*20261102*PO-1***DI"
IT1 = "IT1*1*10*EA*4.00**IN*M10001"
D = TypeVar("D", bound=Document)
_UBL = "urn:oasis:names:specification:ubl:schema:xsd"


def edi(*segments: str, code: str = "810", functional_id: str = "IN", sender: str = "ALDERBROOK") -> bytes:
    """A set that Alderbrook sends, or our clinic; its second segment says which supplier it is about."""
    body = "".join(f"{one}~\n" for one in (segments[0], "REF*IA*S1001", *segments[1:]))
    blank = " " * 10
    control = f"ISA*00*{blank}*00*{blank}*ZZ*{sender:15}*ZZ*HARBORHEALTH   *261120*0815*U*00401*000000101*0*P*>"
    group = f"GS*{functional_id}*{sender}*HARBORHEALTH*20261120*0815*101*X*004010"
    end = f"SE*{len(segments) + 3}*0001~\nGE*1*101~\nIEA*1*000000101~\n"
    return f"{control}~\n{group}~\nST*{code}*0001~\n{body}{end}".encode()


def order(amount: str = "10", price: str = "4.00", unit: str = "EA", **more: Any) -> PurchaseOrder:
    line = OrderLine(number=1, item_number="M10001", quantity=quantity(amount, unit), price=usd(price))
    values = {"order_number": "PO-1", "supplier_number": "S1001", "ordered_on": date(2026, 11, 2)} | more
    return PurchaseOrder(**({"lines": (line,)} | values))


def receipt(amount: str = "10", unit: str = "EA", order_number: str = "PO-1") -> Receipt:
    line = ReceiptLine(order_line_number=1, item_number="M10001", quantity=quantity(amount, unit))
    return Receipt(
        receipt_number="R-1", order_number=order_number, supplier_number="S1001", received_on=date(2026, 11, 9),
        lines=(line,),
    )  # fmt: skip


def quantity(amount: str, unit: str) -> Quantity:
    return Quantity(amount=Decimal(amount), unit=unit)


def usd(amount: str) -> Money:
    return Money(amount=Decimal(amount))


def ubl(number: str, amount: str = "10", price: str = "4.00", order_number: str = "PO-1") -> bytes:
    """As a small supplier mails it; blank: without the order's number."""
    asked = f"<cac:OrderReference><cbc:ID>{order_number}</cbc:ID></cac:OrderReference>" if order_number else ""
    total = Decimal(amount) * Decimal(price)
    return f"""<?xml version="1.0"?>
<Invoice xmlns="{_UBL}:Invoice-2"
 xmlns:cac="{_UBL}:CommonAggregateComponents-2" xmlns:cbc="{_UBL}:CommonBasicComponents-2">
<cbc:ID>{number}</cbc:ID><cbc:IssueDate>2026-11-20</cbc:IssueDate>
<cbc:DocumentCurrencyCode>USD</cbc:DocumentCurrencyCode>
{asked}<cac:AccountingSupplierParty><cac:Party>
<cbc:EndpointID schemeID="0088">0614141000012</cbc:EndpointID></cac:Party></cac:AccountingSupplierParty>
<cac:LegalMonetaryTotal><cbc:TaxInclusiveAmount>{total}</cbc:TaxInclusiveAmount></cac:LegalMonetaryTotal>
<cac:InvoiceLine><cbc:ID>1</cbc:ID><cbc:InvoicedQuantity unitCode="EA">{amount}</cbc:InvoicedQuantity>
<cac:Item><cac:BuyersItemIdentification><cbc:ID>M10001</cbc:ID></cac:BuyersItemIdentification></cac:Item>
<cac:Price><cbc:PriceAmount>{price}</cbc:PriceAmount></cac:Price></cac:InvoiceLine></Invoice>""".encode()


def hub(number: str, amount: str = "10", price: str = "4.00", order_number: str = "PO-1") -> bytes:
    """As the purchasing hub has it."""
    total = {"value": float(Decimal(amount) * Decimal(price)), "currency": "USD"}
    code = {"coding": [{"system": "https://hub.example/items", "code": "ALD-TRO-12"}]}
    kinds = (("invoices", number), ("orders", order_number))
    base = [{"type": "base", "amount": total}]
    return json.dumps({
        "resourceType": "Invoice", "id": "i-1", "meta": {"versionId": "1", "lastUpdated": "2026-11-20T10:00:00Z"},
        "contained": [{"resourceType": "ChargeItem", "id": "c1", "status": "billed", "code": code,
                       "quantity": {"value": int(amount)}}],
        "identifier": [{"system": f"https://hub.example/{kind}", "value": value} for kind, value in kinds if value],
        "status": "issued", "creation": "2026-11-20",
        "issuer": {"identifier": {"system": "https://hub.example/suppliers", "value": "S1001"}},
        "lineItem": [{"sequence": 1, "chargeItemReference": {"reference": "#c1"}, "priceComponent": base}],
        "totalGross": total,
    }).encode()  # fmt: skip


def through(site: Site, body: bytes, channel: str = "supplier_invoice_in") -> WorkResult:
    return runner_for(site)(site.channels[channel], body)


def invoice_of(site: Site, body: bytes, channel: str = "supplier_invoice_in") -> Invoice:
    """What the channel makes of it."""
    return made_of(Invoice, site, body, channel)


def made_of(kind: type[D], site: Site, body: bytes, channel: str) -> D:
    """The first document of a kind that a channel makes."""
    made = [one for one in through(site, body, channel).documents if one.kind == kind.kind]
    assert made, f"the channel made no {kind.kind} of it"
    return kind.model_validate_json(made[0].body)


def taken(site: Site, *documents: Document) -> Dossiers:
    dossiers = Dossiers(site.policies)
    for one in (SUPPLIER, TROCAR, *documents):
        dossiers.take(one)
    dossiers.now = AT
    return dossiers


def decided(site: Site, bodies: list[bytes], *known: PurchaseOrder | Receipt, at: str = "order:PO-1") -> Decision:
    """Over an order, when 810s have come for it."""
    return taken(site, *known, *(invoice_of(site, body) for body in bodies)).decide(at)


def posted(decision: Decision) -> list[str]:
    return [one.key for one in decision.intents if one.what == "post_invoice"]


def types(decision: Decision) -> list[str]:
    return [one.type for one in decision.findings]
