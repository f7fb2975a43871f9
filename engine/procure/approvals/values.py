"""What an approval is decided from and what comes of it: values only."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

import msgspec

from engine.canonical import Money
from engine.channel.policy_parts import Aspects
from engine.channel.policy_routing import ApprovalSubject
from engine.procure.approvals.states import ApprovalState
from engine.procure.decision import Finding


class Request(msgspec.Struct, frozen=True):
    """What is to be approved.

    Args:
        key: of the dossier's matter: `Requisition/R-1`.
        creators: everybody who asked for, made or changed it: none of them approves it.
        requester: whose manager is asked; one of the creators.
        changed_at: when it was asked for otherwise than before; approvals from before that do not count.
    """

    key: str
    subject: ApprovalSubject
    amount: Money
    requested_at: datetime
    creators: frozenset[str]
    requester: str | None = None
    supplier: str | None = None
    category: str | None = None
    department: str | None = None
    facility: str | None = None
    legal_entity: str | None = None
    urgency: str | None = None
    changed_at: datetime | None = None
    number: str = ""  # what answers name; empty: the key

    @property
    def aspects(self) -> Aspects:
        return Aspects(self.supplier, self.category, self.department, self.facility, self.legal_entity)


class Act(msgspec.Struct, frozen=True):
    """What a person did. `key` is the action's own; of the same moment it decides the order.

    `hand_to`, `hand_until`: of `delegate`, who answers this request instead, and until when.
    """

    at: datetime
    key: str
    who: str
    what: Literal["approve", "reject", "withdraw", "delegate"]
    on_behalf_of: str | None = None
    reason: str | None = None
    hand_to: str | None = None
    hand_until: date | None = None

    @property
    def order(self) -> tuple[datetime, str, str, str, str]:
        return self.at, self.key, self.who, self.what, self.on_behalf_of or ""


class Counted(msgspec.Struct, frozen=True):
    """An approval that counts: in which step, by whom, for whom."""

    step: int
    who: str
    on_behalf_of: str | None
    at: datetime


class NotCounted(msgspec.Struct, frozen=True):
    """An act that does not count, and why."""

    who: str
    what: str
    at: datetime
    why: str


class Standing(msgspec.Struct, frozen=True):
    """Where a request stands. `step` counts from 1; `asked` are those whose answer is wanted now, `because` says why
    they are the ones."""

    state: ApprovalState
    route: str = ""
    step: int = 0
    steps: int = 0
    asked: tuple[str, ...] = ()
    because: tuple[str, ...] = ()
    counted: tuple[Counted, ...] = ()
    not_counted: tuple[NotCounted, ...] = ()
    findings: tuple[Finding, ...] = ()
    look_again_at: datetime | None = None
    reason: str | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """For a decision's `state`."""
        return {
            "state": self.state.value,
            "route": self.route,
            "step": self.step,
            "steps": self.steps,
            "asked": list(self.asked),
            "because": list(self.because),
            "counted": [_fact(one) for one in self.counted],
            "not_counted": [_fact(one) for one in self.not_counted],
            **({"reason": self.reason} if self.reason else {}),
        }


def _fact(one: Counted | NotCounted) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(one)
    return found
