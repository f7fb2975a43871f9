"""A supplier's dossier: checked, looked up in lists of sanctions, approved by another person, merged, and told to every
system. Bank details that nobody else verified are an exception, and no payment goes there meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from engine.canonical import Identifier, PostingResult, SanctionsScreening, Supplier, SupplierMerge, SupplierStatus
from engine.canonical.entity_names import blind, digest_of_names
from engine.procure.approvals.states import FINAL, ApprovalState
from engine.procure.approvals.values import Standing
from engine.procure.decision import Decision, Finding, Intent, World
from engine.procure.papers import Papers
from engine.procure.payments.bank_accounts import AccountStanding, account_standings
from engine.procure.policies import policies_of
from engine.procure.postings.posting import plans_of
from engine.procure.suppliers.approval import is_taken_over, supplier_number_of_approval, supplier_standing
from engine.procure.suppliers.check import Fault, faults_of
from engine.procure.suppliers.crosswalk import dated_numbers, told
from engine.procure.suppliers.looked_at import DUPLICATE, SANCTIONED, are_two, as_looked_at
from engine.procure.suppliers.merge import MergeStanding, ended, merged, merges
from engine.procure.suppliers.names import Alike, alike, identity_of, other_entity_dossiers
from engine.procure.suppliers.papers import supplier_dossier
from engine.procure.suppliers.states import USED, SupplierEvent, SupplierState, follow

_PROPAGATED = {"system_numbers", "sanctions_checks", "requested_by", "approved_by"}  # not a reason to tell it again
_USUAL_SYSTEM = "erp"


class SupplierStanding(msgspec.Struct, frozen=True):
    """Where a supplier stands. `standing` is None where its system of record approved it."""

    supplier: Supplier
    state: SupplierState
    faults: tuple[Fault, ...]
    screening: SanctionsScreening | None
    standing: Standing | None
    merges: tuple[MergeStanding, ...]

    @property
    def may_be_used(self) -> bool:
        return self.state in USED


def standing_of_supplier(papers: Papers, world: World) -> SupplierStanding | None:
    """None: no master of it came yet."""
    versions = [one for one in papers.all if isinstance(one.document, Supplier)]
    if not versions:
        return None
    supplier = versions[-1].document
    assert isinstance(supplier, Supplier)  # papers were chosen so
    taken_over = is_taken_over(versions)
    faults = tuple(one for one in faults_of(supplier) if not (taken_over and (one.missing or _of_bank(one))))
    screening = _screening(supplier, papers, world)
    standing = None if taken_over else supplier_standing(versions, papers, world)
    known = tuple(merges(papers, world))
    events = (
        *_onboarding(faults, screening, standing),
        *_later(supplier, faults, screening, known),
    )
    return SupplierStanding(supplier, follow(events), faults, screening, standing, known)


def _of_bank(fault: Fault) -> bool:
    """An account with wrong numbers is not paid to; the supplier may go on."""
    return fault.place.startswith("bank_accounts")


def names_digest(supplier: Supplier) -> str:
    """Of what a list of sanctions is asked for."""
    return digest_of_names(_names(supplier))


def _names(supplier: Supplier) -> tuple[str, ...]:
    return (supplier.name, supplier.registered_name, *supplier.doing_business_as)


def _screening(supplier: Supplier, papers: Papers, world: World) -> SanctionsScreening | None:
    """The worst answer to the names of now, after what people let pass of it."""
    told = [one for one in papers.newest(SanctionsScreening) if one.names == names_digest(supplier)]
    answers = [as_looked_at(one, papers, world.policies) for one in told]
    return next((one for one in answers if not one.is_clear), answers[0] if answers else None)


def _onboarding(
    faults: Sequence[Fault], screening: SanctionsScreening | None, standing: Standing | None
) -> Iterator[SupplierEvent]:
    if standing is None:
        yield SupplierEvent.TAKEN_OVER
        return
    yield SupplierEvent.FAULTS if faults else SupplierEvent.VALID
    if screening is not None:
        yield SupplierEvent.CLEAR if screening.is_clear else SupplierEvent.ALIKE_IN_LIST
    if standing.state is ApprovalState.APPROVED and standing.counted:
        yield SupplierEvent.APPROVED
    elif standing.state is ApprovalState.REJECTED:
        yield SupplierEvent.REJECTED


def _later(
    supplier: Supplier, faults: Sequence[Fault], screening: SanctionsScreening | None, known: Sequence[MergeStanding]
) -> Iterator[SupplierEvent]:
    if faults:
        yield SupplierEvent.FAULTS
    if screening is not None and not screening.is_clear:
        yield SupplierEvent.ALIKE_IN_LIST
    if supplier.status is SupplierStatus.HELD:
        yield SupplierEvent.HELD
    if not supplier.active:
        yield SupplierEvent.DEACTIVATED
    claims = supplier.status is SupplierStatus.MERGED or supplier.merged_into is not None
    if claims or any(one.holds and one.merge.absorbed_number == supplier.supplier_number for one in known):
        yield SupplierEvent.MERGED


# ------------------------------------------------------------------ the decider
def decide_supplier(papers: Papers, world: World) -> Decision:
    found = standing_of_supplier(papers, world)
    if found is None:
        return Decision({"state": SupplierState.NEW.value, "waiting": "its master"})
    accounts = account_standings(papers, world)
    twins = _twins(found.supplier, world)
    master = _master(found, papers, world)
    findings = (*_findings(found, twins, world), *_bank_findings(found.supplier, accounts), *_merge_findings(found))
    return Decision(
        _state(found, accounts, twins, master) | {"crosswalk": dated_numbers(papers.versions(PostingResult))},
        findings,
        (*_screen(found), *_propagate(found, master, papers, world)),
        look_again_at=_look_again(found, accounts, world),
    )


def _state(
    found: SupplierStanding, accounts: dict[str, AccountStanding], twins: Sequence[Alike], master: Supplier
) -> dict[str, Any]:
    return {
        "state": found.state.value,
        "approval": found.standing.facts if found.standing else {"by": "its system of record"},
        "approval_number": supplier_number_of_approval(found.supplier),
        "screening": None if found.screening is None else ("clear" if found.screening.is_clear else "alike"),
        "faults": [msgspec.to_builtins(one) for one in found.faults],
        "bank_accounts": {code: one.facts for code, one in sorted(accounts.items())},
        "may_be_the_same": [msgspec.to_builtins(one) for one in twins],
        "merges": [_merge_fact(one) for one in found.merges],
        "master": blind(master.model_dump_json()),
        "systems": {one.scheme: one.value for one in master.system_numbers},
    }


def _merge_fact(one: MergeStanding) -> dict[str, Any]:
    merge = one.merge
    numbers = {"absorbed": merge.absorbed_number, "survivor": merge.survivor_number}
    return {
        **numbers,
        "holds": one.holds,
        "approval_number": one.number,
        "approval": one.standing.state.value,
        "answers": one.standing.facts,
    }


def _twins(supplier: Supplier, world: World) -> list[Alike]:
    """Other numbers that may be the same legal entity."""
    others: dict[str, Supplier] = {}
    for dossier in other_entity_dossiers(supplier):
        others |= {one.supplier_number: one for one in world.papers(dossier).newest(Supplier) if one.active}
    others.pop(supplier.supplier_number, None)
    found = [one for other in others.values() if (one := alike(supplier, other)) is not None]
    for one in found:  # whoever has another name or number by now is no longer found where it was
        world.find(Supplier, one.other if one.one == supplier.supplier_number else one.one)
    return sorted(found)


# ------------------------------------------------------------------ what people must look at
def _findings(found: SupplierStanding, twins: Sequence[Alike], world: World) -> Iterator[Finding]:
    number = found.supplier.supplier_number
    if found.faults:
        places = [f"{one.place}: {one.what}" for one in found.faults]
        yield Finding(
            "supplier_faulty", number, "The supplier's data is incomplete or wrong", supplier=number,
            flip=places[0], facts={"faults": places, "rule": "all of the data that an approval needs is right"},
        )  # fmt: skip
    if found.state is SupplierState.SANCTIONED and found.screening is not None:
        yield Finding(
            SANCTIONED, number, "A list of sanctioned parties has a name like this supplier's",
            supplier=number, urgency="urgent", flip="the list cleared these names, or another person let them pass",
            facts={"list": found.screening.list_name, "entries": list(found.screening.entries)},
        )  # fmt: skip
    if found.standing is not None and found.state is SupplierState.WAITING:
        yield from found.standing.findings
    unmerged = [one for one in twins if not _decided_over(one, found.merges) and not are_two(one, world)]
    if unmerged and found.state is not SupplierState.MERGED:
        yield Finding(
            DUPLICATE, number, "Another number may be the same legal entity", supplier=number,
            flip="the numbers were merged, or had different tax numbers",
            facts={"alike": [msgspec.to_builtins(one) for one in unmerged],
                   "rule": "same tax number, or names alike and no tax numbers that differ; remit-to's do not count"},
        )  # fmt: skip


def _decided_over(pair: Alike, known: Sequence[MergeStanding]) -> bool:
    return any(one.holds and {one.merge.absorbed_number, one.merge.survivor_number} == {pair.one, pair.other}
               for one in known)  # fmt: skip


def _bank_findings(supplier: Supplier, accounts: dict[str, AccountStanding]) -> Iterator[Finding]:
    for code, one in sorted(accounts.items()):
        if one.state in ("verified", "cooling"):
            continue
        yield Finding(
            "bank_account_unverified", code, "Bank details wait for other people to verify them",
            supplier=supplier.supplier_number, flip="another person verified these details",
            facts={"approval_number": one.number, "rule": "nobody is paid at details that others have not verified",
                   **one.facts},
        )  # fmt: skip


def _merge_findings(found: SupplierStanding) -> Iterator[Finding]:
    for one in found.merges:
        if one.standing.state not in FINAL and one.merge.survivor_number == found.supplier.supplier_number:
            yield Finding(
                "merge_waiting", one.merge.absorbed_number, "A merge or split waits for another person",
                supplier=found.supplier.supplier_number, flip="another person approved it",
                facts={"approval_number": one.number, "asked": list(one.standing.asked)},
            )  # fmt: skip


# ------------------------------------------------------------------ what is to be done
def _screen(found: SupplierStanding) -> Iterator[Intent]:
    if found.screening is None and found.state is not SupplierState.FAULTY:
        yield Intent("screen_supplier", found.supplier, names_digest(found.supplier))


def _master(found: SupplierStanding, papers: Papers, world: World) -> Supplier:
    """As every system is to have it: with what ended in it, and its numbers there."""
    supplier = found.supplier
    if found.state is SupplierState.MERGED:
        mine = [
            one.merge for one in found.merges if one.holds and one.merge.absorbed_number == supplier.supplier_number
        ]
        return _with_crosswalk(ended(supplier, mine[0]) if mine else supplier, papers)
    here = [one.merge for one in found.merges if one.holds and one.merge.survivor_number == supplier.supplier_number]
    find = _finder(frozenset({supplier.supplier_number}), world)
    return _with_crosswalk(merged(supplier, here, find), papers)


def _finder(seen: frozenset[str], world: World) -> Callable[[str], Supplier | None]:
    """Masters with all that ended in them before they ended themselves; nobody ends in itself."""

    def find(number: str) -> Supplier | None:
        papers = world.papers(supplier_dossier(number))
        found = next(iter(papers.newest(Supplier)), None)
        if found is None:
            return None
        standings = [one for one in merges(papers, world) if one.holds and one.merge.survivor_number == number]
        here = [one.merge for one in standings if one.merge.absorbed_number not in seen]
        return merged(found, here, _finder(seen | {number}, world))

    return find


def _with_crosswalk(master: Supplier, papers: Papers) -> Supplier:
    """What systems answered when they were told counts before what the master says."""
    here = {
        one.system: Identifier(scheme=one.system, value=one.reference) for one in told(papers.newest(PostingResult))
    }
    kept = [one for one in master.system_numbers if one.scheme not in here]
    numbers = sorted([*kept, *here.values()], key=lambda one: (one.scheme, one.value))
    return master.model_copy(update={"system_numbers": tuple(numbers)})


def _propagate(found: SupplierStanding, master: Supplier, papers: Papers, world: World) -> Iterator[Intent]:
    if found.state not in USED | {SupplierState.MERGED, SupplierState.INACTIVE, SupplierState.HELD}:
        return
    merging = bool(found.merges)
    if found.standing is None and not merging:
        return  # its system of record told us; nothing here says otherwise
    digest = blind(master.model_dump_json(exclude=_PROPAGATED))
    turn = _turns(papers, found, world)
    if len(plans_of(policies_of(world)).get("propagate_supplier", ())) > 1:  # one system after the other
        yield Intent("propagate_supplier", master, f"{turn}:{digest}")
        return
    systems = sorted({_USUAL_SYSTEM, *(one.scheme for one in master.system_numbers)})
    for system in systems:
        yield Intent("propagate_supplier", master, f"{system}:{turn}:{digest}")


def _turns(papers: Papers, found: SupplierStanding, world: World) -> int:
    """Grows with each change, so that what is as it was before is told once more."""
    number = found.supplier.supplier_number
    absorbed = [one.merge.absorbed_number for one in found.merges if one.merge.survivor_number == number]
    others = [papers, *(world.papers(supplier_dossier(one)) for one in absorbed)]
    masters = sum(isinstance(one.document, Supplier | SupplierMerge) for source in others for one in source.all)
    return masters + sum(len(one.standing.counted) for one in found.merges)


def _look_again(found: SupplierStanding, accounts: dict[str, AccountStanding], world: World) -> Any:
    times = [one.pays_from for one in accounts.values() if one.pays_from is not None and one.pays_from > world.now]
    standings = [*(one.standing for one in accounts.values()), *(one.standing for one in found.merges), found.standing]
    times += [one.look_again_at for one in standings if one is not None and one.look_again_at is not None]
    return min(times, default=None)


def decide_same_entity(papers: Papers, world: World) -> Decision:
    """Suppliers that share a tax number or the words of a name: the dossier of each looks here for the others."""
    return Decision({"suppliers": sorted(identity_of(one) for one in papers.newest(Supplier))})
