"""A partner's 997, 999 or TA1 settles in the ledger what we sent, before anything else is made of the message."""

from __future__ import annotations

import asyncio

from engine.core.errors import MessageError
from engine.ports.ledger import ControlNumberLedger, OutboundNumber
from engine.ports.script import WorkItem
from engine.protocols.x12 import EnvelopePolicy, acknowledgements_in

ANSWERS = frozenset(("997", "999", "TA1"))


async def settle(ledger: ControlNumberLedger, partner: str, item: WorkItem) -> list[OutboundNumber]:
    """Note each answer under our control number; told again after a crash it changes nothing. What was rejected."""
    if item.message_type is not None and item.message_type not in ANSWERS:  # None: of several kinds
        return []
    policy = EnvelopePolicy(item.attributes.get("envelope", EnvelopePolicy.STRICT.value))
    try:
        told = await asyncio.to_thread(acknowledgements_in, item.body, policy)
    except MessageError:
        return []  # an edited body that is no X12: the worker says so
    rejected: list[OutboundNumber] = []
    for one in told:
        # Where a 997 must follow, a TA1 that takes the envelope says nothing of the group in it.
        settles = one.kind != "TA1" or one.outcome == "rejected" or item.attributes.get("answers_with") == "interchange"
        if one.number is not None and settles:
            noted = await ledger.acknowledge(partner, one.number, one.outcome, one.note)
            if noted is not None and one.outcome == "rejected":
                rejected.append(noted)
    return rejected
