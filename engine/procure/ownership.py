"""Who decides an exception, by when, how it ranks among the others, and to whom it goes when it is overdue.

Worked out anew at every look from when the case was opened and the policies of now: a change of the hierarchy, or
somebody who left, finds every open case its next owner.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import msgspec

from engine.canonical import Money
from engine.channel.policies import Policies
from engine.channel.policy_parts import Aspects, most_specific
from engine.channel.policy_routing import Escalation, ExceptionRule
from engine.channel.wildcard import wildcard_match
from engine.core.clock import to_micros
from engine.procure.approvals.people import Directory, directory_of
from engine.procure.calendar import Calendar, calendar_of
from engine.procure.decision import Finding, World
from engine.procure.policies import policies_of

_SOON = timedelta(days=3)  # a discount that lapses within this time is about to


class Owner(msgspec.Struct, frozen=True):
    """`name` of a role or person; `rank`: the highest is shown first.

    `escalated`: how often its time was over; `why`: in words, for the case's history.
    """

    name: str
    due_micros: int
    rank: int
    escalated: int = 0
    why: str = ""
    look_again_at: datetime | None = None


def owner_of(found: Finding, world: World, opened: datetime | None = None) -> Owner:
    """
    Args:
        opened: when the case was opened; now, when it is new.
    """
    policies = policies_of(world)
    calendar = calendar_of(policies, found.facility)
    directory = directory_of(policies, calendar.day_of(world.now))
    day = calendar.day_of(opened or world.now)
    rule = rule_for(found, policies, day)
    due = calendar.after(opened or world.now, rule.due if rule else policies.exceptions.usual_due)
    due = min(due, found.due_by) if found.due_by else due
    level, due, holder = _escalated(found, rule, policies, calendar, world.now, due)
    name, why = _holder(found, rule, holder, policies, directory)
    chain = _chain(found, rule, policies)
    changes = directory.changes_on()
    moments = [due if level < len(chain) else None, calendar.start_of(changes) if changes else None]
    return Owner(
        name=name,
        due_micros=to_micros(due),
        rank=rank_of(found, policies, world.now, day, level),
        escalated=level,
        why=why,
        look_again_at=min((one for one in moments if one is not None and one > world.now), default=None),
    )


def rule_for(found: Finding, policies: Policies, day: date) -> ExceptionRule | None:
    """The most specific rule that takes the case; None: the usual owner's. Money counts by the rates of the day."""
    money = found.money or Money(amount=Decimal(0))
    at_stake = Money(amount=abs(money.amount), currency=money.currency)
    of = Aspects(found.supplier, found.category, found.department, found.facility)
    fitting = (
        one
        for one in policies.exceptions.rules
        if any(wildcard_match(pattern, found.type) for pattern in one.types)
        and one.urgency in (None, found.urgency)
        and (one.above is None or policies.currencies.is_above(at_stake, one.above, None, day))
    )
    return next(iter(most_specific(fitting, of)), None)


def _chain(found: Finding, rule: ExceptionRule | None, policies: Policies) -> tuple[Escalation, ...]:
    """An approval has an escalation of its own."""
    if found.owner is not None:
        return ()
    return (rule.escalation if rule else ()) or policies.exceptions.escalation


def _escalated(
    found: Finding, rule: ExceptionRule | None, policies: Policies, calendar: Calendar, now: datetime, due: datetime
) -> tuple[int, datetime, str | None]:
    """How often it went on, when the time of who has it now is over, and the role it went to."""
    level, holder = 0, None
    for one in _chain(found, rule, policies):
        if due > now:
            break
        level, due, holder = level + 1, max(calendar.after(due, one.within), due), one.to
    return level, due, holder


def _holder(
    found: Finding, rule: ExceptionRule | None, escalated_to: str | None, policies: Policies, directory: Directory
) -> tuple[str, str]:
    if found.owner is not None:
        return found.owner, "who is asked for the approval"
    if escalated_to is not None:
        name = directory.role_now(escalated_to, found.department, found.facility)
        return name, _stands_in(name, escalated_to, "it was not decided in time")
    if rule is not None and rule.person is not None:
        return _person(rule.person, policies, directory)
    role = (rule.owner if rule else None) or policies.exceptions.usual
    name = directory.role_now(role, found.department, found.facility)
    said = f"the rule for {', '.join(rule.types)}" if rule else "no rule takes it: the usual owner"
    return name, _stands_in(name, role, said)


def _person(name: str, policies: Policies, directory: Directory) -> tuple[str, str]:
    if directory.here(name):
        return name, "the rule names her"
    boss = next(directory.above(name), None)
    if boss is not None:
        return boss.person, f"{name} is not here: her manager"
    return policies.exceptions.usual, f"{name} is not here, nor is anybody above: the usual owner"


def _stands_in(name: str, role: str, why: str) -> str:
    return why if name == role else f"{why}; nobody here is {role}"


def rank_of(found: Finding, policies: Policies, now: datetime, day: date, escalated: int) -> int:
    """Points for money (by the rates of the day; without one the bare number) and care at stake; see `ranking:` of
    exceptions.yaml."""
    ranking, money = policies.exceptions.ranking, found.money or Money(amount=Decimal(0))
    worth = policies.currencies.worth(money, policies.currencies.base, day)
    units = abs(Fraction(money.amount) if worth is None else worth)
    points = min(int(units * ranking.per_100 / 100), ranking.most_for_money)
    points += {"stat": ranking.stat, "urgent": ranking.urgent}.get(found.urgency or "", 0)
    points += ranking.stock_out * _says(found, "stock_out")
    points += ranking.duplicate * _says(found, "duplicate")
    lapses = found.due_by is not None and now <= found.due_by <= now + _SOON
    return points + ranking.discount * lapses + ranking.overdue * escalated


def _says(found: Finding, word: str) -> bool:
    """By its type, or by a fact of this name."""
    facts: Mapping[str, object] = found.facts
    return word in found.type or bool(facts.get(word))
