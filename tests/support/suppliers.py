"""Invented suppliers, the people who look after them, and their answers."""

from __future__ import annotations

from datetime import UTC, datetime

from engine.canonical import (
    Address,
    ApprovalAction,
    ApprovalVerb,
    BankAccount,
    RemitTo,
    SanctionsScreening,
    Supplier,
    SupplierStatus,
    TaxIdentifier,
    TaxIdentifierType,
)
from engine.canonical.guarded import Guarded
from engine.channel.policies import Policies
from engine.channel.policy_people import People, Person
from engine.channel.policy_routing import Approvals, Route, Step
from engine.procure.suppliers.supplier import names_digest

ROUTING = ["021000021", "011401533", "091000019", "122105155"]
ANNA, BERT, CARA = "a.anders", "b.berg", "c.cole"
_STEP = Step(roles=("supplier-master",), checks_limit=False)
POLICIES = Policies(
    people=People(people=tuple(Person(person=one, roles=("supplier-master",)) for one in (ANNA, BERT, CARA))),
    approvals=Approvals(
        routes=(
            Route(route="suppliers", subjects=("supplier",), steps=(_STEP,)),
            Route(route="bank", subjects=("bank_change",), steps=(_STEP,)),
        )
    ),
)  # fmt: skip


def named(number: str, name: str, tax: str | None = None, lockbox: str | None = None) -> Supplier:
    taxes = (TaxIdentifier(type=TaxIdentifierType.EIN, value=Guarded(tax)),) if tax else ()
    remit_tos = (RemitTo(code="L", address=Address(street=lockbox)),) if lockbox else ()
    return Supplier(supplier_number=number, name=name, tax_identifiers=taxes, remit_tos=remit_tos)


def account(number: str = "00012345678", code: str = "MAIN", changed_by: str | None = None) -> BankAccount:
    return BankAccount(code=code, routing_number=ROUTING[0], account_number=Guarded(number), changed_by=changed_by)


def supplier(
    number: str = "S1",
    name: str = "Acme Medical Inc",
    accounts: tuple[BankAccount, ...] = (),
    status: SupplierStatus = SupplierStatus.ONBOARDING,
    requested_by: str | None = ANNA,
    tax: str = "12-3456789",
) -> Supplier:
    """Complete and right."""
    return Supplier(
        supplier_number=number,
        name=name,
        tax_identifiers=(TaxIdentifier(type=TaxIdentifierType.EIN, value=Guarded(tax)),),
        address=Address(street="1 Pier", city="Harbor", state="MA", postal_code="02110", country="US"),
        bank_accounts=accounts,
        status=status,
        requested_by=requested_by,
    )


def clear(one: Supplier, is_clear: bool = True) -> SanctionsScreening:
    return SanctionsScreening(
        supplier_number=one.supplier_number, names=names_digest(one), list_name="SDN", is_clear=is_clear,
        screened_at=datetime(2026, 11, 16, tzinfo=UTC), entries=() if is_clear else ("306",),
    )  # fmt: skip


def answer(
    number: str, who: str, at: datetime, dossier: str = "supplier:S1", verb: ApprovalVerb = ApprovalVerb.APPROVE
) -> ApprovalAction:
    return ApprovalAction(
        action_number=f"{who}-{at.isoformat()}", approval_number=number, dossier=dossier, action=verb, who=who, at=at,
        reason="called back",
    )  # fmt: skip
