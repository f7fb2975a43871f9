"""Interchanges that a partner should have acknowledged by now: told once each, and shown until they are answered.

What was told stands in the ledger, so that a restart or another node tells nothing twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from engine.core.clock import Clock
from engine.core.durations import format_duration
from engine.core.ids import parse_id
from engine.flow.meter import Emit
from engine.ports.ledger import ControlNumberLedger, OutboundNumber

log = logging.getLogger("isthmus.overdue")

LOOK_SECONDS, LEAST_SECONDS = 15.0, 0.05


class AcknowledgementWatch:
    """Runs until cancelled. `notices` are sentences for people, one for each partner, as of the last look.

    Args:
        deadlines: how long each partner may take, read at each look; a partner that is not among them is never
            overdue.
    """

    def __init__(
        self, ledger: ControlNumberLedger, deadlines: Mapping[str, timedelta], clock: Clock, emit: Emit
    ) -> None:
        self._ledger, self._deadlines, self._clock, self._emit = ledger, deadlines, clock, emit
        self.notices: tuple[str, ...] = ()

    async def run(self) -> None:
        while True:
            pause = self._pause()
            try:
                await self.look(self._clock.now())
            except Exception as error:  # a store that is away is asked again at the next look
                log.error("overdue acknowledgements were not looked at: %s", type(error).__name__)
            await asyncio.sleep(pause)

    def _pause(self) -> float:
        """Seconds until the next look, by the shortest deadline there is now."""
        if not self._deadlines:
            return LOOK_SECONDS
        return min(LOOK_SECONDS, max(LEAST_SECONDS, min(self._deadlines.values()).total_seconds() / 10))

    async def look(self, now: datetime) -> None:
        if not self._deadlines:
            self.notices = ()
            return
        waiting = await self._ledger.unacknowledged(now - min(self._deadlines.values()))
        overdue = [one for one in waiting if self._is_overdue(one, now)]
        for one in overdue:
            if one.state == "waiting":
                await self._tell(one)
        self.notices = tuple(_notices(overdue))

    def _is_overdue(self, one: OutboundNumber, now: datetime) -> bool:
        within = self._deadlines.get(one.partner)
        return within is not None and one.made_at + within < now

    async def _tell(self, one: OutboundNumber) -> None:
        within = format_duration(self._deadlines[one.partner])
        note = f"not acknowledged within {within}"
        if await self._ledger.remark_overdue(one.partner, one.number, note):
            facts = {"number": one.number, "transaction_set": one.transaction_set, "within": within}
            self._emit("acknowledgement_overdue", one.partner, {**facts, "message_id": _message_id(one)})


def _message_id(one: OutboundNumber) -> int:
    try:
        return parse_id(one.message)
    except ValueError:  # a number that no message of the journal asked for
        return 0


def _notices(overdue: Iterable[OutboundNumber]) -> Iterator[str]:
    by_partner: dict[str, list[OutboundNumber]] = defaultdict(list)
    for one in overdue:
        by_partner[one.partner].append(one)
    for partner, late in sorted(by_partner.items()):
        first = late[0]
        count = "1 interchange is" if len(late) == 1 else f"{len(late)} interchanges are"
        sent = f"{first.made_at:%Y-%m-%d %H:%M} UTC"
        yield (
            f"{partner}: {count} not acknowledged in time; the oldest is {first.transaction_set} {first.number:09d}"
            f" of {sent}, message {first.message}"
        )
