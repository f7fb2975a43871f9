"""Where a requisition stands, as a table: the first row whose condition holds is its state."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

import msgspec

from engine.procure.approvals.states import ApprovalState


class RequisitionState(StrEnum):
    CANCELLED = "cancelled"
    ORDERED = "ordered"
    REJECTED = "rejected"
    EXCEPTION = "exception"
    OVER_BUDGET = "over_budget"
    WAITING_FOR_APPROVAL = "waiting_for_approval"
    APPROVED = "approved"


class RequisitionFacts(msgspec.Struct, frozen=True):
    """What the state is told from. `wanted`: lines neither ended nor ordered."""

    lines: int
    wanted: int
    blocked: int
    over_budget: bool
    approval: ApprovalState


class RequisitionRow(NamedTuple):
    state: RequisitionState
    means: str
    holds: Callable[[RequisitionFacts], bool]


_S, _A = RequisitionState, ApprovalState
REQUISITION_STATES: tuple[RequisitionRow, ...] = (
    RequisitionRow(_S.CANCELLED, "every line has ended", lambda f: f.lines == 0),
    RequisitionRow(_S.ORDERED, "every line is part of an order", lambda f: f.wanted == 0),
    RequisitionRow(
        _S.REJECTED,
        "its approval was refused, withdrawn, or came too late",
        lambda f: f.approval in (_A.REJECTED, _A.WITHDRAWN, _A.EXPIRED),
    ),
    RequisitionRow(_S.EXCEPTION, "a line cannot be ordered as it is", lambda f: f.blocked > 0),
    RequisitionRow(_S.OVER_BUDGET, "a hard budget does not allow it", lambda f: f.over_budget),
    RequisitionRow(_S.WAITING_FOR_APPROVAL, "people are asked", lambda f: f.approval is not _A.APPROVED),
    RequisitionRow(_S.APPROVED, "its orders are made", lambda f: True),
)


def requisition_state(facts: RequisitionFacts) -> RequisitionState:
    return next(row.state for row in REQUISITION_STATES if row.holds(facts))
