"""Waiting is not unmatched: what is missing may still be told of by a source that lags behind."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from engine.procure.decision import World
from engine.procure.policies import policies_of

_SOONEST = timedelta(seconds=5)  # as often as feeds are looked at


class Waiting(msgspec.Struct, frozen=True):
    """`until`: when the source should have passed the moment in question; `look_at`: when it is worth another look."""

    source: str
    until: datetime
    look_at: datetime

    @property
    def state(self) -> dict[str, str]:
        until = self.until.isoformat(timespec="seconds")
        return {"state": "waiting", "for": self.source, "until": until, "because": self.source}


def waiting_for(world: World, source: str, since: datetime) -> Waiting | None:
    """None: no source could still explain it.

    Args:
        source: by the name of its watermark: orders, receipts, inspections, invoices.
        since: the moment up to which the source must have told everything.
    """
    told = world.watermarks.get(source)
    if told is None:
        until = since + timedelta(days=policies_of(world).matching.unmatched_after_days)
        # It may begin to tell meanwhile, as after a start; the longer it did not, the less that is looked at.
        look_at = min(until, world.now + max(_SOONEST, (world.now - since) / 2))
        return Waiting(source, until, look_at) if world.now < until else None
    if told >= since:
        return None
    # Its lag stays about what it is: so much later it will have passed the moment.
    until = world.now + max(_SOONEST, since - told)
    return Waiting(source, until, until)
