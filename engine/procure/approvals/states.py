"""The states of a request for approval as a table: the decider, its tests and the diagram of the docs come from it."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class ApprovalState(StrEnum):
    REQUESTED = "requested"
    WAITING = "waiting"
    STUCK = "stuck"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class ApprovalEvent(StrEnum):
    ROUTED = "people are asked"
    NOTHING_TO_ASK = "its route has no steps"
    NOBODY = "nobody may approve it"
    APPROVED_STEP = "a step is approved"
    APPROVED_LAST = "the last step is approved"
    REJECTED = "somebody who is asked rejects it"
    WITHDRAWN = "its requester withdraws it"
    EXPIRED = "its time is over"


class ApprovalTransition(NamedTuple):
    before: ApprovalState
    event: ApprovalEvent
    after: ApprovalState

    @property
    def cause(self) -> str:
        return self.event.value


_S, _E = ApprovalState, ApprovalEvent
APPROVAL_TRANSITIONS: tuple[ApprovalTransition, ...] = (
    ApprovalTransition(_S.REQUESTED, _E.ROUTED, _S.WAITING),
    ApprovalTransition(_S.REQUESTED, _E.NOTHING_TO_ASK, _S.APPROVED),
    ApprovalTransition(_S.REQUESTED, _E.NOBODY, _S.STUCK),
    ApprovalTransition(_S.WAITING, _E.APPROVED_STEP, _S.REQUESTED),
    ApprovalTransition(_S.WAITING, _E.APPROVED_LAST, _S.APPROVED),
    ApprovalTransition(_S.WAITING, _E.NOBODY, _S.STUCK),
    ApprovalTransition(_S.WAITING, _E.REJECTED, _S.REJECTED),
    ApprovalTransition(_S.WAITING, _E.WITHDRAWN, _S.WITHDRAWN),
    ApprovalTransition(_S.WAITING, _E.EXPIRED, _S.EXPIRED),
    ApprovalTransition(_S.STUCK, _E.ROUTED, _S.WAITING),
    ApprovalTransition(_S.STUCK, _E.WITHDRAWN, _S.WITHDRAWN),
    ApprovalTransition(_S.STUCK, _E.EXPIRED, _S.EXPIRED),
)
_NEXT = {(one.before, one.event): one.after for one in APPROVAL_TRANSITIONS}
FINAL = frozenset({_S.APPROVED, _S.REJECTED, _S.WITHDRAWN, _S.EXPIRED})


def next_state(state: ApprovalState, event: ApprovalEvent) -> ApprovalState:
    """Raises KeyError: nothing like that happens in this state."""
    return _NEXT[state, event]
