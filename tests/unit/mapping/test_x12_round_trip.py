"""What we write, a reader turns into the same document; ten thousand of each are in test_x12_ten_thousand.py."""

from __future__ import annotations

from datetime import datetime

from hypothesis import HealthCheck, Phase, given, settings

from engine.canonical import Invoice, PurchaseOrder
from engine.mapping.x12_810 import invoice_from_810, invoice_to_810
from engine.mapping.x12_850 import purchase_order_from_850, purchase_order_to_850
from engine.protocols.x12 import OutboundGroup, OutboundSet, TransactionSet, judge, read, write_interchange
from tests.support import x12_samples as samples
from tests.support.x12_documents import invoices, purchase_orders

SHORT = 15
CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large]
PHASES = [Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink]  # explaining a failure takes minutes


def sent_and_received(one: OutboundSet, functional_id: str, version: str) -> TransactionSet:
    """Through bytes: written by us, read strictly by the far side."""
    group = OutboundGroup(functional_id, version, 12, (one,))
    made_at = datetime(2026, 11, 20, 8, 15)
    outcome = judge(read(write_interchange(samples.partner(version), 12, made_at, [group])).interchanges[0])
    assert outcome.all_findings == ()
    ((_, received),) = outcome.accepted_sets()
    return received


VERSIONS = ("004010", "005010")


def order_back(order: PurchaseOrder) -> list[PurchaseOrder]:
    written = purchase_order_to_850(order)
    return [purchase_order_from_850(sent_and_received(written, "PO", version)) for version in VERSIONS]


def invoice_back(invoice: Invoice) -> list[Invoice]:
    written = invoice_to_810(invoice)
    return [invoice_from_810(sent_and_received(written, "IN", version)) for version in VERSIONS]


@given(purchase_orders())
@settings(max_examples=SHORT, deadline=None, suppress_health_check=CHECKS, phases=PHASES)
def test_written_order_reads_as_the_same_order(order: PurchaseOrder) -> None:
    assert order_back(order) == [order, order]


@given(invoices())
@settings(max_examples=SHORT, deadline=None, suppress_health_check=CHECKS, phases=PHASES)
def test_written_invoice_reads_as_the_same_invoice(invoice: Invoice) -> None:
    assert invoice_back(invoice) == [invoice, invoice]
