"""Who asked for a supplier, and whether another person approved exactly who it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from engine.canonical import Approval, ApprovalAction, Money, Supplier, SupplierStatus
from engine.canonical.entity_names import blind
from engine.core.clock import from_micros
from engine.procure.approvals.approve import approve
from engine.procure.approvals.documents import acts_of
from engine.procure.approvals.states import ApprovalState
from engine.procure.approvals.values import Act, Request, Standing
from engine.procure.decision import World
from engine.procure.papers import Paper, Papers
from engine.procure.suppliers.names import identity_of

_LONGEST = 80  # characters of a code


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


def number_of_approval(subject: str, *told: str) -> str:
    """What an approval is called.

    Args:
        subject: what it is about. Where that is too long it is cut, and a digest of all of it stands for the rest.
        told: what exactly is approved; never cut, for another one of the same subject is another approval.
    """
    rest = "".join(f"/{one}" for one in told)
    if len(subject) + len(rest) <= _LONGEST:
        return subject + rest
    digest = blind(subject)
    return f"{subject[: _LONGEST - len(rest) - len(digest) - 1]}~{digest}{rest}"


def supplier_number_of_approval(supplier: Supplier) -> str:
    """Another name or tax number before the law needs another approval."""
    return number_of_approval(f"supplier/{supplier.supplier_number}", identity_of(supplier))


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
    """Everybody who made or changed it before is one of those who do not approve it; a change of another field
    afterwards takes no approval back."""
    supplier = versions[-1].document
    assert isinstance(supplier, Supplier)  # papers were chosen so
    number = supplier_number_of_approval(supplier)
    came = min(one.record.at_micros for one in versions if _is_master(one, number))
    since = from_micros(came)
    told = {one.document.natural_key: one.record.at_micros for one in papers.all if _is_answer(one, number)}
    asked = approval_for(number, supplier.requested_by or "-", since)
    acts = sorted((act for act in acts_of(asked, papers, world) if told[act.key] >= came), key=_of(told))
    for place, act in enumerate(acts, 1):
        before = [one for one in versions if one.record.at_micros <= told[act.key]]
        found = approve(_request(number, before, since), acts[:place], world)
        if found.state is ApprovalState.APPROVED:
            return found
    return approve(_request(number, versions, since), acts, world)


def _is_master(paper: Paper, number: str) -> bool:
    """Of who it is now: an answer counts from then on."""
    return isinstance(paper.document, Supplier) and supplier_number_of_approval(paper.document) == number


def _is_answer(paper: Paper, number: str) -> bool:
    return isinstance(paper.document, ApprovalAction) and paper.document.approval_number == number


def _of(told: dict[str, int]) -> Callable[[Act], tuple[int, str]]:
    return lambda act: (told[act.key], act.key)


def _request(number: str, versions: list[Paper], since: datetime) -> Request:
    masters = [one.document for one in versions if isinstance(one.document, Supplier)]
    makers = {one.requested_by for one in masters} | {one.record.who for one in versions}
    return Request(
        key=number,
        subject="supplier",
        amount=Money(amount=Decimal(0)),
        requested_at=since,
        creators=frozenset(name for name in makers if name),
        requester=masters[-1].requested_by if masters else None,
        supplier=masters[-1].supplier_number if masters else None,
    )
