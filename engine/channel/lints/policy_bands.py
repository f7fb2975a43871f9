"""Amounts of approvals: bands of routes that leave a gap or overlap, and limits that nothing can be compared with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import combinations
from typing import NamedTuple

from engine.channel.finding import Finding
from engine.channel.lints.ground import Ground
from engine.channel.policies import FOLDER, Policies
from engine.channel.policy_parts import Scope
from engine.channel.policy_routing import Route
from engine.channel.site import Site
from engine.channel.yaml_source import Path

_LEAST, _MOST = Decimal(-1), Decimal("Infinity")
_NARROW = (*Scope.model_fields, "urgency")


class _Band(NamedTuple):
    """Amounts above `low`, up to and with `high`; `number` of the route, from 0."""

    low: Decimal
    high: Decimal
    number: int
    route: Route


class _Group(NamedTuple):
    """Requests of a kind; None: any."""

    subject: str
    narrow: tuple[str | None, ...]

    def is_within(self, other: _Group) -> bool:
        pairs = zip(self.narrow, other.narrow, strict=True)
        return self.subject == other.subject and all(theirs in (None, own) for own, theirs in pairs)


_Groups = Mapping[_Group, Sequence[_Band]]


def check(ground: Ground) -> Iterator[Finding]:
    site = ground.site
    groups, base = _groups(site.policies), site.policies.currencies.base
    mixed = {group for group, bands in groups.items() if len({one.route.currency or base for one in bands}) > 1}
    for group in mixed:
        yield from _mixed(site, groups[group], base)
    yield from _gaps(site, {group: bands for group, bands in groups.items() if group not in mixed})
    for group, bands in groups.items():
        yield from () if group in mixed else _overlaps(site, bands)
    yield from _without_rates(site)


def _groups(policies: Policies) -> _Groups:
    found: defaultdict[_Group, list[_Band]] = defaultdict(list)
    for number, route in enumerate(policies.approvals.routes):
        narrow = tuple(getattr(route, name) for name in _NARROW)
        low, high = _LEAST if route.above is None else route.above, _MOST if route.up_to is None else route.up_to
        band = _Band(low, high, number, route)
        for subject in route.subjects:
            found[_Group(subject, narrow)].append(band)
    return found


# ------------------------------------------------------------------ currencies
def _mixed(site: Site, bands: Sequence[_Band], base: str) -> Iterator[Finding]:
    first = bands[0].route
    for one in bands[1:]:
        if (one.route.currency or base) != (first.currency or base):
            text = f"the route '{first.route}' for the same has its amounts in {first.currency or base}"
            path: Path = ("routes", one.number, "currency")
            path = path if one.route.currency else ("routes", one.number)
            yield from _finding(site, "C145", "approvals", path, text, "write all of them in one currency")


def _without_rates(site: Site) -> Iterator[Finding]:
    currencies = site.policies.currencies
    known = {currencies.base, *(one.currency for one in currencies.rates)}
    named: list[tuple[str, Path, str | None]] = [
        ("people", ("roles", name, "currency"), role.currency) for name, role in site.policies.people.roles.items()
    ]
    named += [
        ("approvals", ("routes", number, "currency"), route.currency)
        for number, route in enumerate(site.policies.approvals.routes)
    ]
    for part, path, currency in named:
        if currency is not None and currency not in known:
            text = f"nobody tells what {currency} is worth in {currencies.base}"
            advice = f"add it under rates: of {FOLDER}/currencies.yaml"
            yield from _finding(site, "C144", part, path, text, advice)


# ------------------------------------------------------------------ gaps
def _gaps(site: Site, groups: _Groups) -> Iterator[Finding]:
    """Each once, where it is widest known: what a wider group lacks is not told again of those within it."""
    told: defaultdict[_Group, list[tuple[Decimal, Decimal]]] = defaultdict(list)
    for group in sorted(groups, key=lambda one: sum(name is not None for name in one.narrow)):
        wider = [one for one in groups if group.is_within(one)]
        bands = [band for one in wider for band in groups[one]]
        known = [gap for one in wider for gap in told[one]]
        is_comparable = len({one.route.currency for one in bands}) == 1
        for low, high in _untaken(bands) if is_comparable else ():
            if not any(one <= low and high <= other for one, other in known):
                told[group].append((low, high))
                yield from _gap(site, group.subject, low, high, bands)


def _untaken(bands: Iterable[_Band]) -> Iterator[tuple[Decimal, Decimal]]:
    reached = _LEAST
    for one in sorted(bands, key=lambda band: band.low):
        if one.low > reached:
            yield reached, one.low
        reached = max(reached, one.high)
    if reached < _MOST:
        yield reached, _MOST


def _gap(site: Site, subject: str, low: Decimal, high: Decimal, bands: Sequence[_Band]) -> Iterator[Finding]:
    after = next((one for one in bands if one.low == high), None)
    if after is None:
        last = next(one for one in bands if one.high == low)
        text, advice = f"no route takes {_one(subject)} above {low}", "leave up_to out of the last"
        yield from _finding(site, "C135", "approvals", ("routes", last.number, "up_to"), text, advice)
        return
    path: Path = ("routes", after.number, "above")
    if low == _LEAST:
        text, advice = (
            f"no route takes {_one(subject)} up to {high}",
            f"leave above out, or add a route with up_to: {high}",
        )
    else:
        text, advice = f"no route takes amounts above {low} and up to {high}", f"write above: {low}"
    yield from _finding(site, "C135", "approvals", path, text, advice)


def _one(subject: str) -> str:
    return f"{'an' if subject[0] in 'aeiou' else 'a'} {subject.replace('_', ' ')}"


# ------------------------------------------------------------------ overlaps
def _overlaps(site: Site, bands: Sequence[_Band]) -> Iterator[Finding]:
    """Of two that are as exact as one another; a route without amounts gives way to one with them."""
    for first, other in combinations(bands, 2):
        low, high = max(first.low, other.low), min(first.high, other.high)
        is_same = (first.low, first.high) == (other.low, other.high)
        if low >= high or first.route.exactness != other.route.exactness or _is_told(first, other):
            continue
        path: Path = ("routes", other.number)
        if is_same or (first.low <= other.low and other.high <= first.high):
            text = f"the route '{first.route.route}' above takes all that this one takes, so it never counts"
            advice = "remove one, or let one begin where the other ends"
            yield from _finding(site, "C133", "approvals", path, text, advice)
        else:
            text = (
                f"amounts {_words(low, high)} are also of the route '{first.route.route}', which counts for being first"
            )
            advice = f"write above: {first.high}" if other.low > first.low else f"write up_to: {first.low}"
            yield from _finding(site, "C143", "approvals", path, text, advice)


def _is_told(first: _Band, other: _Band) -> bool:
    """Two for exactly the same are told of as such already."""
    return (first.low, first.high, first.route.subjects) == (other.low, other.high, other.route.subjects)


def _words(low: Decimal, high: Decimal) -> str:
    parts = [f"above {low}"] * (low != _LEAST) + [f"up to {high}"] * (high != _MOST)
    return " and ".join(parts)


def _finding(site: Site, code: str, part: str, path: Path, text: str, advice: str) -> Iterator[Finding]:
    source = site.sources.get(f"{FOLDER}/{part}.yaml") or site.sources.get(f"{FOLDER}/{part}.yml")
    if source is not None and (path in source.values or path in source.keys):
        yield source.finding(code, path, text, advice)
