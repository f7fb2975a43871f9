"""Budgets: what a cost center may still spend, exactly. Open orders and wishes before one's own count as committed.

Pure. What the ERP counts as committed comes first; where it says nothing, the orders that are known here count.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal

import msgspec

from engine.canonical import (
    ApprovalAction,
    ApprovalVerb,
    Budget,
    Money,
    PurchaseOrder,
    Requisition,
    RequisitionLineStatus,
)
from engine.core.clock import to_micros
from engine.procure.calendar import FiscalPeriod, fiscal_year_of, period_of
from engine.procure.decision import World, text_of
from engine.procure.orders.changed import as_changed
from engine.procure.papers import Papers
from engine.procure.policies import policies_of
from engine.procure.usage.papers import commitments_key

_CANCELLED = frozenset({"01", "03"})  # X12 BEG01
_PENDING = frozenset({RequisitionLineStatus.OPEN, RequisitionLineStatus.ON_HOLD})
_REFUSED = frozenset({ApprovalVerb.REJECT, ApprovalVerb.WITHDRAW})
_QUARTER, _YEAR = 3, 12  # months


class BudgetCheck(msgspec.Struct, frozen=True):
    """`left` is what was free before this request; below zero after it: `missing` is above zero."""

    key: str
    amount: Money
    committed: Money
    spent: Money
    asked: Money
    is_hard: bool

    @property
    def left(self) -> Money:
        return self.amount - self.committed - self.spent

    @property
    def missing(self) -> Money:
        over = self.asked - self.left
        return over if over.amount > 0 else Money(amount=Decimal(0), currency=over.currency)

    @property
    def facts(self) -> dict[str, str | bool]:
        money = {
            name: text_of(getattr(self, name).amount)
            for name in ("amount", "committed", "spent", "asked", "left", "missing")
        }
        return {"budget": self.key, **money, "hard": self.is_hard}


def budget_checks(
    requisition: Requisition, asked: Iterable[tuple[str, str | None, Money]], day: date, world: World
) -> list[BudgetCheck]:
    """One for each budget that the lines draw on: of the cost center, and of its account where there is one.

    Args:
        asked: cost center, natural account and amount of each line.
    """
    sums: dict[str, tuple[Budget, Money]] = {}
    for center, account, money in asked:
        for budget in _budgets(center, account, requisition, day, world):
            if budget.amount.currency == money.currency:  # the others are told of by `in_other_currency`
                _, so_far = sums.get(budget.natural_key, (budget, Money(amount=Decimal(0), currency=money.currency)))
                sums[budget.natural_key] = (budget, so_far + money)
    return [_check(requisition, budget, money, day, world) for budget, money in sums.values()]


def in_other_currency(
    requisition: Requisition, asked: Iterable[tuple[str, str | None, Money]], day: date, world: World
) -> Iterator[tuple[Budget, Money]]:
    """Budgets with lines that nobody can hold against them, for nobody told of a rate; once for each currency."""
    seen: set[tuple[str, str]] = set()
    for center, account, money in asked:
        for budget in _budgets(center, account, requisition, day, world):
            pair = (budget.natural_key, money.currency)
            if budget.amount.currency != money.currency and pair not in seen:
                seen.add(pair)
                yield budget, money


def _budgets(center: str, account: str | None, requisition: Requisition, day: date, world: World) -> list[Budget]:
    """The first of month, quarter and year that has one; of the account, and of all accounts together."""
    period = period_of(day, fiscal_year_of(policies_of(world), requisition.legal_entity))
    found = []
    for of in dict.fromkeys((account, None)):
        keys = ("/".join(part for part in ("cost_center", center, of, name) if part) for name in period_names(period))
        budgets = [budget for key in keys if (budget := world.find(Budget, key)) is not None]
        found += budgets[:1]
    return found


def period_names(period: FiscalPeriod) -> tuple[str, str, str]:
    """As budgets name them: month, quarter, year."""
    return period.name, f"{period.year}-Q{(period.number - 1) // _QUARTER + 1}", str(period.year)


def _check(requisition: Requisition, budget: Budget, asked: Money, day: date, world: World) -> BudgetCheck:
    papers = _commitments(requisition, budget, day, world)
    zero = Money(amount=Decimal(0), currency=budget.amount.currency)
    orders, spent = papers.newest(PurchaseOrder), budget.spent or zero
    ordered = budget.committed or committed_in(orders, budget)
    wishes = [one for one in wishes_before(requisition, papers) if _wished(one, budget).amount]
    wished = _reserved(wishes, budget, budget.amount - ordered - spent)
    if asked.amount > (budget.amount - ordered - spent - wished).amount:  # seldom; only then each is looked at
        stand = (changed for one in orders if (changed := as_changed(one, world)) is not None)
        ordered = budget.committed or committed_in(stand, budget)
        wishes = [one for one in wishes if not (budget.is_hard and _was_refused(one, world))]
        wished = _reserved(wishes, budget, budget.amount - ordered - spent)
    return BudgetCheck(budget.natural_key, budget.amount, ordered + wished, budget.spent or zero, asked, budget.is_hard)


def _commitments(requisition: Requisition, budget: Budget, day: date, world: World) -> Papers:
    """What was wished for and ordered in all months of the budget's period, as far as they have begun."""
    period = period_of(day, fiscal_year_of(policies_of(world), requisition.legal_entity))
    now = max(day, world.now.date())
    firsts = [one for one in _months(budget, period) if one <= now]
    found = [world.papers(commitments_key(budget.dimension.code, one)) for one in firsts]
    if len(found) == 1:
        return found[0]
    return Papers.of(sorted((paper for one in found for paper in one.all), key=lambda paper: paper.record))


def _months(budget: Budget, period: FiscalPeriod) -> Iterator[date]:
    """First days of the budget's months: its own, its quarter's, or those of its year."""
    month, quarter, _ = period_names(period)
    first = (period.number - 1) // _QUARTER * _QUARTER + 1
    numbers = {month: range(period.number, period.number + 1), quarter: range(first, first + _QUARTER)}
    for number in numbers.get(budget.period, range(1, _YEAR + 1)):
        months = period.first.year * _YEAR + period.first.month - 1 + number - period.number
        yield date(months // _YEAR, months % _YEAR + 1, 1)


def _reserved(wishes: Iterable[Requisition], budget: Budget, free: Money) -> Money:
    """First come, first served. What a hard budget has not enough for waits and keeps nothing from the next."""
    found = Money(amount=Decimal(0), currency=budget.amount.currency)
    for one in wishes:
        more = found + _wished(one, budget)
        if not budget.is_hard or more.amount <= free.amount:
            found = more
    return found


def _was_refused(requisition: Requisition, world: World) -> bool:
    """Whether people refused or withdrew it, and nobody wished anew since."""
    papers = world.papers(f"requisition:{requisition.requisition_number}")
    wished = max((one.record.at_micros for one in papers.all if isinstance(one.document, Requisition)), default=0)
    return any(one.action in _REFUSED and to_micros(one.at) >= wished for one in papers.newest(ApprovalAction))


def committed_in(orders: Iterable[PurchaseOrder], budget: Budget) -> Money:
    """What open orders bind of a budget, to the cent."""
    found = Money(amount=Decimal(0), currency=budget.amount.currency)
    for order in orders:
        if order.purpose in _CANCELLED or order.currency != found.currency:
            continue
        for line in order.lines:
            if _draws(budget, line.cost_center, line.natural_account):
                found = found + line.extended
    return found


def wishes_before(requisition: Requisition, papers: Papers) -> list[Requisition]:
    """Those that came before this one and are not ordered, in their turn."""
    ordered = {one for order in papers.newest(PurchaseOrder) for one in order.requisition_numbers}
    mine = _turn(requisition)
    found = [one for one in papers.newest(Requisition) if _turn(one) < mine and one.requisition_number not in ordered]
    return sorted(found, key=_turn)


def _turn(requisition: Requisition) -> tuple[date, str]:
    return requisition.requested_on or date.max, requisition.requisition_number


def _wished(requisition: Requisition, budget: Budget) -> Money:
    found = Money(amount=Decimal(0), currency=budget.amount.currency)
    for line in requisition.lines:
        price, center = line.anticipated_price, line.cost_center or requisition.cost_center
        if (
            line.status in _PENDING
            and price
            and price.currency == found.currency
            and _draws(budget, center, line.natural_account)
        ):
            found = found + price.times(line.quantity.amount).rounded()
    return found


def _draws(budget: Budget, center: str | None, account: str | None) -> bool:
    return budget.dimension.code == center and budget.natural_account in (None, account)
