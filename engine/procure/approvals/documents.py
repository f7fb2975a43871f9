"""Approvals as documents of a dossier: who asked, what people did, and where it stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from engine.canonical import Approval, ApprovalAction, ApprovalVerb, Money
from engine.channel.policy_people import same_person
from engine.channel.policy_routing import ApprovalSubject
from engine.core.clock import from_micros
from engine.procure.approvals.approve import approve
from engine.procure.approvals.people import Directory, directory_of
from engine.procure.approvals.states import FINAL
from engine.procure.approvals.values import Act, Request, Standing
from engine.procure.calendar import calendar_of
from engine.procure.decision import Decision, World
from engine.procure.papers import Paper, Papers
from engine.procure.policies import policies_of

_SUBJECTS: dict[str, ApprovalSubject] = {
    "Requisition": "requisition",
    "PurchaseOrder": "order",
    "OrderChange": "order",
    "Invoice": "invoice",
    "CaseAction": "case",
    "Supplier": "supplier",
    "BankChange": "bank_change",
    "Payment": "payment",
}
_VERBS: dict[ApprovalVerb, Any] = {
    ApprovalVerb.APPROVE: "approve",
    ApprovalVerb.REJECT: "reject",
    ApprovalVerb.RETURN: "reject",
    ApprovalVerb.WITHDRAW: "withdraw",
    ApprovalVerb.DELEGATE: "delegate",
}


def standing_of(approval: Approval, papers: Papers, world: World, subject: ApprovalSubject | None = None) -> Standing:
    """Where an approval stands, by the actions among the papers.

    Args:
        subject: for what its route is; by the kind of the document when left out.
    """
    return approve(request_of(approval, papers, subject), acts_of(approval, papers, world), world)


def request_of(approval: Approval, papers: Papers, subject: ApprovalSubject | None = None) -> Request:
    """Whoever asked, made the document, or is written down as having changed it is one of the creators."""
    made = {approval.requested_by, approval.created_by, *_changed_by(approval, papers)}
    return Request(
        key=f"{approval.subject_kind}/{approval.subject_key}#{approval.approval_number}",
        subject=subject or _SUBJECTS.get(approval.subject_kind, "requisition"),
        amount=approval.amount or Money(amount=Decimal(0)),
        requested_at=approval.requested_at,
        creators=frozenset(name for name in made if name),
        requester=approval.requested_by,
        supplier=approval.supplier_number,
        category=approval.category,
        department=approval.department,
        facility=approval.facility,
        legal_entity=approval.legal_entity,
        urgency=approval.urgency.value,
        changed_at=_changed_at(approval, papers),
        number=approval.approval_number,
    )


def acts_of(approval: Approval, papers: Papers, world: World) -> Iterator[Act]:
    """Actions on this approval. One that somebody wrote in another's name is nobody's: it does not count."""
    policies = policies_of(world)
    calendar = calendar_of(policies, approval.facility)
    for paper in papers.all:
        one = paper.document
        if not isinstance(one, ApprovalAction) or one.approval_number != approval.approval_number:
            continue
        directory = directory_of(policies.as_of(one.at), calendar.day_of(one.at))
        if (verb := _VERBS.get(one.action)) and _is_her_own(one, paper, directory):
            yield Act(
                at=one.at,
                key=one.natural_key,
                who=one.who,
                what=verb,
                on_behalf_of=one.on_behalf_of,
                reason=one.reason,
                hand_to=one.delegate_to,
                hand_until=one.delegate_until,
            )


def _changed_by(approval: Approval, papers: Papers) -> Iterator[str | None]:
    for paper in papers.all:
        if (paper.record.kind, paper.record.key) == (approval.subject_kind, approval.subject_key):
            yield paper.record.who
            yield getattr(paper.document, "requester", None)


def _changed_at(approval: Approval, papers: Papers) -> datetime | None:
    """When the newest version of the request came, if there was another one before."""
    versions = [
        paper for paper in papers.all if paper.record.kind == Approval.kind and paper.record.key == approval.natural_key
    ]
    return from_micros(versions[-1].record.at_micros) if len(versions) > 1 else None


def _is_her_own(action: ApprovalAction, paper: Paper, directory: Directory) -> bool:
    """Who was logged in is who acted. Without a login it came by a channel, which answers for its names."""
    who = paper.record.who
    return who is None or directory.key(who) == directory.key(action.who) or same_person(who) == same_person(action.who)


def standings(papers: Papers, world: World) -> dict[str, Standing]:
    """Of all approvals of a dossier, by their number."""
    return {one.approval_number: standing_of(one, papers, world) for one in papers.newest(Approval)}


def decide_approvals(papers: Papers, world: World) -> Decision:
    """A dossier that holds nothing but approvals and what people did with them."""
    found = standings(papers, world)
    return Decision(
        {"approvals": {number: one.facts for number, one in found.items()}},
        tuple(finding for one in found.values() for finding in one.findings),
        look_again_at=_first(one for one in found.values() if one.state not in FINAL),
    )


def _first(waiting: Iterable[Standing]) -> Any:
    return min((one.look_again_at for one in waiting if one.look_again_at is not None), default=None)
