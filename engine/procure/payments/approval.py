"""A payment that a run proposed goes out when a person approved exactly it: this payee, this account, this amount.

Where the policies have no route for payments nobody is asked; what the ERP itself proposed or approved is its own.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from engine.canonical import ApprovalAction, Payment, PaymentProgress
from engine.canonical.entity_names import blind
from engine.core.clock import from_micros
from engine.procure.approvals.approve import approve, route_of
from engine.procure.approvals.documents import acts_of
from engine.procure.approvals.states import ApprovalState
from engine.procure.approvals.values import Act, Request, Standing
from engine.procure.decision import World, text_of
from engine.procure.papers import Papers
from engine.procure.payments.hold import Clearance, account_told
from engine.procure.policies import policies_of
from engine.procure.suppliers.approval import approval_for, number_of_approval


def payment_approval_number(payment: Payment, account: str = "") -> str:
    """Another amount, payee or account is another payment to approve.

    Args:
        account: where its money goes by what is known now: few payments name their account themselves.
    """
    invoices = [f"{one.invoice_number}={text_of(one.amount.amount)}" for one in payment.invoices]
    parts = [payment.supplier_number, payment.remit_to or "", account, payment.amount.currency]
    told = blind("\n".join([*parts, text_of(payment.amount.amount), *invoices]))
    return number_of_approval(f"payment/{payment.payment_number}", told)


def payment_standing(payment: Payment, papers: Papers, world: World) -> Standing | None:
    """None: nobody is asked."""
    if payment.run_number is None or payment.state is not PaymentProgress.PROPOSED:
        return None
    request = _request(payment, papers, world)
    if route_of(policies_of(world), request) is None:
        return None
    return approve(request, _acts(request, papers, world), world)


def gated(clear: Clearance, standing: Standing | None) -> Clearance:
    """Not clear before it is approved, by somebody."""
    if standing is None or (standing.state is ApprovalState.APPROVED and standing.counted):
        return clear
    ended = standing.state in (ApprovalState.REJECTED, ApprovalState.WITHDRAWN, ApprovalState.EXPIRED)
    why = f"payment_{standing.state.value}" if ended else "payment_unapproved"
    return msgspec.structs.replace(clear, reasons=(*clear.reasons, why), digest=blind(f"{clear.digest}:{why}"))


def _request(payment: Payment, papers: Papers, world: World) -> Request:
    number = _number(payment, world)
    versions = [one for one in papers.all if isinstance(one.document, Payment)]
    here = [one for one in versions if isinstance(one.document, Payment) and _number(one.document, world) == number]
    makers = {one.record.who for one in versions} | {payment.proposed_by}
    return Request(
        key=number,
        subject="payment",
        amount=payment.amount,
        requested_at=from_micros(here[0].record.at_micros),
        creators=frozenset(name for name in makers if name),
        requester=payment.proposed_by,
        supplier=payment.supplier_number,
    )


def _number(payment: Payment, world: World) -> str:
    return payment_approval_number(payment, account_told(payment, world))


def _acts(request: Request, papers: Papers, world: World) -> Iterator[Act]:
    """Of people who were logged in, after it was proposed."""
    asked = approval_for(request.key, request.requester or "-", request.requested_at, "Payment")
    logged_in = {
        one.document.natural_key: from_micros(one.record.at_micros)
        for one in papers.all
        if isinstance(one.document, ApprovalAction) and one.record.who is not None
    }
    for act in acts_of(asked, papers, world):
        at = logged_in.get(act.key)
        if at is not None and at >= request.requested_at:
            yield msgspec.structs.replace(act, at=at)
