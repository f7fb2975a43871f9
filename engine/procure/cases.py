"""What a decision found, as cases: opened, renewed, gone; each with its owner and how it came to that owner."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec

from engine.core.clock import from_micros, to_micros
from engine.ports.procure import Case, Dossier
from engine.procure.decision import Decision, Finding, World
from engine.procure.ownership import Owner, owner_of

_KEPT = 20  # entries of a case's routing


def cases_of(dossier: Dossier, decision: Decision, world: World) -> tuple[list[Case], datetime | None]:
    """The dossier's cases as they are now, and when the first of the open ones goes on to somebody else."""
    before = {one.case_id: one for one in dossier.cases}
    found = {f"{dossier.key}#{one.type}#{one.place}": one for one in decision.findings}
    owners = {case_id: owner_of(one, world, _opened(before.get(case_id))) for case_id, one in found.items()}
    opened = [
        _case(case_id, dossier.key, one, before.get(case_id), owners[case_id], world) for case_id, one in found.items()
    ]
    gone = [
        msgspec.structs.replace(one, state="gone", facts={**one.facts, "spells": [*_spells(one), _spell(one, world)]})
        for one in dossier.cases
        if one.state == "open" and one.case_id not in found
    ]
    looks = (one.look_again_at for one in owners.values() if one.look_again_at is not None)
    return opened + gone, min(looks, default=None)


def _opened(before: Case | None) -> datetime | None:
    return from_micros(before.opened_micros) if before is not None and before.state == "open" else None


def _case(case_id: str, dossier: str, found: Finding, before: Case | None, owner: Owner, world: World) -> Case:
    known = before if before is not None and before.state == "open" else None
    return Case(
        case_id=case_id,
        dossier=dossier,
        type=found.type,
        state="open",
        opened_micros=known.opened_micros if known else to_micros(world.now),
        title=found.title,
        owner=owner.name,
        due_micros=owner.due_micros,
        amount=format(found.money.amount, "f") if found.money else None,
        currency=found.money.currency if found.money else None,
        supplier=found.supplier,
        facility=found.facility,
        rank=owner.rank,
        facts={
            **found.facts,
            **({"flip": found.flip} if found.flip else {}),
            **_routing(known, owner, world),
            **({"spells": _spells(before)} if before and _spells(before) else {}),
        },
    )


def _spells(case: Case) -> list[Any]:
    """Each time that it was open before: from and to, in microseconds."""
    return list(case.facts.get("spells", ()))


def _spell(case: Case, world: World) -> list[int]:
    return [case.opened_micros, to_micros(world.now)]


def _routing(known: Case | None, owner: Owner, world: World) -> dict[str, Any]:
    """Who had it, since when and why: an entry is added when it goes to somebody else."""
    entries: list[Any] = [*known.facts.get("routing", ())] if known else []
    if known is None or known.owner != owner.name:
        policies = getattr(world.policies, "digest", None)
        entries.append(dict(_entry(owner, world.now, policies)))
    return {"routing": entries[-_KEPT:], **({"escalated": owner.escalated} if owner.escalated else {})}


def _entry(owner: Owner, now: datetime, policies: str | None) -> Iterator[tuple[str, str]]:
    yield "at", now.isoformat(timespec="seconds")
    yield "owner", owner.name
    yield "why", owner.why
    if policies:
        yield "policies", policies
