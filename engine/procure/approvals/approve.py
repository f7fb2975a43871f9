"""Approvals: whom a request needs, who answered, and where it stands. Pure: the order of arrival does not matter.

Nobody approves what she asked for, made or changed herself; nobody counts twice; nobody acts for somebody outside the
days of a delegation, nor along a chain that goes through the requester. What does not count is kept with its reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from engine.channel.policies import Policies
from engine.channel.policy_parts import most_specific
from engine.channel.policy_people import Person, same_person
from engine.channel.policy_routing import Delegation, Route, Step
from engine.procure.approvals.people import Directory, directory_of
from engine.procure.approvals.states import FINAL, ApprovalEvent, ApprovalState, next_state
from engine.procure.approvals.values import Act, Counted, NotCounted, Request, Standing
from engine.procure.calendar import Calendar, calendar_of
from engine.procure.decision import Finding, World, text_of
from engine.procure.exact import product
from engine.procure.policies import policies_of

_LEVELS = 20  # of escalation


def approve(request: Request, acts: Iterable[Act], world: World) -> Standing:
    """Where the request stands now. What people did is judged by the policies that held when they did it; once it was
    decided by those of its time, later ones change nothing."""
    policies, done = policies_of(world), sorted(acts, key=lambda act: act.order)
    since = max(request.requested_at, request.changed_at or request.requested_at)
    for until, held in policies.since(since):
        if until is None or until > world.now:
            break
        standing = _by(held, policies, request, [one for one in done if one.at < until], until)
        if standing.state in FINAL:
            return standing
    return _by(policies, policies, request, done, world.now)


def _by(held: Policies, policies: Policies, request: Request, acts: Sequence[Act], until: datetime) -> Standing:
    """By the routes of some policies; `policies` know who was here before and after."""
    route = route_of(held, request)
    if route is None:
        because = ("no route of the approvals takes this request", *counts_as(held, request))
        return Standing(ApprovalState.STUCK, findings=(_stuck(request, *because),), because=because)
    return _Course(request, route, held, policies).run(acts, until)


def route_of(policies: Policies, request: Request) -> Route | None:
    """The most specific that takes it. What nobody can compare with an amount of a route is above it."""
    fitting = [
        one
        for one in policies.approvals.routes
        if request.subject in one.subjects
        and one.urgency in (None, request.urgency)
        and _in_band(policies, one, request)
    ]
    return next(iter(most_specific(fitting, request.aspects)), None)


def _in_band(policies: Policies, route: Route, request: Request) -> bool:
    day, currencies = _asked_on(policies, request), policies.currencies
    over = route.above is None or currencies.is_above(request.amount, route.above, route.currency, day)
    return over and not currencies.is_above(request.amount, route.up_to, route.currency, day)


def _asked_on(policies: Policies, request: Request) -> date:
    """By the rates of this day it is judged: it does not grow while it waits."""
    return calendar_of(policies, request.facility).day_of(request.requested_at)


def counts_as(policies: Policies, request: Request) -> tuple[str, ...]:
    """In words how an amount in another currency is compared with limits; nothing for one in the base currency."""
    money, base, day = request.amount, policies.currencies.base, _asked_on(policies, request)
    if money.currency == base or money.amount == 0:
        return ()
    rate = policies.currencies.rate(money.currency, day)
    if rate is None:
        return (f"no rate of {money.currency} on {day}: it counts as above every limit in another currency",)
    worth = product(money.amount, rate.worth).normalize()
    return (
        f"{text_of(money.amount)} {money.currency} count as {text_of(worth)} {base}, by the rate of {rate.first_day}",
    )


class _Course:
    """One request along its route; `run` plays the acts in the order in which people did them."""

    def __init__(self, request: Request, route: Route, held: Policies, policies: Policies) -> None:
        self.request, self.route, self.held, self.policies = request, route, held, policies
        self.asked_on = _asked_on(held, request)
        self.calendar: Calendar = calendar_of(held, request.facility)
        self.state, self.step, self.since = ApprovalState.REQUESTED, 0, request.requested_at
        self.counted: list[Counted] = []
        self.not_counted: list[NotCounted] = []
        self.handed: list[Delegation] = []  # of this request only
        self.reason: str | None = None
        self.expires = self.calendar.after(request.requested_at, route.expires_after) if route.expires_after else None

    def run(self, acts: Sequence[Act], now: datetime) -> Standing:
        self._go_on(self.since)
        for act in acts:
            self._expire(act.at)
            self._play(act)
        self._expire(now)
        return self._standing(now)

    # -------------------------------------------------------------- events
    def _event(self, event: ApprovalEvent) -> None:
        self.state = next_state(self.state, event)

    def _go_on(self, at: datetime) -> None:
        """From step to step; where nobody is found it stands until somebody is."""
        if self.step >= len(self.route.steps):
            return self._event(ApprovalEvent.NOTHING_TO_ASK)
        self.since = at
        self._event(ApprovalEvent.ROUTED if self._asked(at)[0] else ApprovalEvent.NOBODY)

    def _route_again(self, asked: Sequence[Person]) -> None:
        """People came or went since the step began."""
        if asked and self.state is ApprovalState.STUCK:
            self._event(ApprovalEvent.ROUTED)
        elif not asked and self.state is ApprovalState.WAITING:
            self._event(ApprovalEvent.NOBODY)

    def _expire(self, at: datetime) -> None:
        if self.expires is not None and at >= self.expires and self.state not in FINAL:
            self._event(ApprovalEvent.EXPIRED)

    def _play(self, act: Act) -> None:
        if self.state in FINAL:
            return self._refuse(act, f"it was {self.state.value} already")
        if act.what == "withdraw":
            return self._withdraw(act)
        if self.request.changed_at is not None and act.at < self.request.changed_at:
            return self._refuse(act, "what was asked for was changed after that")
        asked, _ = self._asked(act.at)
        self._route_again(asked)
        directory = self._directory(act.at)
        principal, why = self._principal(act, asked, directory)
        if principal is None:
            return self._refuse(act, why)
        if act.what == "delegate":
            return self._hand_on(act, principal, directory)
        if act.what == "reject":
            self.reason = act.reason
            return self._event(ApprovalEvent.REJECTED)
        self._count(act, principal, directory)

    def _hand_on(self, act: Act, principal: Person, directory: Directory) -> None:
        taker = directory.here(act.hand_to)
        if taker is None or same_person(taker.person) in self._creators(directory):
            return self._refuse(act, "it cannot be handed to this person")
        self.handed.append(Delegation.model_construct(
            giver=principal.person, taker=taker.person, first_day=self.calendar.day_of(act.at),
            last_day=act.hand_until or date.max, subjects=(), reason=act.reason or "",
        ))  # fmt: skip

    def _withdraw(self, act: Act) -> None:
        directory = self._directory(act.at)
        if directory.key(act.who) not in self._creators(directory):
            return self._refuse(act, "only who asked for it withdraws it")
        self.reason = act.reason
        self._event(ApprovalEvent.WITHDRAWN)

    def _count(self, act: Act, principal: Person, directory: Directory) -> None:
        who, whose = directory.key(act.who), same_person(principal.person)
        self.counted.append(Counted(self.step + 1, who, whose if whose != who else None, act.at))
        if sum(one.step == self.step + 1 for one in self.counted) < self.route.steps[self.step].need:
            return
        self.step += 1
        if self.step == len(self.route.steps):
            return self._event(ApprovalEvent.APPROVED_LAST)
        self._event(ApprovalEvent.APPROVED_STEP)
        self._go_on(act.at)

    def _refuse(self, act: Act, why: str) -> None:
        self.not_counted.append(NotCounted(act.who, act.what, act.at, why))

    # -------------------------------------------------------------- who may
    def _principal(self, act: Act, asked: Sequence[Person], directory: Directory) -> tuple[Person | None, str]:
        """For whom the act counts; else why it does not."""
        creators, used = self._creators(directory), self._used
        actor = directory.here(act.who)
        if directory.key(act.who) in creators:
            return None, "who asked for it does not decide it"
        if actor is None:
            return None, "the policy of people has nobody of this name who is here on that day"
        if directory.key(act.who) in used:
            return None, "the same person does not count twice"
        if act.on_behalf_of is not None and directory.key(act.on_behalf_of) in creators:
            return None, "nobody decides in the name of who asked for it"
        own_first = sorted(asked, key=lambda one: same_person(one.person) != directory.key(act.who))
        for one in own_first:  # in her own name, before she uses up somebody else's
            named = act.on_behalf_of is None or directory.key(act.on_behalf_of) == same_person(one.person)
            if named and self._acts(directory, one, actor, creators):
                return one, ""
        return None, "this person is not asked, nor acts for somebody who is"

    def _acts(self, directory: Directory, one: Person, actor: Person, creators: frozenset[str]) -> bool:
        return directory.acts_for(one, actor, self.request.subject, creators) is not None

    def _creators(self, directory: Directory) -> frozenset[str]:
        names = {*self.request.creators, *([self.request.requester] if self.request.requester else [])}
        return frozenset(map(directory.key, names))

    @property
    def _used(self) -> frozenset[str]:
        return frozenset(name for one in self.counted for name in (one.who, one.on_behalf_of) if name)

    def _asked(self, at: datetime) -> tuple[list[Person], tuple[str, ...]]:
        """People whose answer is wanted in this step at this time, and why they are."""
        step, directory = self.route.steps[self.step], self._directory(at)
        barred = self._creators(directory) | self._used
        named = _named(step, self.request, directory)
        found = [one for one in named if self._may(one, step, directory, barred)]
        because = [_title(step), *counts_as(self.held, self.request)]
        wanted = step.need - sum(one.step == self.step + 1 for one in self.counted)
        if len(found) < wanted:
            above = [boss for one in _starts(named, self.request, directory) for boss in directory.above(one)]
            found += [one for one in above if self._may(one, step, directory, barred)][: wanted - len(found)]
            because.append("too few of them are here and may: who is above them is asked")
        level = self._level(step, at)
        if level:
            found += [one for one in self._escalated(step, level, directory) if self._may(one, step, directory, barred)]
            because.append(f"without an answer in time: escalated {level} time{'s' if level > 1 else ''}")
        return list({same_person(one.person): one for one in found}.values()), tuple(because)

    def _may(self, one: Person, step: Step, directory: Directory, barred: frozenset[str]) -> bool:
        enough = not step.checks_limit or directory.approves(one, self.request.amount, self.asked_on)
        return same_person(one.person) not in barred and enough

    def _escalated(self, step: Step, level: int, directory: Directory) -> list[Person]:
        starts = _starts(_named(step, self.request, directory), self.request, directory)
        bosses = [boss for one in starts for boss in [*directory.above(one)][:level]]
        at, of = self.request.facility, self.request.department
        return bosses + (directory.in_role(step.escalate_to, of, at) if step.escalate_to else [])

    def _level(self, step: Step, at: datetime) -> int:
        """How often its time was over."""
        level, due = 0, self._next_due(step, self.since)
        while due is not None and due <= at and level < _LEVELS:
            level, due = level + 1, self._next_due(step, due)
        return level

    def _next_due(self, step: Step, after: datetime) -> datetime | None:
        due = self.calendar.after(after, step.escalate_after) if step.escalate_after else None
        return due if due is not None and due > after else None

    def _directory(self, at: datetime) -> Directory:
        """Of the people who were here then, by what was known of them then."""
        day, known = self.calendar.day_of(at), self.policies.as_of(at)
        return Directory(known, day, self.handed) if self.handed else directory_of(known, day)

    # -------------------------------------------------------------- what comes of it
    def _standing(self, now: datetime) -> Standing:
        waits = self.state not in FINAL
        asked, because = self._asked(now) if waits else ([], ())
        if waits:
            self._route_again(asked)
        names = tuple(one.person for one in asked)
        return Standing(
            state=self.state,
            route=self.route.route,
            step=min(self.step + 1, len(self.route.steps)),
            steps=len(self.route.steps),
            asked=names,
            because=because,
            counted=tuple(self.counted),
            not_counted=tuple(self.not_counted),
            findings=self._findings(names, because) if waits else (),
            look_again_at=self._look_again(now) if waits else None,
            reason=self.reason,
        )

    def _findings(self, asked: tuple[str, ...], because: tuple[str, ...]) -> tuple[Finding, ...]:
        if not asked:
            return (_stuck(self.request, "nobody who is here may approve this step", *because[1:]),)
        step = self.route.steps[self.step]
        owner = asked[0] if len(asked) == 1 or not step.roles else step.roles[0]
        facts: dict[str, Any] = {
            "route": self.route.route,
            "step": self.step + 1,
            "asked": list(asked),
            "because": list(because),
        }
        if self.handed:
            facts["handed_to"] = [one.taker for one in self.handed]
        return (_finding(self.request, "approval_wanted", "An approval is wanted", facts, owner),)

    def _look_again(self, now: datetime) -> datetime | None:
        """When somebody is asked beside, when it expires, and when people come or go."""
        moments = [self.expires]
        due = self._next_due(self.route.steps[self.step], self.since)
        while due is not None and due <= now:
            due = self._next_due(self.route.steps[self.step], due)
        changes = self._directory(now).changes_on()
        if changes is not None:
            moments.append(self.calendar.start_of(changes))
        return min((one for one in [*moments, due] if one is not None and one > now), default=None)


def _named(step: Step, request: Request, directory: Directory) -> list[Person]:
    """All whom the step names, whether they may or not."""
    found = [one for role in step.roles for one in directory.in_role(role, request.department, request.facility)]
    found += [one for name in step.persons if (one := directory.here(name))]
    if step.department_head:
        found += [*directory.head_of(request.department)][:1]
    if step.manager and not (step.department_head and found):  # the nearest of the two leads
        found += [*directory.above(request.requester)][:1]
    return found


def _starts(named: Sequence[Person], request: Request, directory: Directory) -> list[str]:
    """From whom managers are looked for: those who are named, else the requester."""
    return [one.person for one in named] or ([request.requester] if request.requester else [])


def _title(step: Step) -> str:
    parts = [*step.roles, *step.persons]
    parts += ["head of the department"] * step.department_head + ["manager of the requester"] * step.manager
    return f"step {step.name or 'of the route'}: {', '.join(parts)}"


def _stuck(request: Request, *why: str) -> Finding:
    return _finding(request, "approval_stuck", "Nobody can approve this", {"because": [*why]}, None)


def _finding(request: Request, kind: str, title: str, facts: dict[str, Any], owner: str | None) -> Finding:
    return Finding(
        kind,
        request.key,
        title,
        money=request.amount,
        supplier=request.supplier,
        facility=request.facility,
        department=request.department,
        category=request.category,
        urgency=request.urgency,
        flip="an approval of one who is asked",
        facts={
            "amount": text_of(request.amount.amount),
            "approval_number": request.number or request.key,
            "subject": request.subject,
            **facts,
        },
        owner=owner,
    )
