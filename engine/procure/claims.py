"""Writes of systems into masters: judged by who owns the field, before they are kept. What is raised becomes a case."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from engine.canonical import CaseAction, CaseVerb, Document, FieldClaim
from engine.channel.policy_records import RecordRules
from engine.core.errors import RecordOwnerError
from engine.procure.decision import Decision, World
from engine.procure.papers import Papers
from engine.procure.record_rules import Intrusion, Outcome, Write, judge, refused

_SETTLED = frozenset({CaseVerb.ACCEPT, CaseVerb.REJECT})


def owned(policies: Any, before: Document | None, write: Write[Document]) -> Outcome[Document]:
    """The write as it may be kept after what is known; None: nothing is.

    Raises:
        RecordOwnerError: it changes a field that is to be refused.
    """
    rules = getattr(policies, "records", None) or RecordRules()
    document = write.document
    outcome = judge(rules, before, write)
    if outcome.document is None:
        fields = ", ".join(one.field for one in refused(outcome))
        raise RecordOwnerError(
            f"{write.system} may not change {fields}",
            where=document.kind,
            remedy="change it in the system that owns it, or see config/policies/records.yaml",
        )
    return outcome


def claims_after(
    write: Write[Document], intrusions: Sequence[Intrusion], before: Sequence[FieldClaim], now: datetime
) -> list[FieldClaim]:
    """What is claimed newly by this write, and what its system claims no longer."""
    document = write.document
    raised = {one.field: one for one in intrusions if one.otherwise == "raise"}
    standing = {one.field: one for one in before if one.system == write.system and one.stands}
    key = {"subject_kind": document.kind, "subject_key": document.natural_key, "system": write.system}
    new = [
        FieldClaim.model_validate({**key, "field": field, "owner": one.owner, "claimed_at": now})
        for field, one in raised.items()
        if field not in standing
    ]
    return new + [one.model_copy(update={"stands": False}) for field, one in standing.items() if field not in raised]


def claims_dossier(document: Document) -> str:
    return f"claims:{document.kind}/{document.natural_key}"


def decide_claims(papers: Papers, world: World) -> Decision:
    """A claim waits for a person until its system says otherwise or somebody has settled it."""
    claims = papers.newest(FieldClaim)
    actions = [one for one in papers.newest(CaseAction) if one.action in _SETTLED]
    findings, states = [], {}
    for claim in claims:
        found = Intrusion(claim.field, claim.system, claim.owner, "raise").finding(claim.subject_key)
        settled = any(one.at >= claim.claimed_at and one.case_id.endswith(f"#{found.place}") for one in actions)
        states[claim.natural_key] = "settled" if settled else "stands" if claim.stands else "withdrawn"
        if claim.stands and not settled:
            findings.append(found)
    return Decision({"claims": states}, tuple(findings))
