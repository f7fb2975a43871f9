"""Policies among one another: roles and people that are there, no circles, no gaps, no two rules for the same."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from engine.canonical.money import Money
from engine.channel.explain import did_you_mean, known_words
from engine.channel.finding import Finding, errors_among
from engine.channel.lints.ground import Ground
from engine.channel.model import Settings
from engine.channel.policies import FOLDER, Policies
from engine.channel.policy_currencies import Currencies
from engine.channel.policy_parts import Scope
from engine.channel.policy_people import People, Person, Role, same_person
from engine.channel.policy_routing import Delegation, Step
from engine.channel.yaml_source import Path, YamlSource


class _Desk(NamedTuple):
    policies: Policies
    sources: Mapping[str, YamlSource]

    def finding(self, code: str, part: str, path: Path, text: str, advice: str | None = None) -> Iterator[Finding]:
        """Nothing where the part has no file, or the setting is not written in it."""
        source = self.sources.get(f"{FOLDER}/{part}.yaml") or self.sources.get(f"{FOLDER}/{part}.yml")
        if source is not None and (path in source.values or path in source.keys):
            yield source.finding(code, path, text, advice)


def check(ground: Ground) -> Iterator[Finding]:
    desk = _Desk(ground.site.policies, ground.site.sources)
    if not _unread(ground.site.findings):
        yield from _names(desk)
    yield from _delegations(desk)
    yield from _managers(desk)
    yield from _twice(desk)
    yield from _steps(desk)
    yield from _calendars(desk)


def _unread(findings: Iterable[Finding]) -> bool:
    """The file of people has mistakes: who is in it is not known, and what names them is not wrong."""
    return any(one.file in (f"{FOLDER}/people.yaml", f"{FOLDER}/people.yml") for one in errors_among(findings))


# ------------------------------------------------------------------ names
def _names(desk: _Desk) -> Iterator[Finding]:
    roles = set(desk.policies.people.roles)
    people = {name: one for one in desk.policies.people.people for name in one.names}
    for part, path, role in _roles_named(desk.policies):
        if role not in roles:
            yield from desk.finding("C131", part, path, f"there is no role '{role}'", _advice(role, roles))
    for part, path, person in _people_named(desk.policies):
        if same_person(person) not in people:
            advice = _advice(same_person(person), people)
            yield from desk.finding("C131", part, path, f"there is no person '{person}'", advice)


def _advice(name: str, known: Iterable[str]) -> str:
    words = list(known)
    return did_you_mean(name, words) or known_words(words) or f"add '{name}' to {FOLDER}/people.yaml"


def _roles_named(policies: Policies) -> Iterator[tuple[str, Path, str]]:
    for number, route in enumerate(policies.approvals.routes):
        for at, step in enumerate(route.steps):
            place: Path = ("routes", number, "steps", at)
            yield from (("approvals", (*place, "roles", n), role) for n, role in enumerate(step.roles))
            if step.escalate_to:
                yield "approvals", (*place, "escalate_to"), step.escalate_to
    yield "exceptions", ("usual",), policies.exceptions.usual
    for n, one in enumerate(policies.exceptions.escalation):
        yield "exceptions", ("escalation", n, "to"), one.to
    for number, rule in enumerate(policies.exceptions.rules):
        if rule.owner:
            yield "exceptions", ("rules", number, "owner"), rule.owner
        for n, one in enumerate(rule.escalation):
            yield "exceptions", ("rules", number, "escalation", n, "to"), one.to
    for number, milestone in enumerate(policies.milestones.milestones):
        if milestone.owner:
            yield "milestones", ("milestones", number, "owner"), milestone.owner
    yield from _roles_of_people(policies.people)


def _roles_of_people(people: People) -> Iterator[tuple[str, Path, str]]:
    for number, person in enumerate(people.people):
        yield from (("people", ("people", number, "roles", n), role) for n, role in enumerate(person.roles))
    for name, role in people.roles.items():
        if role.instead:
            yield "people", ("roles", name, "instead"), role.instead


def _people_named(policies: Policies) -> Iterator[tuple[str, Path, str]]:
    for number, route in enumerate(policies.approvals.routes):
        for at, step in enumerate(route.steps):
            place: Path = ("routes", number, "steps", at, "persons")
            yield from (("approvals", (*place, n), person) for n, person in enumerate(step.persons))
    for number, one in enumerate(policies.approvals.delegations):
        yield "approvals", ("delegations", number, "giver"), one.giver
        yield "approvals", ("delegations", number, "taker"), one.taker
    for number, rule in enumerate(policies.exceptions.rules):
        if rule.person:
            yield "exceptions", ("rules", number, "person"), rule.person
    for number, person in enumerate(policies.people.people):
        if person.manager:
            yield "people", ("people", number, "manager"), person.manager
    for code, department in policies.people.departments.items():
        if department.head:
            yield "people", ("departments", code, "head"), department.head


# ------------------------------------------------------------------ circles
def _delegations(desk: _Desk) -> Iterator[Finding]:
    every = desk.policies.approvals.delegations
    people = {name: one for one in desk.policies.people.people for name in one.names}
    for number, one in enumerate(every):
        place: Path = ("delegations", number)
        if _leads_back(one, every):
            text = f"'{one.giver}' hands on to '{one.taker}', and in the same days it comes back"
            yield from desk.finding("C132", "approvals", place, text, "end the circle: change one of them")
        for name in (one.giver, one.taker):
            person = people.get(same_person(name))
            if person is not None and _is_gone(person, one):
                text = f"'{name}' is not here in these days"
                yield from desk.finding("C138", "approvals", place, text, "change the days, or remove it")


def _is_gone(person: Person, one: Delegation) -> bool:
    return bool(
        (person.last_day and person.last_day < one.first_day) or (person.first_day and person.first_day > one.last_day)
    )


def _leads_back(start: Delegation, every: Iterable[Delegation]) -> bool:
    """Whether what one hands on returns to her on some day."""
    line = [(same_person(start.taker), start.first_day, start.last_day)]
    seen: set[tuple[str, date, date]] = set()
    while line:
        name, first, last = line.pop()
        if name == same_person(start.giver):
            return True
        for one in every:
            days = (max(first, one.first_day), min(last, one.last_day))
            step = (same_person(one.taker), *days)
            if same_person(one.giver) == name and days[0] <= days[1] and step not in seen:
                seen.add(step)
                line.append(step)
    return False


def _managers(desk: _Desk) -> Iterator[Finding]:
    above = {same_person(one.person): same_person(one.manager or "") for one in desk.policies.people.people}
    for number, one in enumerate(desk.policies.people.people):
        name, seen = above.get(same_person(one.person), ""), set[str]()
        while name and name not in seen and name != same_person(one.person):
            seen.add(name)
            name = above.get(name, "")
        if name == same_person(one.person):
            text = f"above '{one.person}' there is, at the end, '{one.person}'"
            yield from desk.finding("C137", "people", ("people", number, "manager"), text, "name another manager")


# ------------------------------------------------------------------ rules
def _twice(desk: _Desk) -> Iterator[Finding]:
    rules = desk.policies
    lists: tuple[tuple[str, str, Iterable[Scope], tuple[str, ...]], ...] = (
        ("tolerances", "rules", rules.tolerances.rules, ("rule",)),
        ("matching", "rules", rules.matching.rules, ("line_kind",)),
        ("exceptions", "rules", rules.exceptions.rules, ("types", "urgency", "above")),
        ("approvals", "routes", rules.approvals.routes, ("subjects", "urgency", "above", "up_to")),
        ("milestones", "milestones", rules.milestones.milestones, ("milestone",)),
    )
    for part, key, every, own in lists:
        seen: dict[Hashable, int] = {}
        for number, one in enumerate(every):
            first = seen.setdefault(_of(one, own), number)
            if first != number:
                text = f"this applies to the same as entry {first + 1} above, so it never counts"
                yield from desk.finding("C133", part, (key, number), text, "remove one, or say what it is for")


def _of(rule: Settings, own: tuple[str, ...]) -> Hashable:
    return tuple(getattr(rule, name) for name in (*Scope.model_fields, *own))


def _steps(desk: _Desk) -> Iterator[Finding]:
    """Steps whose people, and all above them, may not approve the smallest amount of the route."""
    people, base = desk.policies.people, desk.policies.currencies.base
    for number, route in enumerate(desk.policies.approvals.routes):
        for at, step in enumerate(route.steps):
            if step.manager or step.department_head:
                continue
            named = [one for one in people.people if _is_named(one, step, people)]
            least = Money(amount=route.above or Decimal(0), currency=route.currency or base)
            every = list(_with_those_above(named, people))
            able = sum(not step.checks_limit or _may(one, desk.policies, least) for one in every)
            place: Path = ("routes", number, "steps", at)
            if named and not able:
                text = f"nobody who is asked, nor anybody above, approves more than {least.amount}"
                advice = "ask a role with approves_up_to: in people.yaml"
                yield from desk.finding("C134", "approvals", place, text, advice)
            elif named and able < step.need:
                text = f"it needs {step.need} people, and of those who are asked, or above them, {able} may"
                yield from desk.finding("C134", "approvals", (*place, "need"), text, "ask more roles, or need fewer")
            elif not named and people.people and step.roles and people.roles.keys() >= {*step.roles}:
                text = "nobody in people.yaml has a role that is asked, nor one that stands in for it"
                yield from desk.finding("C134", "approvals", place, text, "give somebody the role, or ask another")


def _is_named(one: Person, step: Step, people: People) -> bool:
    asked = [*step.roles, *([step.escalate_to] if step.escalate_to else [])]
    roles = {_stands_for(role, people) for role in asked}
    return bool({*one.roles} & roles) or any(same_person(name) in one.names for name in step.persons)


def _stands_for(role: str, people: People) -> str:
    """The role itself, or the one instead while nobody has it."""
    seen: set[str] = set()
    while role not in seen and not any(role in one.roles for one in people.people):
        seen.add(role)
        settings = people.roles.get(role)
        role = settings.instead if settings and settings.instead else role
    return role


def _with_those_above(named: list[Person], people: People) -> Iterator[Person]:
    by_name = {name: one for one in people.people for name in one.names}
    seen: set[str] = set()
    line = list(named)
    while line:
        one = line.pop()
        if one.person not in seen:
            seen.add(one.person)
            yield one
            if boss := by_name.get(same_person(one.manager or "")):
                line.append(boss)


def _may(one: Person, policies: Policies, least: Money) -> bool:
    roles = [policies.people.roles[name] for name in one.roles if name in policies.people.roles]
    return any(role.unlimited or _reaches(role, policies.currencies, least) for role in roles)


def _reaches(role: Role, currencies: Currencies, least: Money) -> bool:
    """By the newest rates; what nobody can compare is out of reach."""
    if role.approves_up_to is None:
        return False
    limit = Money(amount=role.approves_up_to, currency=role.currency or currencies.base)
    worth = currencies.worth(limit, least.currency, date.max)
    return worth is not None and worth > least.amount


# ------------------------------------------------------------------ calendars
def _calendars(desk: _Desk) -> Iterator[Finding]:
    rules = desk.policies.calendars
    named: list[tuple[Path, str | None]] = [(("facilities", code), name) for code, name in rules.facilities.items()]
    named += [(("legal_entities", code, "calendar"), year.calendar) for code, year in rules.legal_entities.items()]
    for path, name in named:
        if name is not None and name not in rules.calendars:
            advice = _advice_of(name, rules.calendars)
            yield from desk.finding("C136", "calendars", path, f"there is no calendar '{name}'", advice)


def _advice_of(name: str, known: Iterable[str]) -> str | None:
    words = list(known)
    return did_you_mean(name, words) or known_words(words)
