"""Money that came back because of the account: what pays the same invoice again waits until people looked at it.

They did when they verified the account anew since, or decided over the case of what came back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from engine.canonical import BankStatusReport, CaseAction, CaseVerb, Payment
from engine.core.clock import to_micros
from engine.procure.decision import World
from engine.procure.payments.bank_accounts import account_standings
from engine.procure.payments.codes import reason_of
from engine.procure.suppliers.papers import paid_dossier, payment_dossier, supplier_dossier

ACCOUNT_RETURNED = "bank_account_returned"
_LOOKED = frozenset({CaseVerb.ACCEPT, CaseVerb.RELEASE})
Refusal = Callable[[Payment], BankStatusReport | None]
"""What the bank said last of a payment, when that is that the money did not stay."""
AccountOf = Callable[[Payment], str | None]


def came_back_from_there(payment: Payment, world: World, refusal: Refusal, account_of: AccountOf) -> bool:
    code = account_of(payment)
    if code is None:
        return False
    blamed = [
        report
        for other in _of_the_same(payment, world)
        if account_of(other) == code and not _is_looked_at(other, world) and (report := refusal(other)) is not None
    ]
    blamed = [one for one in blamed if reason_of(one.reason_code).account]
    return any(to_micros(one.reported_at) > _verified(payment, code, world) for one in blamed)


def _of_the_same(payment: Payment, world: World) -> Iterator[Payment]:
    """Other payments of its invoices."""
    for part in payment.invoices:
        for other in world.papers(paid_dossier(payment.supplier_number, part.invoice_number)).newest(Payment):
            if other.payment_number != payment.payment_number:
                yield other


def _is_looked_at(other: Payment, world: World) -> bool:
    acts = world.papers(payment_dossier(other.payment_number)).newest(CaseAction)
    return any(one.action in _LOOKED and one.case_type in ("payment_returned", "payment_rejected") for one in acts)


def _verified(payment: Payment, code: str, world: World) -> int:
    """When people last approved the account's details, in microseconds."""
    standing = account_standings(world.papers(supplier_dossier(payment.supplier_number)), world).get(code)
    return max((to_micros(one.at) for one in standing.standing.counted), default=0) if standing else 0
