"""From the wish to the order: checked, within budget, approved, ordered, and told to who asked.

Pure: the newest version of the requisition, the orders made from it and what people did, whatever came first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from engine.canonical import (
    Approval,
    Budget,
    Money,
    PostingResult,
    PurchaseOrder,
    Requisition,
    RequisitionLineStatus,
)
from engine.core.clock import from_micros
from engine.procure.approvals.documents import standing_of
from engine.procure.approvals.states import FINAL
from engine.procure.approvals.values import Standing
from engine.procure.calendar import Calendar, calendar_of
from engine.procure.decision import Decision, Finding, Intent, World, text_of
from engine.procure.matching.accepted import still_open
from engine.procure.papers import Papers
from engine.procure.policies import policies_of
from engine.procure.postings.masters import Awaited, on_their_way
from engine.procure.requisitions.budget import BudgetCheck, budget_checks, in_other_currency
from engine.procure.requisitions.lines import IMPLANTS, CheckedLine, checked_lines
from engine.procure.requisitions.orders import expected_on, orders_from
from engine.procure.requisitions.states import RequisitionFacts, RequisitionState, requisition_state

_S, _LINE = RequisitionState, RequisitionLineStatus
_TOLD = frozenset({_S.ORDERED, _S.REJECTED, _S.EXCEPTION, _S.OVER_BUDGET, _S.APPROVED})
_STATUS = {
    _S.ORDERED: _LINE.ORDERED,
    _S.REJECTED: _LINE.REJECTED,
    _S.EXCEPTION: _LINE.ON_HOLD,
    _S.OVER_BUDGET: _LINE.ON_HOLD,
}


class _Matter(msgspec.Struct, frozen=True):
    requisition: Requisition
    day: date
    calendar: Calendar
    lines: list[CheckedLine]  # neither ended nor ordered
    ordered: dict[int, str]  # line to the order that has it
    budgets: list[BudgetCheck]
    standing: Standing
    blocking: tuple[Finding, ...]
    over: tuple[Finding, ...]
    ended: bool


def decide_requisition(papers: Papers, world: World) -> Decision:
    requisition = next(iter(papers.newest(Requisition)), None)
    if requisition is None:
        return Decision({"state": "waiting", "for": "requisition"})
    matter = _matter(requisition, papers, world)
    state = requisition_state(
        RequisitionFacts(
            lines=0 if matter.ended else len(requisition.lines),
            wanted=len(matter.lines),
            blocked=len(matter.blocking),
            over_budget=any(one.facts.get("hard") for one in matter.over),
            approval=matter.standing.state,
        )
    )
    orders = orders_from(requisition, matter.lines, matter.day) if state is _S.APPROVED else []
    awaited = {one.order_number: found for one in orders if (found := _awaited(one, world)) is not None}
    if orders and {one.order_number for one in orders} <= _made(papers):
        state, matter = _S.ORDERED, _with_orders(matter, orders)
    waits = state is _S.WAITING_FOR_APPROVAL and matter.standing.state not in FINAL
    looks = [one.until for one in awaited.values()]
    if waits and matter.standing.look_again_at is not None:
        looks.append(matter.standing.look_again_at)
    settled = state in (_S.ORDERED, _S.CANCELLED, _S.REJECTED)
    return Decision(
        {**_state(matter, state, orders), **_waiting(awaited)},
        () if settled else (*matter.blocking, *matter.over, *matter.standing.findings),
        (*(Intent("create_order", one) for one in orders if one.order_number not in awaited), *_told(matter, state)),
        look_again_at=min(looks, default=None),
    )


def _waiting(awaited: Mapping[str, Awaited]) -> dict[str, Any]:
    return {"waiting": {number: one.state for number, one in awaited.items()}} if awaited else {}


def _awaited(order: PurchaseOrder, world: World) -> Awaited | None:
    """What was asked for already is not held back any more."""
    given = f"create_order:{order.natural_key}" in world.given
    return None if given else on_their_way(order, world)


def _matter(requisition: Requisition, papers: Papers, world: World) -> _Matter:
    calendar = calendar_of(policies_of(world), requisition.facility)
    day = calendar.day_of(world.now)
    ordered = _ordered(requisition, papers)
    checked = checked_lines(requisition, day, world)
    lines = [one for one in checked if one.line.number not in ordered]
    free = [one for one in lines if one.line.number not in _given(requisition, lines, day, papers, world)]
    asked, asked_on = _asked(free), requisition.requested_on or day
    budgets = budget_checks(requisition, asked, asked_on, world)
    blocking = [found for one in lines for found in one.blocking] + [*_other_currency(requisition, lines)]
    over = [_over(requisition, one) for one in budgets if one.missing.amount > 0]
    over += [_not_comparable(requisition, *one) for one in in_other_currency(requisition, asked, asked_on, world)]
    return _Matter(
        requisition, day, calendar, lines, ordered, budgets,
        standing=_standing(requisition, lines, papers, world),
        blocking=still_open(blocking, papers, world),
        over=still_open(over, papers, world),
        ended=not checked and not ordered,
    )  # fmt: skip


def _ordered(requisition: Requisition, papers: Papers) -> dict[int, str]:
    """Lines that an order has, as the order or the requisition itself says."""
    found = {line.number: line.order_number for line in requisition.lines if line.order_number}
    for order in papers.newest(PurchaseOrder):
        for line in order.lines:
            if line.requisition_number == requisition.requisition_number and line.requisition_line_number:
                found[line.requisition_line_number] = order.order_number
    return found


def _given(
    requisition: Requisition, lines: list[CheckedLine], day: date, papers: Papers, world: World
) -> frozenset[int | None]:
    """Lines whose order was asked for: no budget takes that back, so nobody looks at what others wish for any more.

    Who wishes for something else since is measured anew.
    """
    if _wish(requisition, papers)[0] != requisition.requisition_number:
        return frozenset()
    orders = (one for one in orders_from(requisition, lines, day) if f"create_order:{one.natural_key}" in world.given)
    return frozenset(line.requisition_line_number for one in orders for line in one.lines)


def _made(papers: Papers) -> set[str]:
    """Orders that the ERP says it has made. What it tells of them later may not name the requisition."""
    return {one.subject_key for one in papers.newest(PostingResult) if one.command == "create_order" and one.ok}


def _with_orders(matter: _Matter, orders: list[PurchaseOrder]) -> _Matter:
    found = {line.requisition_line_number: one.order_number for one in orders for line in one.lines}
    named = {number: order for number, order in found.items() if number is not None}
    return msgspec.structs.replace(matter, ordered=matter.ordered | named)


def _asked(lines: list[CheckedLine]) -> list[tuple[str, str | None, Money]]:
    return [
        (one.cost_center, one.line.natural_account or (one.item.natural_account if one.item else None), one.amount)
        for one in lines
        if one.cost_center and one.amount
    ]


# ------------------------------------------------------------------ approval
def _standing(requisition: Requisition, lines: list[CheckedLine], papers: Papers, world: World) -> Standing:
    """Nobody needs to ask for it: a requisition is its own request. Another wish needs another approval."""
    number, since = _wish(requisition, papers)
    suppliers = {one.supplier_number for one in lines}
    categories = {one.item.category for one in lines if one.item}
    approval = Approval(
        approval_number=number,
        dossier=f"requisition:{requisition.requisition_number}",
        subject_kind="Requisition",
        subject_key=requisition.requisition_number,
        requested_by=requisition.requester or "unknown",
        requested_at=since,
        amount=_sum(lines),
        supplier_number=next(iter(suppliers)) if len(suppliers) == 1 else None,
        category=next(iter(categories)) if len(categories) == 1 else None,
        facility=requisition.facility,
        department=requisition.department,
        cost_center=requisition.cost_center,
        urgency=requisition.urgency,
        legal_entity=requisition.legal_entity,
    )
    return standing_of(approval, papers, world)


def _wish(requisition: Requisition, papers: Papers) -> tuple[str, datetime]:
    """Number and time of the request. Who changes what is wished for asks anew: `R-1`, then `R-1.2`."""
    count, since, before = 0, datetime.min.replace(tzinfo=UTC), None
    for paper in papers.all:
        one = paper.document
        if not isinstance(one, Requisition):
            continue
        wish = [
            (line.number, line.item_number, line.quantity, line.supplier_number, line.anticipated_price,
             line.cost_center or one.cost_center, one.department)
            for line in one.lines
        ]  # fmt: skip
        if wish != before:
            count, since, before = count + 1, from_micros(paper.record.at_micros), wish
    number = requisition.requisition_number
    return number if count <= 1 else f"{number}.{count}", since


def _sum(lines: list[CheckedLine]) -> Money:
    """Of the currency that most is asked for in: what is in others nobody adds to it, and what is below zero lowers
    nothing."""
    sums: dict[str, Money] = {}
    for one in lines:
        if one.amount and one.amount.amount >= 0:
            before = sums.get(one.amount.currency)
            sums[one.amount.currency] = one.amount if before is None else before + one.amount
    return max(sums.values(), key=lambda one: (one.amount, one.currency), default=Money(amount=Decimal(0)))


# ------------------------------------------------------------------ what comes of it
def _over(requisition: Requisition, check: BudgetCheck) -> Finding:
    return Finding(
        "budget_exceeded",
        f"budget {check.key}",
        "The budget does not allow for all of it",
        money=check.missing,
        facility=requisition.facility,
        department=requisition.department,
        urgency=requisition.urgency.value,
        flip=f"{text_of(check.missing.amount)} {check.missing.currency} more were free in the budget",
        facts={**check.facts, "rule": "requisition.budget"},
    )


def _other_currency(requisition: Requisition, lines: list[CheckedLine]) -> Iterator[Finding]:
    """Nobody told of a rate, so nobody knows how much approval all of it needs."""
    wanted = _sum(lines).currency
    for one in lines:
        if one.amount and one.amount.currency != wanted:
            yield Finding(
                "currency_differs", f"line {one.line.number}", "It is in another currency than the other lines",
                money=one.amount, supplier=one.supplier_number, facility=requisition.facility,
                department=requisition.department, urgency=requisition.urgency.value,
                flip="a requisition of its own for each currency",
                facts={"expected": wanted, "actual": one.amount.currency, "rule": "requisition.currency_differs"},
            )  # fmt: skip


def _not_comparable(requisition: Requisition, budget: Budget, money: Money) -> Finding:
    wanted = budget.amount.currency
    return Finding(
        "currency_differs", f"budget {budget.natural_key} {money.currency}",
        "The budget is in another currency than what is asked for", money=money, facility=requisition.facility,
        department=requisition.department, urgency=requisition.urgency.value,
        flip=f"a price in {wanted}, or a budget in {money.currency}",
        facts={"budget": budget.natural_key, "hard": budget.is_hard, "expected": wanted, "actual": money.currency,
               "rule": "requisition.budget"},
    )  # fmt: skip


def _told(matter: _Matter, state: RequisitionState) -> list[Intent]:
    """Who asked is told each state once for each wish."""
    if state not in _TOLD:
        return []
    lines = tuple(
        line.model_copy(
            update={
                "status": _STATUS.get(state, line.status),
                "order_number": matter.ordered.get(line.number, line.order_number),
            }
        )
        if line.status in (_LINE.OPEN, _LINE.ON_HOLD)
        else line
        for line in matter.requisition.lines
    )
    return [Intent("tell_status", matter.requisition.model_copy(update={"lines": lines}), detail=state.value)]


def _state(matter: _Matter, state: RequisitionState, orders: list[PurchaseOrder]) -> dict[str, Any]:
    requisition, spend = matter.requisition, _sum(matter.lines)
    implants = any(one.is_urgent_implant for one in matter.lines)
    return {
        "state": state.value,
        "urgency": requisition.urgency.value,
        "category": IMPLANTS if implants else None,
        "expected_spend": text_of(spend.amount if matter.lines else Decimal(0)),
        "currency": spend.currency,
        "expected_delivery": expected_on(requisition, matter.lines, matter.calendar, matter.day).isoformat(),
        "approval": matter.standing.facts,
        "budgets": [one.facts for one in matter.budgets],
        "lines": {str(one.line.number): one.facts for one in matter.lines},
        "ordered": {str(number): order for number, order in sorted(matter.ordered.items())},
        "orders": [one.order_number for one in orders],
    }
