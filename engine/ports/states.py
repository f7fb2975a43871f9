"""The states of a message and of a delivery, in one table each: code, checks and diagram all come from here."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple


class MessageState(IntEnum):
    """Stored as a small integer; shown by name."""

    RECEIVED = 1  # committed and acknowledged, not yet transformed
    REFUSED = 2  # the sender was told no; kept with the reason
    FILTERED = 3  # the channel does not want it; kept with the reason
    TRANSFORMED = 4  # documents written, no destination wanted one
    QUEUED = 5  # deliveries outstanding
    DELIVERED = 6  # every delivery arrived
    HELD = 7  # waits for a person, with the reason
    SUPERSEDED = 8  # a person edited it; the successor goes on
    DISCARDED = 9  # a person decided that it goes nowhere


class DeliveryState(IntEnum):
    QUEUED = 1  # due now or later
    SENDING = 2  # an attempt began: after a crash its outcome is unknown
    DELIVERED = 3
    HELD = 4
    CANCELLED = 5  # its message was superseded or discarded


class Transition(NamedTuple):
    before: IntEnum
    after: IntEnum
    cause: str


M, D = MessageState, DeliveryState

MESSAGE_TRANSITIONS: tuple[Transition, ...] = (
    Transition(M.RECEIVED, M.FILTERED, "accept filter or transform says why it is not wanted"),
    Transition(M.RECEIVED, M.REFUSED, "the body cannot be parsed"),
    Transition(M.RECEIVED, M.TRANSFORMED, "transform done, nothing to deliver"),
    Transition(M.RECEIVED, M.QUEUED, "transform done, deliveries written"),
    Transition(M.RECEIVED, M.HELD, "the script failed, looped, leaked or died; a lookup is missing"),
    Transition(M.QUEUED, M.DELIVERED, "the last delivery arrived"),
    Transition(M.QUEUED, M.HELD, "a delivery was refused, gave up, or has an unknown outcome"),
    Transition(M.HELD, M.QUEUED, "a person resent the held delivery"),
    Transition(M.HELD, M.DELIVERED, "a person confirmed that the far side has it"),
    Transition(M.HELD, M.RECEIVED, "a person resent the message through its transform"),
    Transition(M.HELD, M.SUPERSEDED, "a person edited it; the successor goes on"),
    Transition(M.HELD, M.DISCARDED, "a person discarded it, with a reason"),
)

DELIVERY_TRANSITIONS: tuple[Transition, ...] = (
    Transition(D.QUEUED, D.SENDING, "an attempt begins (destinations that are not idempotent)"),
    Transition(D.QUEUED, D.DELIVERED, "accepted by an idempotent destination"),
    Transition(D.QUEUED, D.QUEUED, "not reachable: retry later"),
    Transition(D.QUEUED, D.HELD, "refused, or gave up"),
    Transition(D.QUEUED, D.CANCELLED, "its message was superseded or discarded"),
    Transition(D.SENDING, D.DELIVERED, "accepted, or inquiry found it there"),
    Transition(D.SENDING, D.QUEUED, "certainly not arrived: retry later"),
    Transition(D.SENDING, D.HELD, "refused, or the outcome is unknown and cannot be asked"),
    Transition(D.HELD, D.QUEUED, "a person resent it"),
    Transition(D.HELD, D.DELIVERED, "a person confirmed that the far side has it"),
    Transition(D.HELD, D.CANCELLED, "its message was superseded or discarded"),
)

FINAL_MESSAGE_STATES = frozenset({M.REFUSED, M.FILTERED, M.TRANSFORMED, M.DELIVERED, M.SUPERSEDED, M.DISCARDED})
"""Retention may drop these. HELD waits for a person and QUEUED for a destination: both stay."""


def may_become(before: IntEnum, after: IntEnum) -> bool:
    table = MESSAGE_TRANSITIONS if isinstance(before, MessageState) else DELIVERY_TRANSITIONS
    return any(t.before == before and t.after == after for t in table)
