"""`config/policies/approvals.yaml` and `exceptions.yaml`: who approves, who decides exceptions, and by when."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from engine.canonical.money import Currency
from engine.channel.model import Settings
from engine.channel.policy_parts import Amount, Scope, Within, parse_work_time
from engine.channel.policy_people import PersonId, RoleName

Urgency = Literal["routine", "urgent", "stat"]
ApprovalSubject = Literal["requisition", "order", "invoice", "case", "supplier", "bank_change", "payment"]
Pattern = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_*]{1,80}$")]


class Step(Settings):
    """Whom it needs. Approvers of one step are asked side by side, steps one after the other."""

    name: str = Field(default="", description="For people.", examples=["department"])
    roles: tuple[RoleName, ...] = Field(default=(), description="People in these roles, for the department or all.")
    persons: tuple[PersonId, ...] = Field(default=(), description="These people.")
    department_head: bool = Field(default=False, description="Who leads the department that spends.")
    manager: bool = Field(default=False, description="To whom the requester reports.")
    need: Annotated[int, Field(ge=1, le=9)] = Field(default=1, description="How many of them must approve.")
    checks_limit: bool = Field(default=True, description="Only people who may approve this amount count.")
    escalate_after: Within | None = Field(
        default=None,
        description="Without an answer for so long, the manager is asked, too.",
        examples=["1 business day"],
    )
    escalate_to: RoleName | None = Field(default=None, description="Role that is asked then, beside the managers.")

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if not (self.roles or self.persons or self.department_head or self.manager):
            raise ValueError("nobody is asked: give roles, persons, department_head or manager")
        return self


class Route(Scope):
    """For which requests which steps. No steps: approved as it is."""

    route: str = Field(description="Name, shown to people.", examples=["small supplies"])
    subjects: tuple[ApprovalSubject, ...] = Field(min_length=1, description="For what.", examples=[["requisition"]])
    above: Amount | None = Field(default=None, description="Only amounts above this.", examples=["500"])
    up_to: Amount | None = Field(default=None, description="Only amounts up to this.", examples=["5000"])
    currency: Currency | None = Field(
        default=None, description="Of both amounts; left out: the base of currencies.yaml.", examples=["EUR"]
    )
    urgency: Urgency | None = Field(default=None, description="Only requests so urgent.")
    steps: tuple[Step, ...] = Field(default=(), description="One after the other.")
    expires_after: Within | None = Field(
        default=None, description="Without a decision for so long, it expires.", examples=["30d"]
    )

    @model_validator(mode="after")
    def _a_band(self) -> Self:
        if self.above is not None and self.up_to is not None and self.up_to <= self.above:
            raise ValueError("up_to is not more than above: no amount is between them")
        return self

    @property
    def exactness(self) -> int:
        return (
            4 * super().exactness + 2 * (self.urgency is not None) + (self.above is not None or self.up_to is not None)
        )


class Delegation(Settings):
    """Who acts for whom, and when. Only for these days, never for one's own requests."""

    giver: PersonId = Field(description="Who is away.", examples=["d.lindqvist"])
    taker: PersonId = Field(description="Who acts instead.", examples=["r.okafor"])
    first_day: date = Field(description="From.", examples=["2026-12-21"])
    last_day: date = Field(description="Until, this day included.", examples=["2027-01-02"])
    subjects: tuple[ApprovalSubject, ...] = Field(default=(), description="For what; empty: everything.")
    reason: str = Field(default="", description="Why.", examples=["holiday"])

    @model_validator(mode="after")
    def _two_people_in_time(self) -> Self:
        if self.giver.casefold() == self.taker.casefold():
            raise ValueError("nobody delegates to herself")
        if self.last_day < self.first_day:
            raise ValueError("last_day is before first_day")
        return self


class Approvals(Settings):
    """All of `approvals.yaml`. A request that no route takes is approved by nobody: it is an exception."""

    routes: tuple[Route, ...] = Field(default=(), description="The most specific that applies counts.")
    delegations: tuple[Delegation, ...] = Field(default=(), description="Who acts for whom.")


class ExceptionRule(Scope):
    """Who decides exceptions of these types, and by when."""

    types: tuple[Pattern, ...] = Field(
        default=("*",), min_length=1, description="Types; `*` stands for any letters.", examples=[["price_*"]]
    )
    owner: RoleName | None = Field(default=None, description="Role that decides.", examples=["buyer"])
    person: PersonId | None = Field(default=None, description="Person who decides.")
    above: Amount | None = Field(
        default=None, description="Only with more money at stake, in the base currency.", examples=["10000"]
    )
    urgency: Urgency | None = Field(default=None, description="Only when care is so urgent.")
    due: Within = Field(
        default=parse_work_time("2 business days"), description="By when.", examples=["4 business hours"]
    )
    escalation: tuple[Escalation, ...] = Field(
        default=(), description="Who gets it when it is overdue, one after the other; empty: `escalation:` of the file."
    )

    @model_validator(mode="after")
    def _one_owner(self) -> Self:
        if (self.owner is None) == (self.person is None):
            raise ValueError("give owner (a role) or person, one of them")
        return self

    @property
    def exactness(self) -> int:
        wild = sum(len(one.replace("*", "")) for one in self.types) // len(self.types)
        named = (self.urgency is not None) * 2 + (self.above is not None)
        return super().exactness * 1000 + named * 100 + min(wild, 99)


class Escalation(Settings):
    """Who gets an overdue case, and how long she has."""

    to: RoleName = Field(description="Role.", examples=["controller"])
    within: Within = Field(default=parse_work_time("1 business days"), description="Then it goes on to the next.")


class Ranking(Settings):
    """What makes a case more urgent than another: points that are added."""

    per_100: Annotated[int, Field(ge=0, le=1000)] = Field(default=1, description="For each 100 of money at stake.")
    most_for_money: Annotated[int, Field(ge=0)] = Field(default=10_000, description="Money gives no more than this.")
    discount: Annotated[int, Field(ge=0)] = Field(default=300, description="A discount lapses within three days.")
    stock_out: Annotated[int, Field(ge=0)] = Field(default=2_000, description="Care waits for the goods.")
    urgent: Annotated[int, Field(ge=0)] = Field(default=1_000, description="Urgent.")
    stat: Annotated[int, Field(ge=0)] = Field(default=5_000, description="Needed at once.")
    duplicate: Annotated[int, Field(ge=0)] = Field(default=500, description="Money may go out twice.")
    overdue: Annotated[int, Field(ge=0)] = Field(default=400, description="For each time it escalated.")


class Exceptions(Settings):
    """All of `exceptions.yaml`."""

    rules: tuple[ExceptionRule, ...] = Field(default=(), description="The most specific that applies counts.")
    usual: RoleName = Field(default="accounts-payable", description="Who decides what no rule takes.")
    usual_due: Within = Field(default=parse_work_time("2 business days"), description="By when.")
    escalation: tuple[Escalation, ...] = Field(default=(), description="Who gets what is overdue, one after the other.")
    four_eyes_above: Amount | None = Field(
        default=None,
        description="With more money at stake, in the base currency, a second person confirms a decision.",
        examples=["1000"],
    )
    ranking: Ranking = Field(default=Ranking(), description="What comes first.")


ExceptionRule.model_rebuild()
