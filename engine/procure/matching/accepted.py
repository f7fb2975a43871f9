"""What people accepted: exceptions of a dossier that hold nothing up any more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from engine.canonical import CaseAction, CaseVerb, Money
from engine.procure.decision import Finding, World
from engine.procure.papers import Papers
from engine.procure.policies import policies_of
from engine.procure.speaking import key_of, makers_of

_PASSES = frozenset({CaseVerb.ACCEPT, CaseVerb.RELEASE})
_DECIDES = _PASSES | {CaseVerb.REJECT, CaseVerb.REOPEN, CaseVerb.HOLD, CaseVerb.RETURN_TO_SUPPLIER}
_CHANGES = frozenset({CaseVerb.CORRECT, CaseVerb.SPLIT})


_Place = tuple[str, str]  # type and place of an exception


def accepted_by(papers: Papers, world: World) -> dict[_Place, dict[str, list[CaseAction]]]:
    """Exceptions that people let pass since somebody decided otherwise, with who did and how. Who made a document of
    the matter, or corrected it there, lets nothing pass."""
    acts = sorted(papers.newest(CaseAction), key=lambda action: (action.at, action.action_number))
    if not acts:
        return {}
    policies = policies_of(world)
    makers = {key_of(policies, name) for name in makers_of(papers)}
    passed: defaultdict[_Place, defaultdict[str, list[CaseAction]]] = defaultdict(lambda: defaultdict(list))
    changed: defaultdict[_Place, set[str]] = defaultdict(set)
    for one in acts:
        place, who = (one.case_type or "", one.place or ""), key_of(policies, one.who)
        if one.action in _DECIDES - _PASSES:
            passed[place].clear()
        elif one.action in _CHANGES:
            changed[place].add(who)
        elif one.action in _PASSES and who not in makers:
            passed[place][who].append(one)
    return {
        place: {who: done for who, done in people.items() if who not in changed[place]}
        for place, people in passed.items()
    }


def covers(action: CaseAction, money: Money | None) -> bool:
    """Whether no more is at stake than she was shown; of an action that does not say what that was, any is."""
    if action.amount is None or money is None:
        return True
    return action.amount.currency == money.currency and abs(money.amount) <= abs(action.amount.amount)


def still_open(findings: Iterable[Finding], papers: Papers, world: World) -> tuple[Finding, ...]:
    """Without those that people accepted as they are now; above the limit of the policies two of them must."""
    passed = accepted_by(papers, world)
    return tuple(one for one in findings if _people(one, passed) < _need(one, world))


def _people(finding: Finding, passed: Mapping[_Place, Mapping[str, Iterable[CaseAction]]]) -> int:
    acts = passed.get((finding.type, finding.place), {}).values()
    return sum(any(covers(one, finding.money) for one in done) for done in acts)


def _need(finding: Finding, world: World) -> int:
    limit = policies_of(world).exceptions.four_eyes_above
    above = limit is not None and finding.money is not None and abs(finding.money.amount) > limit
    return 2 if above else 1
