"""Compares two sides, asking for little where they are equal, and hands the process what it found."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from engine.canonical import Drift, ReconciliationReport
from engine.ports.ledger_view import LedgerEntry, LedgerRange, LedgerView, Totals
from engine.procure.reconciliation.reconcile import drifts_of, narrower, range_of, suppliers_to_look_at, totals_of

_MOST = 1000  # drifts of one report: more is one cause for a person, not a thousand cases


class EntriesView:
    """`LedgerView` over entries in memory: our own side."""

    def __init__(self, system: str, entries: Sequence[LedgerEntry]) -> None:
        self._system, self._entries = system, entries

    @property
    def system(self) -> str:
        return self._system

    async def totals(self, kind: str, period: str) -> Sequence[Totals]:
        return totals_of(self._entries)

    async def ranges(self, kind: str, period: str, supplier: str, prefixes: Sequence[str]) -> Sequence[LedgerRange]:
        mine = [one for one in self._entries if one.supplier == supplier]
        return [range_of(mine, prefix) for prefix in prefixes]

    async def entries(self, kind: str, period: str, supplier: str, prefix: str) -> Sequence[LedgerEntry]:
        mine = (one for one in self._entries if one.supplier == supplier)
        return [one for one in mine if range_of((one,), prefix).count]


async def compare(here: LedgerView, there: LedgerView, kind: str, period: str, at: datetime) -> ReconciliationReport:
    """States alone do not change counts and sums: where these are equal, one range over all of a supplier tells.

    Raises:
        TransportError: a side cannot be asked now.
    """
    mine, theirs = await here.totals(kind, period), await there.totals(kind, period)
    differing = set(suppliers_to_look_at(mine, theirs))
    drifts: list[Drift] = []
    for supplier in sorted({one.supplier for one in (*mine, *theirs)}):
        start = list("0123456789abcdef") if supplier in differing else [""]
        drifts += await _of_supplier(here, there, kind, period, supplier, start)
    return ReconciliationReport(
        system=there.system,
        subject_kind=kind,
        period=period,
        compared_at=at,
        count_here=sum(one.count for one in mine),
        count_there=sum(one.count for one in theirs),
        drifts=tuple(drifts[:_MOST]),
        left_out=len(drifts[_MOST:]),
    )


async def _of_supplier(
    here: LedgerView, there: LedgerView, kind: str, period: str, supplier: str, prefixes: list[str]
) -> list[Drift]:
    found: list[Drift] = []
    while prefixes:
        mine = await here.ranges(kind, period, supplier, prefixes)
        theirs = await there.ranges(kind, period, supplier, prefixes)
        prefixes, one_by_one = narrower(mine, theirs)
        for prefix in one_by_one:
            ours = await here.entries(kind, period, supplier, prefix)
            found += drifts_of(kind, ours, await there.entries(kind, period, supplier, prefix))
    return found
