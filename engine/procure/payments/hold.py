"""May this payment go out? Only to a supplier that is approved, and to an account that other people verified.

There is one answer for all ways in: it is made from the supplier's whole dossier, and no document can say it is so.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec

from engine.canonical import Payment, PaymentMethod, Supplier
from engine.canonical.entity_names import blind
from engine.channel.policy_people import same_person
from engine.procure.decision import World
from engine.procure.papers import Papers
from engine.procure.payments.bank_accounts import AccountStanding, account_standings, details_of
from engine.procure.suppliers.check import faults_of
from engine.procure.suppliers.papers import supplier_dossier
from engine.procure.suppliers.supplier import SupplierStanding, standing_of_supplier

_WITHOUT_ACCOUNT = frozenset({PaymentMethod.CHECK, PaymentMethod.CARD})


class Clearance(msgspec.Struct, frozen=True):
    """`reasons` are codes; none: it may be paid. `digest` changes with all that was looked at."""

    reasons: tuple[str, ...]
    digest: str
    account: str | None = None
    look_again_at: datetime | None = None

    @property
    def is_clear(self) -> bool:
        return not self.reasons


def clearance_of(payment: Payment, world: World) -> Clearance:
    papers = world.papers(supplier_dossier(payment.supplier_number))
    found = standing_of_supplier(papers, world)
    if found is None:
        return Clearance(("supplier_unknown",), _digest(papers, ("supplier_unknown",)))
    accounts = account_standings(papers, world)
    code = _account_code(payment, found.supplier)
    account = accounts.get(code) if code else None
    reasons = [*_supplier_reasons(found), *_account_reasons(payment, code, account, found)]
    if any(one.state != "verified" for one in accounts.values()):
        reasons.append("bank_change_pending")  # another account of it, too: who pays meanwhile pays a change half seen
    if payment.approved_by and same_person(payment.approved_by) == same_person(payment.proposed_by or ""):
        reasons.append("approved_by_its_proposer")
    told = tuple(dict.fromkeys(reasons))
    look = min((one.pays_from for one in accounts.values() if one.state == "cooling" and one.pays_from), default=None)
    return Clearance(told, _digest(papers, told), code, look)


def account_told(payment: Payment, world: World) -> str:
    """To which account it goes by what is known now, for who approves it: another number is another account."""
    papers = world.papers(supplier_dossier(payment.supplier_number))
    supplier = next(iter(papers.newest(Supplier)), None)
    code = _account_code(payment, supplier) if supplier is not None else payment.bank_account
    account = supplier.bank_account(code) if supplier is not None and code else None
    return f"{code}/{details_of(account)}" if account is not None else code or ""


def also_for(clear: Clearance, reason: str | None) -> Clearance:
    """Held for one reason more."""
    if reason is None:
        return clear
    return msgspec.structs.replace(clear, reasons=(*clear.reasons, reason), digest=blind(f"{clear.digest}:{reason}"))


def _digest(papers: Papers, reasons: tuple[str, ...]) -> str:
    """Held, released and held again are three things to be told: the supplier's dossier has grown between them."""
    return blind(f"{len(papers.all)}:{','.join(reasons)}")


def _account_code(payment: Payment, supplier: Supplier) -> str | None:
    """As the payment says; else as its remit-to says; else the only one there is."""
    if payment.bank_account is not None:
        return payment.bank_account
    remit_to = supplier.remit_to(payment.remit_to) if payment.remit_to else None
    if remit_to is not None and remit_to.bank_account is not None:
        return remit_to.bank_account
    active = [one.code for one in supplier.bank_accounts if one.active]
    return active[0] if len(active) == 1 else None


def _supplier_reasons(found: SupplierStanding) -> Iterator[str]:
    if not found.may_be_used:
        yield f"supplier_{found.state.value}"


def _account_reasons(
    payment: Payment, code: str | None, account: AccountStanding | None, found: SupplierStanding
) -> Iterator[str]:
    if account is None:
        if payment.method not in _WITHOUT_ACCOUNT:
            yield "bank_account_unknown"
        return
    if account.state == "cooling":
        yield "bank_account_cooling"
    elif not account.may_be_paid_to:
        yield "bank_account_unverified"
    if any(one.place.startswith(f"bank_accounts[{code}]") for one in faults_of(found.supplier)):
        yield "bank_account_faulty"
