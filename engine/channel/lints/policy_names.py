"""Names in policies that only other parts of the site know: types of exceptions, suppliers, departments, commands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.channel.explain import did_you_mean
from engine.channel.finding import Finding
from engine.channel.lints.ground import Ground
from engine.channel.policies import FOLDER
from engine.channel.policy_parts import Scope
from engine.channel.site import Site
from engine.channel.wildcard import wildcard_match
from engine.channel.yaml_source import Path
from engine.ports.exception_types import EXCEPTION_TYPES


def check(ground: Ground) -> Iterator[Finding]:
    site = ground.site
    yield from _types(site)
    yield from _steps(ground)
    yield from _departments(site)
    known = {"supplier": _suppliers(site), "department": set(site.policies.people.departments)}
    for part, key, rules in _scopes(site):
        for number, rule in enumerate(rules):
            for name, words in known.items():
                value = getattr(rule, name)
                if value is not None and words and value not in words:
                    text = f"no {name} '{value}' is named anywhere else in the site"
                    advice = did_you_mean(value, words) or f"look the {name} up, or add it"
                    yield from _finding(site, "C141", part, (key, number, name), text, advice)


def _departments(site: Site) -> Iterator[Finding]:
    """Of people; a site that lists no departments may have them in another system."""
    words = set(site.policies.people.departments)
    for number, person in enumerate(site.policies.people.people):
        for place, name in enumerate(person.departments):
            if words and name not in words:
                path: Path = ("people", number, "departments", place)
                advice = did_you_mean(name, words) or "look the department up, or add it under departments:"
                yield from _finding(site, "C141", "people", path, f"there is no department '{name}'", advice)


def _types(site: Site) -> Iterator[Finding]:
    for number, rule in enumerate(site.policies.exceptions.rules):
        for place, pattern in enumerate(rule.types):
            if not any(wildcard_match(pattern, one) for one in EXCEPTION_TYPES):
                text = f"no exception is called '{pattern}'"
                advice = did_you_mean(pattern, EXCEPTION_TYPES) or "look the types up in docs/reference"
                yield from _finding(site, "C139", "exceptions", ("rules", number, "types", place), text, advice)


def _steps(ground: Ground) -> Iterator[Finding]:
    """Commands of plans that no channel takes: the step would be asked for and never be done."""
    ends = [one.source_end.raw for one in ground.channels if one.source_end.type == "procure"]
    if not ends or not all(one.get("commands") for one in ends):
        return  # the process is not used here, or a channel takes whatever there is
    taken = {name for one in ends for name in one["commands"]}
    for number, plan in enumerate(ground.site.policies.postings.plans):
        for place, step in enumerate(plan.steps):
            for key, command in (("command", step.command), ("undone_by", step.undone_by)):
                if command is not None and command not in taken:
                    path: Path = ("plans", number, "steps", place, key)
                    advice = f"write a channel with source: {{type: procure, commands: [{command}]}}"
                    text = f"no channel takes the command '{command}'"
                    yield from _finding(ground.site, "C142", "postings", path, text, advice)


def _scopes(site: Site) -> Iterator[tuple[str, str, Iterable[Scope]]]:
    """Part, setting and rules of each list of rules that say to whom they apply."""
    policies = site.policies
    yield "tolerances", "rules", policies.tolerances.rules
    yield "matching", "rules", policies.matching.rules
    yield "approvals", "routes", policies.approvals.routes
    yield "exceptions", "rules", policies.exceptions.rules
    yield "milestones", "milestones", policies.milestones.milestones


def _suppliers(site: Site) -> set[str]:
    """Of the trading partners and the crosswalks; empty: the site names none, so nobody can tell."""
    partners = {one.supplier_number for one in site.partners.values() if one.supplier_number}
    return partners | {value for table in site.crosswalks.values() for value in table.values()} if partners else set()


def _finding(site: Site, code: str, part: str, path: Path, text: str, advice: str) -> Iterator[Finding]:
    source = site.sources.get(f"{FOLDER}/{part}.yaml") or site.sources.get(f"{FOLDER}/{part}.yml")
    if source is not None and (path in source.values or path in source.keys):
        yield source.finding(code, path, text, advice)
