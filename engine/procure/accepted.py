"""What people accepted: exceptions of a dossier that hold nothing up any more."""

from __future__ import annotations

from collections.abc import Iterable

from engine.canonical import CaseAction, CaseVerb
from engine.procure.decision import Finding
from engine.procure.papers import Papers

_DECIDES = frozenset({CaseVerb.ACCEPT, CaseVerb.RELEASE, CaseVerb.REJECT, CaseVerb.REOPEN, CaseVerb.HOLD})


def accepted_in(papers: Papers) -> frozenset[tuple[str, str]]:
    """Type and place of each exception whose last deciding action let it pass."""
    last: dict[tuple[str, str], CaseVerb] = {}
    for one in sorted(papers.newest(CaseAction), key=lambda action: (action.at, action.action_number)):
        if one.action in _DECIDES:
            last[one.case_type or "", one.place or ""] = one.action
    return frozenset(key for key, verb in last.items() if verb in (CaseVerb.ACCEPT, CaseVerb.RELEASE))


def still_open(findings: Iterable[Finding], papers: Papers) -> tuple[Finding, ...]:
    """Without those that people accepted."""
    passed = accepted_in(papers)
    return tuple(one for one in findings if (one.type, one.place) not in passed)
