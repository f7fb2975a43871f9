"""What people ask about measures (`engine.ports.measures.MeasureOperations`) over the store of the process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from engine.channel.policies import Policies
from engine.core.clock import Clock
from engine.ports.audit import Audit
from engine.ports.measures import Behind, Difference, MeasureAsk, MeasureRow, MeasureStore, Promises
from engine.ports.procure import Records
from engine.procure.measures.catalog import MEASURES, measure
from engine.procure.measures.check import differences, remake
from engine.procure.measures.compute import behind, compute, parts
from engine.procure.measures.measure import Measure
from engine.procure.measures.promises import promises_of


class MeasureDesk:
    """
    Args:
        audit: where it is written down that somebody made the rows anew; None: nowhere.
    """

    def __init__(
        self, store: MeasureStore, records: Records, clock: Clock, policies: Callable[[], Any],
        audit: Audit | None = None,
    ) -> None:  # fmt: skip
        self._store, self._records, self._clock, self._policies = store, records, clock, policies
        self._audit = audit

    async def figures(self, ask: MeasureAsk) -> list[MeasureRow]:
        now = self._clock.now()
        return [
            row
            for one in _asked(ask)
            for row in await compute(self._store, one, ask.period, now, ask.by, _facilities(ask))
        ]

    async def trend(self, ask: MeasureAsk) -> list[list[MeasureRow]]:
        now, found = self._clock.now(), []
        for part in parts(ask.period, ask.parts):
            rows = [await compute(self._store, one, part, now, None, _facilities(ask)) for one in _asked(ask)]
            found.append([row for each in rows for row in each])
        return found

    async def behind(self, ask: MeasureAsk) -> list[Behind]:
        one, now = _asked(ask)[0], self._clock.now()
        return await behind(
            self._store, one, ask.period, now, ask.by, ask.of, ask.limit, _facilities(ask)
        )  # fmt: skip

    async def promises(self, ask: MeasureAsk) -> Promises:
        policies = self._policies()
        rules = policies if isinstance(policies, Policies) else Policies()
        return await promises_of(self._store, rules, ask, self._clock.now())

    async def check(self, ask: MeasureAsk) -> list[Difference]:
        return await differences(self._store, self._records, ask.period, self._clock.now())

    async def remake(self, who: str) -> int:
        if self._audit is not None:
            await self._audit.record(who, "measures.remake", "measures")
        return await remake(self._store, self._records)


def _asked(ask: MeasureAsk) -> list[Measure]:
    return [measure(name) for name in ask.names] or [
        one for one in MEASURES.values() if (ask.by is None or ask.by in one.slices) and _visible(one, ask)
    ]


def _facilities(ask: MeasureAsk) -> Sequence[str]:
    """Empty: everything. Who answers for none of them is shown nothing."""
    return () if ask.facilities is None else ask.facilities or ("",)


def _visible(one: Measure, ask: MeasureAsk) -> bool:
    """Who answers for some facilities is told only what can be told by facility."""
    return ask.facilities is None or "facility" in one.slices
