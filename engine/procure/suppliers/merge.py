"""Two suppliers as one, and two again. A merge changes no master: it is a document, and the merged master is what
follows from it. Without it the masters are byte for byte what they were.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec

from engine.canonical import Identifier, Money, Supplier, SupplierMerge, SupplierStatus
from engine.core.clock import from_micros
from engine.procure.approvals.approve import approve
from engine.procure.approvals.documents import acts_of
from engine.procure.approvals.states import ApprovalState
from engine.procure.approvals.values import Request, Standing
from engine.procure.decision import World
from engine.procure.papers import Papers
from engine.procure.suppliers.approval import approval_for, number_of_approval

# What a merge never takes from the absorbed one: numbers, states and where money goes.
_NEVER_TAKEN = frozenset(
    ["supplier_number", "status", "merged_into", "bank_accounts", "active", "approved_by", "hold_reason"]
)
_JOINED = ("identifiers", "doing_business_as", "tax_identifiers", "sites", "categories", "system_numbers")
OLD_NUMBER = "SUPPLIER_NUMBER"  # scheme: a number that ended in this one


class MergeStanding(msgspec.Struct, frozen=True):
    """`holds`: the numbers are one now. A merge needs another person; so does a split."""

    merge: SupplierMerge
    holds: bool
    number: str
    standing: Standing


def merge_number(merge: SupplierMerge, turn: int) -> str:
    """Of its approval. `turn`: version of the merge, for each one is approved by itself."""
    return number_of_approval(f"merge/{merge.absorbed_number}/{merge.survivor_number}", str(turn))


def merges(papers: Papers, world: World) -> list[MergeStanding]:
    """Each number's last merge, or the one before when the last is not approved yet."""
    keys = sorted({one.absorbed_number for one in papers.newest(SupplierMerge)})
    return [_of(key, papers, world) for key in keys]


def _of(absorbed: str, papers: Papers, world: World) -> MergeStanding:
    holds, at_last = False, None
    survivor: SupplierMerge | None = None
    for paper in papers.all:
        one = paper.document
        if not isinstance(one, SupplierMerge) or one.absorbed_number != absorbed:
            continue
        at_last = _standing(one, paper.record.version, paper.record.who, papers, world, paper.record.at_micros)
        if at_last.standing.state is ApprovalState.APPROVED and at_last.standing.counted:
            holds, survivor = one.active, one
    assert at_last is not None  # the number came from these papers
    if survivor is None:
        return at_last
    return msgspec.structs.replace(at_last, merge=survivor, holds=holds)


def _standing(
    merge: SupplierMerge, version: int, who: str | None, papers: Papers, world: World, at_micros: int
) -> MergeStanding:
    number = merge_number(merge, version)
    since = from_micros(at_micros)
    request = Request(
        key=number,
        subject="supplier",
        amount=Money(amount=Decimal(0)),
        requested_at=since,
        creators=frozenset(name for name in (merge.requested_by, who) if name),
        requester=merge.requested_by,
        supplier=merge.survivor_number,
    )
    # Answers are looked for in this dossier and in the other one's: either may be where people gave them.
    asked = approval_for(number, merge.requested_by, since)
    acts = {act.key: act for source in _sides(merge, papers, world) for act in acts_of(asked, source, world)}
    return MergeStanding(merge, False, number, approve(request, acts.values(), world))


def _sides(merge: SupplierMerge, papers: Papers, world: World) -> list[Papers]:
    others = [world.papers(f"supplier:{number}") for number in (merge.absorbed_number, merge.survivor_number)]
    return [papers, *others]


def merged(survivor: Supplier, absorbed: Iterable[SupplierMerge], find: Any) -> Supplier:
    """The master of what goes on, with all that those who ended in it bring.

    Args:
        absorbed: the merges that hold, by number.
        find: master of a number, or None.

    Bank accounts are not taken over: who wants to pay to one enters it here, and it is verified here.
    """
    result = survivor
    for merge in sorted(absorbed, key=lambda one: one.absorbed_number):
        other = find(merge.absorbed_number)
        if other is not None:
            result = _joined(result, other, merge)
    return result


def _joined(one: Supplier, other: Supplier, merge: SupplierMerge) -> Supplier:
    changes: dict[str, Any] = {
        name: getattr(other, name)
        for name in merge.take
        if name in Supplier.model_fields and name not in _NEVER_TAKEN | set(_JOINED) | {"remit_tos"}
    }
    for name in _JOINED:
        mine = getattr(one, name)
        changes[name] = (*mine, *(part for part in getattr(other, name) if part not in mine))
    old = Identifier(scheme=OLD_NUMBER, value=other.supplier_number)
    changes["identifiers"] = (*changes["identifiers"], *([old] if old not in one.identifiers else []))
    if other.name not in (one.name, *changes["doing_business_as"]):
        changes["doing_business_as"] = (*changes["doing_business_as"], other.name)
    codes = {part.code for part in one.remit_tos}
    theirs = (part.model_copy(update={"bank_account": None}) for part in other.remit_tos if part.code not in codes)
    changes["remit_tos"] = (*one.remit_tos, *theirs)
    return one.model_copy(update=changes)


def ended(absorbed: Supplier, merge: SupplierMerge) -> Supplier:
    """What systems are told of the number that ended."""
    return absorbed.model_copy(
        update={"status": SupplierStatus.MERGED, "merged_into": merge.survivor_number, "active": False}
    )
