"""A set on its way: written by us into bytes, and read strictly by the far side."""

from __future__ import annotations

from datetime import datetime

from engine.protocols.x12 import OutboundGroup, OutboundSet, TransactionSet, judge, read, write_interchange
from tests.support import x12_samples as samples

VERSIONS = ("004010", "005010")


def sent_and_received(one: OutboundSet, functional_id: str, version: str) -> TransactionSet:
    """The one set of the interchange; any finding is a failure."""
    group = OutboundGroup(functional_id, version, 12, (one,))
    outcome = judge(read(sent(one, functional_id, version, group)).interchanges[0])
    assert outcome.all_findings == ()
    ((_, received),) = outcome.accepted_sets()
    return received


def sent(one: OutboundSet, functional_id: str, version: str, group: OutboundGroup | None = None) -> bytes:
    group = group or OutboundGroup(functional_id, version, 12, (one,))
    return write_interchange(samples.partner(version), 12, datetime(2026, 11, 20, 8, 15), [group])
