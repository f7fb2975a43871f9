"""Slips in policies that load: names nearly like others, circles of roles and departments, settings without effect."""

from __future__ import annotations

import difflib
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from engine.channel.explain import did_you_mean
from engine.channel.finding import Finding
from engine.channel.lints.ground import Ground
from engine.channel.policies import FOLDER, Policies
from engine.channel.policy_parts import Scope, WorkTime
from engine.channel.site import Site
from engine.channel.yaml_source import Path

_NEAR = 0.85  # likeness: two letters changed over in eleven
_DIGITS = re.compile(r"\d+")
_Place = tuple[str, Path]  # part, and where in it


def check(ground: Ground) -> Iterator[Finding]:
    site = ground.site
    yield from _route_names(site)
    yield from _circles(site)
    yield from _without_effect(site)
    for name, known in _of_site(ground).items():
        yield from _slips(site, name, known)


def _route_names(site: Site) -> Iterator[Finding]:
    seen: dict[str, int] = {}
    for number, route in enumerate(site.policies.approvals.routes):
        if seen.setdefault(route.route.strip().casefold(), number) != number:
            text = f"another route is called '{route.route}', and people see the name only"
            path: Path = ("routes", number, "route")
            yield from _finding(site, "C146", "approvals", path, text, "give it another name")


# ------------------------------------------------------------------ circles
def _circles(site: Site) -> Iterator[Finding]:
    people = site.policies.people
    instead = {name: role.instead for name, role in people.roles.items()}
    for name in _in_circle(instead):
        text = f"who stands in for '{name}' is at the end '{name}'"
        yield from _finding(site, "C137", "people", ("roles", name, "instead"), text, "name another role")
    parents = {code: one.parent for code, one in people.departments.items()}
    for code in _in_circle(parents):
        text = f"above '{code}' there is, at the end, '{code}'"
        yield from _finding(site, "C137", "people", ("departments", code, "parent"), text, "name another department")
    for code, parent in parents.items():
        if parent is not None and parent not in parents:
            advice = did_you_mean(parent, parents) or "add it under departments:"
            path: Path = ("departments", code, "parent")
            yield from _finding(site, "C141", "people", path, f"there is no department '{parent}'", advice)


def _in_circle(after: Mapping[str, str | None]) -> Iterator[str]:
    for start in after:
        seen, name = set[str](), after[start]
        while name and name not in seen and name != start:
            seen.add(name)
            name = after.get(name)
        if name == start:
            yield start


# ------------------------------------------------------------------ without effect
def _without_effect(site: Site) -> Iterator[Finding]:
    for name, role in site.policies.people.roles.items():
        if role.unlimited and role.approves_up_to is not None:
            path: Path = ("roles", name, "approves_up_to")
            yield from _finding(site, "C147", "people", path, "the role is unlimited", "remove one of the two")
    for number, route in enumerate(site.policies.approvals.routes):
        if _is_nothing(route.expires_after):
            text = "it expires as soon as it is asked for"
            path = ("routes", number, "expires_after")
            yield from _finding(site, "C147", "approvals", path, text, "leave it out, or give it a time")
        for at, step in enumerate(route.steps):
            path = ("routes", number, "steps", at, "escalate_after")
            if _is_nothing(step.escalate_after):
                text = "after no time at all nothing escalates"
                yield from _finding(site, "C147", "approvals", path, text, "leave it out, or give it a time")
            elif step.escalate_to and step.escalate_after is None:
                text = "without escalate_after: nothing escalates"
                path = (*path[:-1], "escalate_to")
                yield from _finding(site, "C147", "approvals", path, text, "write escalate_after:, too")


def _is_nothing(within: WorkTime | None) -> bool:
    return within is not None and not within.number and not within.plain


# ------------------------------------------------------------------ slips of the pen
def _of_site(ground: Ground) -> dict[str, set[str]]:
    """Words that other parts of the site know; a value that is told there is no slip."""
    values = {value for table in ground.site.crosswalks.values() for value in table.values()}
    facilities = {one.model.facility for one in ground.channels if one.model.facility}
    return {"facility": facilities | values, "category": values, "legal_entity": values}


def _slips(site: Site, name: str, known: set[str]) -> Iterator[Finding]:
    """What stands once, and nearly like what stands elsewhere. Names that differ in numbers only are two names."""
    places: defaultdict[str, list[_Place]] = defaultdict(list)
    for place, value in _named(site.policies, name):
        places[value].append(place)
    often = Counter({value: len(found) for value, found in places.items()})
    for value, found in places.items():
        others = [one for one in {*known, *often} if one != value and not _differ_in_numbers(one, value)]
        others = [one for one in others if one in known or often[one] > 1]
        near = difflib.get_close_matches(value, others, n=1, cutoff=_NEAR)
        if near and value not in known and often[value] == 1:
            part, path = found[0]
            text = f"no {name.replace('_', ' ')} '{value}' is named anywhere else in the site"
            yield from _finding(site, "C141", part, path, text, f"did you mean '{near[0]}'?")


def _named(policies: Policies, name: str) -> Iterator[tuple[_Place, str]]:
    lists: dict[tuple[str, str], Sequence[Scope]] = {
        ("tolerances", "rules"): policies.tolerances.rules,
        ("matching", "rules"): policies.matching.rules,
        ("approvals", "routes"): policies.approvals.routes,
        ("exceptions", "rules"): policies.exceptions.rules,
        ("milestones", "milestones"): policies.milestones.milestones,
    }
    for (part, key), rules in lists.items():
        for number, rule in enumerate(rules):
            if value := getattr(rule, name):
                yield (part, (key, number, name)), value
    tables: dict[str, Mapping[str, object]] = {
        "facility": policies.calendars.facilities,
        "legal_entity": policies.calendars.legal_entities,
    }
    for value in tables.get(name, ()):
        key = "facilities" if name == "facility" else "legal_entities"
        yield ("calendars", (key, value)), value
    if name == "facility":
        for code, department in policies.people.departments.items():
            if department.facility:
                yield ("people", ("departments", code, name)), department.facility
        for number, person in enumerate(policies.people.people):
            yield from (
                (("people", ("people", number, "facilities", n)), one) for n, one in enumerate(person.facilities)
            )


def _differ_in_numbers(one: str, other: str) -> bool:
    return _DIGITS.sub("", one) == _DIGITS.sub("", other)


def _finding(site: Site, code: str, part: str, path: Path, text: str, advice: str) -> Iterator[Finding]:
    source = site.sources.get(f"{FOLDER}/{part}.yaml") or site.sources.get(f"{FOLDER}/{part}.yml")
    if source is not None and (path in source.values or path in source.keys):
        yield source.finding(code, path, text, advice)
