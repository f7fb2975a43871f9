"""Who is here on a day, in which role, how much she may approve, who is above her and who acts for her."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from functools import lru_cache

from engine.canonical import Money
from engine.channel.policies import Policies
from engine.channel.policy_people import Person, Role, same_person
from engine.channel.policy_routing import Delegation

_LEVELS = 20  # of managers; more is a circle that lint refuses


class Directory:
    """The people of the policies on one day. All the names of a person are that one person."""

    def __init__(self, policies: Policies, day: date, handed: Sequence[Delegation] = ()) -> None:
        self._rules, self._currencies, self._day = policies.people, policies.currencies, day
        self._delegations = (*policies.approvals.delegations, *handed)
        self._by_name = {name: one for one in self._rules.people for name in one.names}

    def known(self, name: str | None) -> Person | None:
        """Whoever has this name, here or gone."""
        return self._by_name.get(same_person(name or ""))

    def here(self, name: str | None) -> Person | None:
        found = self.known(name)
        return found if found is not None and found.here_on(self._day) else None

    def key(self, name: str) -> str:
        """One word for all names of a person; unknown people keep their own."""
        found = self.known(name)
        return same_person(found.person if found else name)

    def in_role(self, role: str, department: str | None = None, facility: str | None = None) -> list[Person]:
        """Who has the role for this department; when nobody is here, who has the one instead."""
        seen: set[str] = set()
        while role and role not in seen:
            seen.add(role)
            if found := [one for one in self._rules.people if self._serves(one, role, department, facility)]:
                return found
            settings = self._rules.roles.get(role)
            role = (settings.instead or "") if settings else ""
        return []

    def role_now(self, role: str, department: str | None = None, facility: str | None = None) -> str:
        """The role itself, or the one that stands in while nobody here has it. Without people nobody is missed."""
        seen: list[str] = []
        while self._rules.people and role not in seen:
            if any(self._serves(one, role, department, facility) for one in self._rules.people):
                return role
            seen.append(role)
            settings = self._rules.roles.get(role)
            role = settings.instead if settings and settings.instead else role
        return seen[0] if seen else role

    def _serves(self, one: Person, role: str, department: str | None, facility: str | None) -> bool:
        for_department = not one.departments or department is None or department in one.departments
        for_facility = not one.facilities or facility is None or facility in one.facilities
        return role in one.roles and for_department and for_facility and one.here_on(self._day)

    def head_of(self, department: str | None) -> Iterator[Person]:
        """Who leads the department, then those above it."""
        seen: set[str] = set()
        while department and department not in seen:
            seen.add(department)
            settings = self._rules.departments.get(department)
            if settings is None:
                return
            if head := self.here(settings.head):
                yield head
            department = settings.parent

    def above(self, name: str | None) -> Iterator[Person]:
        """Managers who are here, the nearest first. Those of somebody who left, too."""
        person, seen = self.known(name), set[str]()
        for _ in range(_LEVELS):
            if person is None or person.manager is None or same_person(person.manager) in seen:
                return
            seen.add(same_person(person.manager))
            person = self.known(person.manager)
            if person is not None and person.here_on(self._day):
                yield person

    def approves(self, person: Person, money: Money, day: date) -> bool:
        """Whether one of her roles has no limit, or one that this is not above by the rates of the day."""
        roles = [self._rules.roles[name] for name in person.roles if name in self._rules.roles]
        return any(one.unlimited or self._reaches(one, money, day) for one in roles)

    def _reaches(self, role: Role, money: Money, day: date) -> bool:
        limit = role.approves_up_to
        return limit is not None and not self._currencies.is_above(money, limit, role.currency, day)

    def acts_for(self, giver: Person, taker: Person, subject: str, without: Iterable[str]) -> list[str] | None:
        """The chain from one to the other by delegations of this day, both named; None: there is none.

        `without`: people through whom it must not go. Circles end the search, they do not trap it.
        """
        shut = {self.key(name) for name in without}
        start, goal = same_person(giver.person), same_person(taker.person)
        came: dict[str, str | None] = {start: None}
        line = [start]
        while line:
            one = line.pop(0)
            if one == goal:
                return _way(came, one)
            for other in self._takers(one, subject):
                if other not in came and other not in shut:
                    came[other] = one
                    line.append(other)
        return None

    def _takers(self, giver: str, subject: str) -> Iterator[str]:
        for one in self._delegations:
            in_time = one.first_day <= self._day <= one.last_day
            is_given = self.key(one.giver) == giver and (not one.subjects or subject in one.subjects)
            taker = self.here(one.taker) if in_time and is_given and self.here(one.giver) else None
            if taker is not None:
                yield same_person(taker.person)

    def changes_on(self) -> date | None:
        """The next day on which somebody comes or goes, or a delegation begins or ends."""
        days: set[date] = set()
        for person in self._rules.people:
            days |= _edges(person.first_day, person.last_day)
        for one in self._delegations:
            days |= _edges(one.first_day, one.last_day)
        return min((day for day in days if day > self._day), default=None)


@lru_cache(maxsize=200)
def directory_of(policies: Policies, day: date) -> Directory:
    """Of one day, made once: every exception asks for it."""
    return Directory(policies, day)


def _edges(first: date | None, last: date | None) -> set[date]:
    return ({first} if first else set()) | ({last + timedelta(days=1)} if last and last < date.max else set())


def _way(came: dict[str, str | None], last: str | None) -> list[str]:
    way: list[str] = []
    while last is not None:
        way.append(last)
        last = came[last]
    return way[::-1]
