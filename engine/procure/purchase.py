"""An order with its receipts and invoices: is what is asked for what was ordered and received?"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from engine.canonical import Invoice, PurchaseOrder, Receipt
from engine.procure.decision import Decision, Finding, Intent, World, text_of
from engine.procure.papers import Papers


def decide_purchase(papers: Papers, world: World) -> Decision:
    order = next(iter(papers.newest(PurchaseOrder)), None)
    invoices = papers.newest(Invoice)
    received = sum(
        (line.quantity.amount for receipt in papers.newest(Receipt) for line in receipt.lines), start=Decimal(0)
    )
    findings: list[Finding] = []
    intents: list[Intent] = []
    states: dict[str, Any] = {}
    for invoice in invoices:
        asked = sum((line.quantity.amount for line in invoice.lines), start=Decimal(0))
        if order is None:
            states[invoice.natural_key] = {"state": "waiting", "for": "order"}
        elif asked > received:
            states[invoice.natural_key] = {"state": "waiting", "for": "receipt", "missing": text_of(asked - received)}
        elif invoice.total.amount > order.total.amount:
            findings.append(_too_high(invoice, order))
            states[invoice.natural_key] = {"state": "exception"}
        else:
            intents.append(Intent("post_invoice", invoice))
            states[invoice.natural_key] = {"state": "matched"}
    return Decision({"invoices": states}, tuple(findings), tuple(intents))


def _too_high(invoice: Invoice, order: PurchaseOrder) -> Finding:
    return Finding(
        "price_above_tolerance",
        invoice.natural_key,
        "The invoice is higher than its order",
        money=invoice.total - order.total,
        supplier=invoice.supplier_number,
    )
