"""Which decider a dossier has, by the first word of its key."""

from __future__ import annotations

from collections.abc import Callable

from engine.procure.approvals.documents import decide_approvals
from engine.procure.claims import decide_claims
from engine.procure.decision import Decision, World, merge
from engine.procure.matching.purchase import decide_purchase
from engine.procure.orders.states import decide_order_life
from engine.procure.papers import Papers
from engine.procure.payments.payment import decide_bank, decide_payment
from engine.procure.postings.open_day import on_open_days
from engine.procure.postings.posting import followed
from engine.procure.reconciliation.reconcile import decide_reconciliation
from engine.procure.requisitions.replenish import decide_stock
from engine.procure.requisitions.requisition import decide_requisition
from engine.procure.suppliers.supplier import decide_same_entity, decide_supplier
from engine.procure.usage.implants import decide_case
from engine.procure.usage.usage import decide_usage

Decider = Callable[[Papers, World], Decision]


def _kept(papers: Papers, world: World) -> Decision:
    """Reference data: kept as versions, nothing to decide."""
    return Decision({})


def _order(papers: Papers, world: World, dossier: str) -> Decision:
    """Its invoices, and what became of the order itself."""
    return merge(decide_purchase(papers, world, dossier), decide_order_life(papers, world))


DECIDERS: dict[str, Decider] = {
    "requisition": decide_requisition,
    "invoice": decide_purchase,
    "approval": decide_approvals,
    "claims": decide_claims,
    "bank": decide_bank,
    "payment": decide_payment,
    "reconciliation": decide_reconciliation,
    "supplier": decide_supplier,
    "supplier-tax": decide_same_entity,
    "supplier-name": decide_same_entity,
    "usage": decide_usage,
}
# These must know which dossier they decide: its documents name several.
BY_NAME: dict[str, Callable[[Papers, World, str], Decision]] = {
    "case": decide_case, "stock": decide_stock, "order": _order,
}  # fmt: skip


def decide(dossier: str, papers: Papers, world: World) -> Decision:
    """With what became of what was posted."""
    word = dossier.partition(":")[0]
    by_name = BY_NAME.get(word)
    decision = by_name(papers, world, dossier) if by_name else DECIDERS.get(word, _kept)(papers, world)
    return followed(on_open_days(decision, world), papers, world)
