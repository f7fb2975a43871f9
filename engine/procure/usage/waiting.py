"""Whether a source can still explain what is missing: it waits, or it is missing for good.

A source that tells how far it is (a watermark) is waited for until it has passed the moment in question; one that never
tells, for as long as the policies say.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from engine.channel.policy_usage import Usage
from engine.procure.decision import World
from engine.procure.policies import policies_of

_LOOK = timedelta(minutes=1)


class Wait(msgspec.Struct, frozen=True):
    """`until` None: nothing is waited for any more."""

    source: str
    until: datetime | None = None

    @property
    def is_over(self) -> bool:
        return self.until is None


def rules_of(world: World) -> Usage:
    return policies_of(world).usage


def wait_for(world: World, source: str, since: datetime, window: timedelta = timedelta(0)) -> Wait:
    """
    Args:
        source: by the name of its watermark: orders, receipts, invoices, charges, usage, shipments.
        since: when the thing was that the source would tell of, within `window`.
    """
    told = world.watermarks.get(source)
    if told is not None:
        return Wait(source, None if told >= since + window else world.now + _LOOK)
    until = since + max(window, timedelta(hours=rules_of(world).patience_hours))
    return Wait(source, None if world.now >= until else until)


def first_look(*waits: Wait) -> datetime | None:
    return min((one.until for one in waits if one.until is not None), default=None)
