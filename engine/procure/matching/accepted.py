"""What people accepted: exceptions of a dossier that hold nothing up any more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from engine.canonical import CaseAction, CaseVerb, Money
from engine.channel.policies import Policies
from engine.procure.calendar import calendar_of
from engine.procure.decision import Finding, World
from engine.procure.papers import Papers
from engine.procure.policies import is_above_four_eyes, policies_of
from engine.procure.speaking import key_of, makers_of

_PASSES = frozenset({CaseVerb.ACCEPT, CaseVerb.RELEASE})
_DECIDES = _PASSES | {CaseVerb.REJECT, CaseVerb.REOPEN, CaseVerb.HOLD, CaseVerb.RETURN_TO_SUPPLIER}
_CHANGES = frozenset({CaseVerb.CORRECT, CaseVerb.SPLIT})


_Place = tuple[str, str]  # type and place of an exception
_Passed = Mapping[_Place, Mapping[str, Iterable[CaseAction]]]  # by who did


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
    passed, policies = accepted_by(papers, world), policies_of(world)
    return tuple(one for one in findings if not _is_passed(one, passed, policies))


def _is_passed(
    finding: Finding, passed: Mapping[_Place, Mapping[str, Iterable[CaseAction]]], policies: Policies
) -> bool:
    """By the limit that held when they did: what was enough then stays enough."""
    people = passed.get((finding.type, finding.place), {})
    acts = sorted((one.at, who) for who, done in people.items() for one in done if covers(one, finding.money))
    return any(
        len({who for _, who in acts[:count]}) >= _need(finding, policies.as_of(at), at)
        for count, (at, _) in enumerate(acts, 1)
    )


def _need(finding: Finding, policies: Policies, at: datetime) -> int:
    return 2 if is_above_four_eyes(finding.money, policies, calendar_of(policies, finding.facility).day_of(at)) else 1
