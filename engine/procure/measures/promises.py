"""Promised times: which spans of the process kept those of config/policies/milestones.yaml, in business time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import NamedTuple

from engine.channel.policies import Policies
from engine.channel.policy_calendars import Milestone as Promise
from engine.channel.policy_calendars import MilestoneName
from engine.channel.policy_parts import Aspects
from engine.core.clock import from_micros, to_micros
from engine.ports.measures import Breach, MeasureAsk, MeasureStore, PromiseRow, Promises
from engine.procure.calendar import calendar_of
from engine.procure.deadlines import milestone_for

_COLUMNS = "{0}.dossier, {0}.key, {0}.facility, {0}.supplier, {0}.category, {0}.department"
_FIRST = "(SELECT MIN(+y.at) FROM p2p_milestones y WHERE y.key = x.key AND y.what = '{0}')"
_COMMAND = (
    "(SELECT MIN(+y.at) FROM p2p_milestones y WHERE y.key = x.key AND y.what = 'command_given' AND y.type = '{0}')"
)
_DECIDED = (
    "(SELECT MIN(+y.at) FROM p2p_milestones y WHERE y.key = x.key AND y.what = 'person_acted' AND +y.at >= x.began)"
)


def _span(begins: str, ends: str, at: str = "x.at", also: str = "") -> str:
    more = f" AND {also}" if also else ""
    return f"""SELECT * FROM (
SELECT {_COLUMNS.format("x")}, {at} AS began, {ends} AS ended
FROM p2p_milestones x WHERE x.what = '{begins}'{more} AND {at} < :until
) AS spans WHERE ended IS NULL OR ended >= :since"""


SPANS: Mapping[MilestoneName, tuple[str, str]] = {
    "charge_to_erp": (
        "Use documented to cost given to the ledger",
        _span("usage_documented", _FIRST.format("cost_posted")),
    ),
    "inventory_to_requisition": (
        "Stock low to requisition",
        _span("command_given", _FIRST.format("requisition_raised"), also="x.type = 'raise_requisition'"),
    ),
    "requisition_to_order": (
        "Requisition to order",
        _span("requisition_raised", _FIRST.format("requisition_ordered")),
    ),
    "order_to_acknowledgement": (
        "Order to the supplier's answer",
        _span("order_created", _FIRST.format("order_acknowledged")),
    ),
    "invoice_cycle": (
        "Invoice received to given to be paid",
        _span("invoice_received", _COMMAND.format("post_invoice")),
    ),
    "exception_first_response": (
        "Exception opened to first decision",
        _span("exception", f"COALESCE({_DECIDED}, x.ended)", "x.began"),
    ),
    "exception_decided": ("Exception opened to ended", _span("exception", "x.ended", "x.began")),
    "approval_decided": (
        "Approval wanted to decided",
        _span("exception", "x.ended", "x.began", "x.type = 'approval_wanted'"),
    ),
    "payment_confirmed": ("Payment released to settled", _span("payment_released", _FIRST.format("payment_settled"))),
}
"""Title and SQL of each; a span without an end is still going on."""


class Span(NamedTuple):
    dossier: str
    key: str
    facility: str | None
    supplier: str | None
    category: str | None
    department: str | None
    began: int
    ended: int | None


Counts = defaultdict[tuple[MilestoneName, str, str, int], list[int]]
_KEPT, _LATE, _OVERDUE, _RUNNING = range(4)


async def promises_of(store: MeasureStore, policies: Policies, ask: MeasureAsk, now: datetime) -> Promises:
    """Open spans are judged as of the end of the period, or of now when that is still to come."""
    counts: Counts = defaultdict(lambda: [0, 0, 0, 0])
    breaches: list[Breach] = []
    given = {"since": to_micros(ask.since), "until": to_micros(ask.until)}
    as_of = min(ask.until, now)
    for name, (_, text) in SPANS.items():
        for span in (Span(*row) for row in await store.measured(text, given)):
            if ask.facilities is None or span.facility in ask.facilities:
                breaches += _judged(name, span, policies, as_of, counts)
    breaches.sort(key=lambda one: (one.due_at, one.key))
    breaches = [one for one in breaches if one.ended_at is None] + [one for one in breaches[::-1] if one.ended_at]
    return Promises([_row(key, found) for key, found in sorted(counts.items())], breaches[: ask.limit])


def _judged(name: MilestoneName, span: Span, policies: Policies, as_of: datetime, counts: Counts) -> Iterator[Breach]:
    promise = milestone_for(policies, name, Aspects(span.supplier, span.category, span.department, span.facility))
    if promise is None:
        return
    began = from_micros(span.began)
    due = calendar_of(policies, span.facility).after(began, promise.within)
    ended = from_micros(span.ended) if span.ended is not None and from_micros(span.ended) < as_of else None
    where = (_KEPT if ended <= due else _LATE) if ended else _OVERDUE if due < as_of else _RUNNING
    counts[name, promise.owner, str(promise.within), promise.share][where] += 1
    if where in (_LATE, _OVERDUE):
        yield _breach(name, promise, span, due, ended)


def _breach(name: str, promise: Promise, span: Span, due: datetime, ended: datetime | None) -> Breach:
    return Breach(
        name, promise.owner, span.dossier, span.key, from_micros(span.began), due, ended, span.supplier, span.facility
    )


def _row(key: tuple[MilestoneName, str, str, int], found: list[int]) -> PromiseRow:
    name, owner, within, share = key
    judged = found[_KEPT] + found[_LATE] + found[_OVERDUE]
    percent = (Decimal(100 * found[_KEPT]) / judged).quantize(Decimal("0.01"), ROUND_HALF_EVEN) if judged else None
    is_kept = judged == 0 or 100 * found[_KEPT] >= share * judged
    kept, late, overdue, running = found
    shown = None if percent is None else str(percent)
    return PromiseRow(name, SPANS[name][0], owner, within, share, kept, late, overdue, running, shown, is_kept)
