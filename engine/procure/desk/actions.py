"""What a person may do with a case, why not, and the document that her decision becomes. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from engine.canonical import CaseAction, CaseVerb, Correction, Money, Quantity, SplitPart
from engine.channel.explain import did_you_mean, known_words
from engine.channel.policies import Policies
from engine.channel.policy_people import People, same_person
from engine.core.clock import to_micros
from engine.core.errors import AccessError, MessageError, OperationError
from engine.ports.p2p_operations import CaseAsk, Choice, ref_of
from engine.ports.procure import Case
from engine.procure.calendar import calendar_of
from engine.procure.desk.timeline import place_of
from engine.procure.matching.accepted import covers
from engine.procure.papers import Papers
from engine.procure.policies import is_above_four_eyes
from engine.procure.speaking import is_same, makers_of

OFFERED = (
    CaseVerb.ACCEPT, CaseVerb.CORRECT, CaseVerb.RETURN_TO_SUPPLIER, CaseVerb.HOLD, CaseVerb.SPLIT, CaseVerb.REMATCH,
    CaseVerb.REASSIGN, CaseVerb.REJECT, CaseVerb.COMMENT,
)  # fmt: skip
_LETS_MONEY_GO = frozenset({CaseVerb.ACCEPT, CaseVerb.RELEASE})
_DECIDING = frozenset({CaseVerb.ACCEPT, CaseVerb.RELEASE, CaseVerb.REJECT, CaseVerb.REOPEN, CaseVerb.HOLD})
_CHANGES = frozenset({CaseVerb.CORRECT, CaseVerb.SPLIT})
_OF_ROUTING = frozenset({"routing", "escalated"})


class AskError(MessageError):
    """The decision cannot be read: a verb, number or date that is none."""

    code = "A014"


def seen_of(case: Case) -> str:
    """Digest of what is shown of a case; who has it now does not change the matter."""
    facts = {name: value for name, value in case.facts.items() if name not in _OF_ROUTING}
    shown = msgspec.json.encode([case.state, case.amount, case.currency, facts], order="sorted")
    return hashlib.sha256(shown).hexdigest()[:16]


def actions_on(papers: Papers, case_id: str) -> list[CaseAction]:
    found = [one for one in papers.newest(CaseAction) if one.case_id == case_id]
    return sorted(found, key=lambda one: (one.at, one.action_number))


def choices_of(case: Case, papers: Papers, policies: Policies | None, who: str) -> list[Choice]:
    if case.state != "open":
        return []
    return [Choice(verb.value, why_not(verb, case, papers, policies, who)) for verb in _offered(case, papers)]


def _offered(case: Case, papers: Papers) -> tuple[CaseVerb, ...]:
    """What is held is released first."""
    last = next((one.action for one in reversed(actions_on(papers, case.case_id)) if one.action in _DECIDING), None)
    held = last is CaseVerb.HOLD or case.type.endswith("_held")
    return (CaseVerb.RELEASE, *OFFERED) if held else OFFERED


def why_not(verb: CaseVerb, case: Case, papers: Papers, policies: Policies | None, who: str) -> str | None:
    """Four eyes: nobody lets money go for what she made, corrected or, where two are needed, accepted herself."""
    if verb not in _LETS_MONEY_GO:
        return None
    if (not_adoptable := case.facts.get("not_adoptable")) is not None:
        return f"{not_adoptable}: have it put right there, then match again; or reject ours"
    if any(is_same(policies, name, who) for name in makers_of(papers)):
        return "you made a document of this matter; somebody else decides it"
    mine = [one for one in actions_on(papers, case.case_id) if is_same(policies, one.who, who)]
    if any(one.action in _CHANGES for one in mine):
        return "you corrected it; somebody else accepts it"
    money = Money(amount=Decimal(case.amount), currency=case.currency or "USD") if case.amount else None
    accepted = (one for one in mine if one.action is verb and covers(one, money))
    if policies is not None and any(needs_two(money, case, policies, one.at) for one in accepted):
        return "you accepted it already; a second person confirms"
    return None


def needs_two(money: Money | None, case: Case, policies: Policies, at: datetime) -> bool:
    """Whether so much money is at stake that a second person confirms what somebody decided then."""
    held = policies.as_of(at)
    return is_above_four_eyes(money, held, calendar_of(held, case.facility).day_of(at))


def document_of(ask: CaseAsk, case: Case, who: str, now: datetime, origin: str) -> CaseAction:
    """
    Raises:
        AskError: the decision cannot be read.
    """
    verb = verb_of(ask.action)
    if verb is CaseVerb.CORRECT and not ask.corrections:
        raise AskError("a correction names what is corrected", remedy="give a field and its right value")
    if verb is CaseVerb.SPLIT and len(ask.parts) < 2:
        raise AskError("a line is split into two parts or more")
    if verb is CaseVerb.REASSIGN and not ask.assign_to:
        raise AskError("say who gets the case")
    money = Money(amount=Decimal(case.amount), currency=case.currency or "USD") if case.amount else None
    try:
        return CaseAction(
            action_number=f"{ref_of(case.case_id)}-{to_micros(now)}",
            case_id=case.case_id,
            dossier=case.dossier,
            action=verb,
            who=who,
            at=now,
            reason=ask.reason.strip()[:200],
            case_type=case.type,
            place=place_of(case)[:200] or None,
            amount=money,
            seen=seen_of(case),
            corrections=tuple(Correction(field=field, value=value or None) for field, value in ask.corrections),
            parts=tuple(_parts(ask.parts)),
            assign_to=ask.assign_to or None,
            hold_until=_day(ask.hold_until),
            code=ask.code or None,
            origin=origin,
        )
    except ValueError:
        raise AskError("the decision is not complete, or a text is too long") from None


def verb_of(text: str) -> CaseVerb:
    try:
        return CaseVerb(text)
    except ValueError:
        raise AskError("there is no such action", remedy=f"one of {', '.join(one.value for one in OFFERED)}") from None


def check(ask: CaseAsk, case: Case, papers: Papers, policies: Policies | None, who: str) -> None:
    """
    Raises:
        AccessError: this person may not.
        OperationError: the case is closed, or it is not what was shown.
        AskError: there is no reason, or nobody of the name that it is given to.
    """
    if not ask.reason.strip():
        raise AskError("a reason is required")
    if case.state != "open":
        raise OperationError("the case is not open any more", remedy="reload the page")
    if ask.seen is not None and ask.seen != seen_of(case):
        raise OperationError("the case has changed since it was shown", remedy="look at it again, then decide")
    if (why := why_not(verb_of(ask.action), case, papers, policies, who)) is not None:
        raise AccessError(why)
    if ask.assign_to and policies is not None:
        _need_known(ask.assign_to, policies.people)


def _need_known(name: str, people: People) -> None:
    """A case given to a misspelt role would stand on nobody's list."""
    roles = {*people.roles, *(role for one in people.people for role in one.roles)}
    persons = {known for one in people.people for known in one.names}
    if (roles or persons) and name not in roles and same_person(name) not in persons:
        remedy = did_you_mean(name, roles | persons) or known_words(roles)
        raise AskError("there is no role or person of the name that the case is given to", remedy=remedy)


def _parts(parts: Iterable[Any]) -> Iterable[SplitPart]:
    for line, quantity, unit, order, order_line in parts:
        yield SplitPart(
            line=line,
            quantity=Quantity(amount=_decimal(quantity), unit=unit),
            order_number=order or None,
            order_line_number=order_line or None,
        )


def _decimal(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise AskError("a quantity is a number") from None
    if not amount.is_finite():
        raise AskError("a quantity is a number")
    return amount


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise AskError("a day is written as 2026-11-30") from None
