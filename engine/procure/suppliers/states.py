"""The states of a supplier as a table: the decider, its tests and the diagram of the docs come from it."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class SupplierState(StrEnum):
    NEW = "new"
    FAULTY = "faulty"
    SCREENING = "screening"
    SANCTIONED = "sanctioned"
    WAITING = "waiting"
    REJECTED = "rejected"
    APPROVED = "approved"
    HELD = "held"
    INACTIVE = "inactive"
    MERGED = "merged"


class SupplierEvent(StrEnum):
    FAULTS = "something is missing or wrong"
    VALID = "its data is complete and right"
    ALIKE_IN_LIST = "a list of sanctions has its name"
    CLEAR = "no list has its name"
    APPROVED = "another person approved it"
    TAKEN_OVER = "its system of record has it as approved"
    REJECTED = "it was rejected"
    HELD = "it is held"
    DEACTIVATED = "it is no longer used"
    MERGED = "its number ended in another one"


class SupplierTransition(NamedTuple):
    before: SupplierState
    event: SupplierEvent
    after: SupplierState


_S, _E = SupplierState, SupplierEvent
SUPPLIER_TRANSITIONS: tuple[SupplierTransition, ...] = (
    SupplierTransition(_S.NEW, _E.FAULTS, _S.FAULTY),
    SupplierTransition(_S.NEW, _E.VALID, _S.SCREENING),
    SupplierTransition(_S.NEW, _E.TAKEN_OVER, _S.APPROVED),
    SupplierTransition(_S.SCREENING, _E.ALIKE_IN_LIST, _S.SANCTIONED),
    SupplierTransition(_S.SCREENING, _E.CLEAR, _S.WAITING),
    SupplierTransition(_S.WAITING, _E.APPROVED, _S.APPROVED),
    SupplierTransition(_S.WAITING, _E.REJECTED, _S.REJECTED),
    SupplierTransition(_S.APPROVED, _E.ALIKE_IN_LIST, _S.SANCTIONED),
    SupplierTransition(_S.APPROVED, _E.FAULTS, _S.FAULTY),
    SupplierTransition(_S.APPROVED, _E.HELD, _S.HELD),
    *(SupplierTransition(state, _E.DEACTIVATED, _S.INACTIVE) for state in _S if state not in (_S.INACTIVE, _S.MERGED)),
    *(SupplierTransition(state, _E.MERGED, _S.MERGED) for state in _S if state is not _S.MERGED),
)
_NEXT = {(one.before, one.event): one.after for one in SUPPLIER_TRANSITIONS}
USED = frozenset({_S.APPROVED})
"""Only from these is ordered, and only these are paid."""


def follow(events: tuple[SupplierEvent, ...]) -> SupplierState:
    """Where the events lead; one that cannot happen in a state changes nothing."""
    state = SupplierState.NEW
    for event in events:
        state = _NEXT.get((state, event), state)
    return state
