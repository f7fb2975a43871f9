"""Who may say what a person did. Decisions of people let money go, so a document that claims one is believed only of
the person who is logged in, or of a system that config/policies/records.yaml names as right about such documents.

Everybody who had a hand in a matter is one of its makers; none of them lets its money go.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine.canonical import (
    Approval,
    ApprovalAction,
    CaseAction,
    Document,
    Payment,
    PurchaseOrder,
    Requisition,
    Supplier,
    SupplierMerge,
)
from engine.channel.policy_people import same_person
from engine.channel.policy_records import RecordRules
from engine.core.errors import RecordOwnerError
from engine.procure.papers import Papers


def check_speaker(policies: Any, document: Document, who: str | None, system: str | None) -> None:
    """
    Args:
        who: the person who is logged in; None: it came by a channel, from `system`.

    Raises:
        RecordOwnerError: nobody answers for it that this person did so.
    """
    if not isinstance(document, ApprovalAction | CaseAction):
        return
    if who is not None:
        if not is_same(policies, who, document.who):
            raise RecordOwnerError("nobody acts under another person's name", where=document.kind)
        return
    rules = getattr(policies, "records", None) or RecordRules()
    rule = rules.rule_for(document.kind, "who")
    if rule is None or system is None or system not in rule.owner:
        raise RecordOwnerError(
            f"what people did is not taken from {system or 'a channel that names no system'}",
            where=document.kind,
            remedy=f"people answer in the console; or name the system under {document.kind}.* in "
            "config/policies/records.yaml",
        )


def is_same(policies: Any, one: str, other: str) -> bool:
    """All the names of a person are that one person."""
    return key_of(policies, one) == key_of(policies, other)


def key_of(policies: Any, name: str) -> str:
    people = getattr(getattr(policies, "people", None), "people", ())
    wanted = same_person(name)
    return next((same_person(person.person) for person in people if wanted in person.names), wanted)


def makers_of(papers: Papers) -> Iterator[str]:
    """Who made, asked for or changed a document of the matter, by login or as the document says."""
    for paper in papers.all:
        if isinstance(paper.document, CaseAction):
            continue
        if paper.record.who:
            yield paper.record.who
        yield from (name for name in _named(paper.document) if name)


def _named(document: Document) -> Iterator[str | None]:
    if isinstance(document, Requisition | PurchaseOrder):
        yield document.requester
    elif isinstance(document, Approval):
        yield from (document.requested_by, document.created_by)
    elif isinstance(document, Supplier | SupplierMerge):
        yield document.requested_by
    elif isinstance(document, Payment):
        yield document.proposed_by
    if isinstance(document, Supplier):
        yield from (one.changed_by for one in document.bank_accounts)
