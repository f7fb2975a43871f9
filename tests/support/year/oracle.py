"""What the figures must come to: counted by hand while the year is made up, from nothing that the product says.

Times are microseconds, money millionths; a figure is divided once, as a fraction, and rounded half to even.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

MICRO = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TRADE = ("facility", "supplier", "category", "stage")
_PER = {"seconds": 10**6, "minutes": 60 * 10**6, "hours": 3600 * 10**6, "days": 86_400 * 10**6}
_TIMES = {"percent": 100, "per 100": 100, "per 1000": 1000}


class Spec(NamedTuple):
    unit: str
    slices: tuple[str, ...] = _TRADE
    per: int = 1  # what a numerator is divided by for one of the unit


SPECS: Mapping[str, Spec] = {
    "invoice_cycle_time": Spec("hours", per=_PER["hours"]),
    "invoice_exception_rate": Spec("percent"),
    "match_success_rate": Spec("percent"),
    "manual_touch_rate": Spec("percent"),
    "exception_resolution_time": Spec("hours", per=_PER["hours"]),
    "exception_aging": Spec("days", per=_PER["days"]),
    "exception_value": Spec("money"),
    "duplicates_held": Spec("money"),
    "reconciliation_effort": Spec("per 100", ("facility", "supplier", "category")),
    "requisition_to_order": Spec("hours", per=_PER["hours"]),
    "supplier_response_time": Spec("hours", per=_PER["hours"]),
    "supplier_on_time": Spec("percent"),
    "order_to_receipt": Spec("days"),
    "order_to_payment": Spec("days"),
    "procurement_cycle_time": Spec("days"),
    "contract_compliance": Spec("percent"),
    "expected_spend": Spec("money", ("facility", "supplier", "department")),
    "commitment": Spec("money"),
    "duplicate_payments": Spec("count"),
    "payment_accuracy": Spec("percent", ("supplier",)),
    "payment_status_accuracy": Spec("percent", ("supplier",)),
    "days_to_pay": Spec("days"),
    "discounts_taken": Spec("percent"),
    "supplier_onboarding_time": Spec("days", ("supplier", "category"), _PER["days"]),
    "duplicate_suppliers": Spec("percent", ("supplier",)),
    "supplier_sync_quality": Spec("percent", ("supplier",)),
    "inventory_accuracy": Spec("percent", ("facility",)),
    "stock_outs": Spec("count", ("facility",)),
    "charge_capture_time": Spec("hours", ("facility", "department"), _PER["hours"]),
    "usage_posting_time": Spec("hours", ("facility", "department"), _PER["hours"]),
    "supply_utilisation": Spec("percent", ("facility", "department")),
    "supply_margin": Spec("percent", ("facility", "department")),
    "cost_allocation": Spec("money", ("department", "facility")),
    "failed_transactions": Spec("percent", ("stage",)),
    "delivery_latency": Spec("seconds", ("stage",), _PER["seconds"]),
    "posting_latency": Spec("minutes", per=_PER["minutes"]),
    "sync_lag": Spec("minutes", ("stage",), _PER["minutes"]),
    "ledger_agreement": Spec("percent", ("stage",)),
    "audit_traceability": Spec("percent", ("stage",)),
    "support_effort": Spec("per 1000", ()),
}

Where = Mapping[str, str | None]
Sums = dict[tuple[str, str | None], tuple[int, int]]
Row = tuple[str, str | None, str | None, str, str]  # slice, currency, value, numerator, denominator


class Happened(NamedTuple):
    """Something that counts in the period of its moment."""

    measure: str
    at: datetime
    above: int
    below: int
    where: Where
    currency: str | None = None


@dataclass
class Trouble:
    """An exception from `began` until `ended`; None: it is still open."""

    type: str
    began: datetime
    ended: datetime | None
    where: Where
    amount: Decimal | None = None
    currency: str | None = None


@dataclass
class Promise:
    """Money that is expected, from a moment on, less what was billed of it. A wish ends when it is ordered."""

    measure: str
    since: datetime
    amount: Decimal
    currency: str
    where: Where
    ended: datetime | None = None
    billed: list[tuple[datetime, Decimal]] = field(default_factory=list)


def micros(span: timedelta) -> int:
    return span // MICRO


def units(amount: Decimal) -> int:
    return int(amount * 10**6)


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


class Oracle:
    def __init__(self) -> None:
        self.happened: defaultdict[str, list[Happened]] = defaultdict(list)  # by measure
        self.troubles: list[Trouble] = []
        self.promises: list[Promise] = []
        self.told_until: dict[str, datetime] = {}
        self.twins: list[Trouble] = []

    # -------------------------------------------------------------- writing down
    def count(
        self, measure: str, at: datetime, above: int, below: int, where: Where, currency: str | None = None
    ) -> None:
        self.happened[measure].append(Happened(measure, at, above, below, where, currency))

    def took(self, measure: str, since: datetime, at: datetime, where: Where) -> None:
        """A span of time, in the period of its end."""
        self.count(measure, at, micros(at - since), 1, where)

    # -------------------------------------------------------------- counting
    def rows(self, measure: str, since: datetime, until: datetime, now: datetime, by: str | None = None) -> list[Row]:
        sums: defaultdict[tuple[str, str | None], list[int]] = defaultdict(lambda: [0, 0])
        for above, below, where, currency in self._parts(measure, since, until, min(until, now)):
            found = sums[(where.get(by) or "-") if by else "", currency]
            found[0] += above
            found[1] += below
        if not sums and by is None:
            sums["", None] = [0, 0]
        shown = [
            (of, currency, value(measure, *both), str(both[0]), str(both[1])) for (of, currency), both in sums.items()
        ]
        return sorted(shown, key=str)

    def _parts(
        self, measure: str, since: datetime, until: datetime, as_of: datetime
    ) -> Iterator[tuple[int, int, Where, str | None]]:
        for one in self.happened[measure]:
            is_over = measure != "supplier_on_time" or one.at < as_of  # what may still come is not late
            if since <= one.at < until and is_over:
                yield one.above, one.below, one.where, one.currency
        for trouble in self.troubles:
            yield from _of_trouble(measure, trouble, since, until, as_of)
        for promise in self.promises:
            if promise.measure == measure and promise.since < until and not _over(promise.ended, until):
                left = promise.amount - sum((paid for at, paid in promise.billed if at < until), Decimal(0))
                yield max(0, units(left)), 1, promise.where, promise.currency
        if measure == "sync_lag":
            for source, told in self.told_until.items():
                yield max(0, micros(as_of - told)), 1, {"stage": source}, None


def _over(ended: datetime | None, until: datetime) -> bool:
    return ended is not None and ended < until


def _of_trouble(
    measure: str, one: Trouble, since: datetime, until: datetime, as_of: datetime
) -> Iterator[tuple[int, int, Where, str | None]]:
    is_open = one.began < until and not _over(one.ended, until)
    if measure == "exception_resolution_time" and one.ended is not None and since <= one.ended < until:
        yield micros(one.ended - one.began), 1, one.where, None
    if measure == "exception_aging" and is_open:
        yield micros(as_of - one.began), 1, one.where, None
    if measure == "exception_value" and is_open and one.amount is not None:
        yield units(one.amount), 1, one.where, one.currency
    if measure == "duplicates_held" and one.type == "duplicate_suspected" and since <= one.began < until:
        assert one.amount is not None  # an invoice always says what it asks for
        yield units(one.amount), 1, one.where, one.currency
    was_open = one.began < until and not _over(one.ended, since)
    if measure == "duplicate_suppliers" and one.type == "supplier_duplicate" and was_open:
        yield int(_over(one.ended, until)), 1, one.where, None


def value(measure: str, above: int, below: int) -> str | None:
    spec = SPECS[measure]
    if spec.unit == "money":
        return _hundredths(round(Fraction(above, 10**4)))
    if spec.unit == "count":
        return str(above)
    if below == 0:
        return None
    return _hundredths(round(Fraction(above * _TIMES.get(spec.unit, 1) * 100, below * spec.per)))


def _hundredths(number: int) -> str:
    sign, rest = ("-" if number < 0 else ""), abs(number)
    return f"{sign}{rest // 100}.{rest % 100:02d}"
