"""Who asked for a supplier, and whether another person approved exactly who it is."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from engine.canonical import Approval, Money, Supplier, SupplierStatus
from engine.core.clock import from_micros
from engine.procure.approve import approve
from engine.procure.approve_documents import acts_of
from engine.procure.approve_values import Request, Standing
from engine.procure.decision import World
from engine.procure.papers import Paper, Papers
from engine.procure.supplier_names import identity_of


def approval_for(number: str, requested_by: str, requested_at: datetime, kind: str = "Supplier") -> Approval:
    """What people's answers name by its number; nobody needs to have sent it."""
    return Approval(
        approval_number=number,
        dossier="supplier",
        subject_kind=kind,
        subject_key=number,
        requested_by=requested_by,
        requested_at=requested_at,
    )


def supplier_number_of_approval(supplier: Supplier) -> str:
    """Another name or tax number before the law needs another approval."""
    return f"supplier/{supplier.supplier_number}/{identity_of(supplier)}"[:80]


def is_taken_over(versions: list[Paper]) -> bool:
    """A system of record had it as approved all the time; no person had a hand in it here."""
    return all(
        isinstance(one.document, Supplier)
        and one.record.who is None
        and one.document.status is not SupplierStatus.ONBOARDING
        and (one.document.requested_by is None or one.document.approved_by not in (None, one.document.requested_by))
        for one in versions
    )


def supplier_standing(versions: list[Paper], papers: Papers, world: World) -> Standing:
    """Everybody who made or changed it is one of those who do not approve it."""
    supplier = versions[-1].document
    assert isinstance(supplier, Supplier)  # papers were chosen so
    number = supplier_number_of_approval(supplier)
    since = from_micros(versions[0].record.at_micros)
    asked = {one.document.requested_by for one in versions if isinstance(one.document, Supplier)}
    makers = {name for name in asked | {one.record.who for one in versions} if name}
    request = Request(
        key=number,
        subject="supplier",
        amount=Money(amount=Decimal(0)),
        requested_at=since,
        creators=frozenset(makers),
        requester=supplier.requested_by,
        supplier=supplier.supplier_number,
    )
    return approve(request, acts_of(approval_for(number, supplier.requested_by or "-", since), papers, world), world)
