"""Questions that a case of the policies asks one rule, without a dossier around it: a limit at its edge, a due time.

ask:
  - figure: {rule: price, expected: "100.00", actual: "102.00"}
    expect: {within: true}

Each answer is facts; what the case does not name is not compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from pydantic import AwareDatetime, Field, model_validator

from engine.canonical import KINDS, Document, Invoice, Money
from engine.channel.model import Settings
from engine.channel.policies import Policies
from engine.channel.policy_calendars import MilestoneName
from engine.channel.policy_matching import ToleranceRule
from engine.channel.policy_parts import Aspects, Scope
from engine.channel.policy_records import SystemName
from engine.channel.policy_routing import Urgency
from engine.core.clock import from_micros
from engine.ports.exception_types import EXCEPTION_TYPES
from engine.procure.approvals.people import directory_of
from engine.procure.calendar import fiscal_year_of, posting_day
from engine.procure.deadlines import kept, promised_by
from engine.procure.decision import Finding, World
from engine.procure.matching.duplicate import likeness
from engine.procure.matching.tolerance import judge as judge_figure
from engine.procure.ownership import owner_of
from engine.procure.policies import match_rule_for
from engine.procure.record_rules import Write, judge

Answer = Mapping[str, Any]


def document_of(data: Mapping[str, Any]) -> Document:
    """Raises ValueError: the kind is not known, or its fields do not fit."""
    kind = KINDS.get(str(data.get("kind")))
    if kind is None:
        raise ValueError(f"a document needs kind:, one of {', '.join(sorted(KINDS))}")
    return kind.model_validate({name: value for name, value in data.items() if name not in ("kind", "written_by")})


def aspects_of(scope: Scope) -> Aspects:
    return Aspects(*(getattr(scope, name) for name in Aspects._fields))


class FigureQuestion(Scope):
    """tolerances.yaml: is a figure within its limits?"""

    rule: ToleranceRule
    expected: Decimal
    actual: Decimal

    def answer(self, policies: Policies, now: datetime) -> Answer:
        verdict = judge_figure(self.rule, self.expected, self.actual, policies, aspects_of(self))
        return {"within": verdict.within, **verdict.facts}


class WaysQuestion(Scope):
    """matching.yaml: with what is an invoice's line compared?"""

    line_kind: str | None = None

    def answer(self, policies: Policies, now: datetime) -> Answer:
        rule = match_rule_for(policies, aspects_of(self), self.line_kind)
        return {"ways": rule.ways, "evaluated_receipt": rule.evaluated_receipt}


class AlikeQuestion(Settings):
    """matching.yaml: is an invoice held because of another one of the same supplier?"""

    one: dict[str, Any]
    other: dict[str, Any]

    def answer(self, policies: Policies, now: datetime) -> Answer:
        rules = policies.matching.duplicates
        first, second = (Invoice.model_validate({"lines": [_line(data)], **data}) for data in (self.one, self.other))
        found = likeness(first, second, True, rules.near_days, rules.near_percent)
        return {"held": found.score >= rules.hold_from, "score": found.score, "because": list(found.because)}


def _line(data: Mapping[str, Any]) -> dict[str, Any]:
    """All of an invoice whose lines do not matter."""
    return {"number": 1, "quantity": {"amount": "1"}, "price": data.get("stated_total")}


class ExceptionQuestion(Scope):
    """exceptions.yaml: who decides it, by when, and how does it rank?"""

    type: str
    amount: Decimal | None = None
    currency: str | None = Field(default=None, description="Left out: the base of currencies.yaml.")
    urgency: Urgency | None = None
    due_by: AwareDatetime | None = Field(default=None, description="When a discount lapses.")
    opened: AwareDatetime | None = Field(default=None, description="Left out: now.")

    @model_validator(mode="after")
    def _is_known(self) -> ExceptionQuestion:
        if self.type not in EXCEPTION_TYPES:
            raise ValueError(f"no exception is called '{self.type}'")
        return self

    def answer(self, policies: Policies, now: datetime) -> Answer:
        currency = self.currency or policies.currencies.base
        money = None if self.amount is None else Money(amount=self.amount, currency=currency)
        about = {name: getattr(self, name) for name in ("supplier", "facility", "department", "category", "urgency")}
        found = Finding(self.type, "here", "", money=money, due_by=self.due_by, **about)
        owner = owner_of(found, World(now, {}, {}, policies), self.opened)
        told = {"owner": owner.name, "rank": owner.rank, "escalated": owner.escalated, "why": owner.why}
        return {**told, "due": from_micros(owner.due_micros).isoformat()}


class PromiseQuestion(Scope):
    """milestones.yaml: by when was it promised, and was that kept?"""

    milestone: MilestoneName
    began: AwareDatetime
    ended: AwareDatetime | None = None

    def answer(self, policies: Policies, now: datetime) -> Answer:
        of, began = aspects_of(self), self.began.astimezone(UTC)
        due = promised_by(policies, self.milestone, began, of)
        told: dict[str, Any] = {"due": due.astimezone(UTC).isoformat() if due else None}
        if self.ended is not None:
            told["kept"] = kept(policies, self.milestone, began, self.ended.astimezone(UTC), of)
        return told


class PostingDayQuestion(Settings):
    """calendars.yaml: on which day does the ledger take it?"""

    day: date
    legal_entity: str | None = None

    def answer(self, policies: Policies, now: datetime) -> Answer:
        found = posting_day(self.day, fiscal_year_of(policies, self.legal_entity))
        return {"day": found.day.isoformat(), "period": found.period.name, "moved": found.moved}


class RoleQuestion(Settings):
    """people.yaml: who has a role on a day, or stands in for it?"""

    role: str
    on: date
    department: str | None = None
    facility: str | None = None

    def answer(self, policies: Policies, now: datetime) -> Answer:
        directory = directory_of(policies, self.on)
        people = [one.person for one in directory.in_role(self.role, self.department, self.facility)]
        return {"role": directory.role_now(self.role, self.department, self.facility), "people": sorted(people)}


class WriteQuestion(Settings):
    """records.yaml: what holds after a system wrote a document?"""

    system: SystemName
    document: dict[str, Any]
    before: dict[str, Any] | None = Field(default=None, description="What held; left out: it is new.")

    def answer(self, policies: Policies, now: datetime) -> Answer:
        before = None if self.before is None else document_of({"kind": self.document.get("kind"), **self.before})
        outcome = judge(policies.records, before, Write(self.system, document_of(self.document)))
        by_fate = {fate: [one.field for one in outcome.intrusions if one.otherwise == fate]
                   for fate in ("refuse", "keep", "raise")}  # fmt: skip
        holds = None if outcome.document is None else outcome.document.model_dump(mode="json")
        return {"taken": outcome.document is not None, **by_fate, "holds": holds}


class Question(Settings):
    """One question and its answer. Give one of the questions."""

    figure: FigureQuestion | None = None
    ways: WaysQuestion | None = None
    alike: AlikeQuestion | None = None
    exception: ExceptionQuestion | None = None
    promise: PromiseQuestion | None = None
    posting_day: PostingDayQuestion | None = None
    who: RoleQuestion | None = None
    write: WriteQuestion | None = None
    expect: dict[str, Any] = Field(description="The answer. What is not named is not compared.", min_length=1)

    @model_validator(mode="after")
    def _one(self) -> Question:
        if len(list(self._asked())) != 1:
            raise ValueError(f"give one of {', '.join(QUESTIONS)}")
        return self

    def _asked(self) -> Iterator[tuple[str, Callable[[Policies, datetime], Answer]]]:
        for name in QUESTIONS:
            if (one := getattr(self, name)) is not None:
                yield name, one.answer

    def answered(self, policies: Policies, now: datetime) -> tuple[str, Answer]:
        """Name of the question, and what the policies say."""
        name, answer = next(self._asked())
        return name, answer(policies, now)


QUESTIONS = tuple(name for name in Question.model_fields if name != "expect")
