"""What people accepted: exceptions of a dossier that hold nothing up any more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from engine.canonical import CaseAction, CaseVerb
from engine.procure.decision import Finding, World
from engine.procure.papers import Papers
from engine.procure.policies import policies_of
from engine.procure.speaking import key_of, makers_of

_PASSES = frozenset({CaseVerb.ACCEPT, CaseVerb.RELEASE})
_DECIDES = _PASSES | {CaseVerb.REJECT, CaseVerb.REOPEN, CaseVerb.HOLD, CaseVerb.RETURN_TO_SUPPLIER}
_CHANGES = frozenset({CaseVerb.CORRECT, CaseVerb.SPLIT})


def accepted_by(papers: Papers, world: World) -> dict[tuple[str, str], set[str]]:
    """Type and place of each exception that people let pass since somebody decided otherwise, with who did. Who made
    a document of the matter, or corrected it there, lets nothing pass."""
    acts = sorted(papers.newest(CaseAction), key=lambda action: (action.at, action.action_number))
    if not acts:
        return {}
    policies = policies_of(world)
    makers = {key_of(policies, name) for name in makers_of(papers)}
    passed: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    changed: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for one in acts:
        place, who = (one.case_type or "", one.place or ""), key_of(policies, one.who)
        if one.action in _DECIDES - _PASSES:
            passed[place].clear()
        elif one.action in _CHANGES:
            changed[place].add(who)
        elif one.action in _PASSES and who not in makers:
            passed[place].add(who)
    return {place: who - changed[place] for place, who in passed.items()}


def still_open(findings: Iterable[Finding], papers: Papers, world: World) -> tuple[Finding, ...]:
    """Without those that people accepted; above the limit of the policies two of them must."""
    passed = accepted_by(papers, world)
    return tuple(one for one in findings if len(passed.get((one.type, one.place), ())) < _need(one, world))


def _need(finding: Finding, world: World) -> int:
    limit = policies_of(world).exceptions.four_eyes_above
    above = limit is not None and finding.money is not None and abs(finding.money.amount) > limit
    return 2 if above else 1
