"""The life of an order after it was sent: a table of states, and what of it needs a person."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

import msgspec

from engine.procure.calendar import calendar_of
from engine.procure.decision import Decision, Finding, World, text_of
from engine.procure.matching.accepted import still_open
from engine.procure.matching.lots import open_lots
from engine.procure.matching.receipt_checks import receipt_findings
from engine.procure.orders.accruals import accruals
from engine.procure.orders.acknowledgement import acknowledgement_findings
from engine.procure.orders.lines import LineLife, OrderLife, is_goods, order_life
from engine.procure.orders.shipment import expected_receipts, late_findings, next_look
from engine.procure.orders.units import in_ordered_units
from engine.procure.orders.unsettled import unsettled_findings
from engine.procure.papers import Papers
from engine.procure.policies import policies_of


class OrderState(StrEnum):
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    RECEIVED = "received"
    PART_RECEIVED = "part_received"
    SHIPPED = "shipped"
    PART_SHIPPED = "part_shipped"
    ACKNOWLEDGED = "acknowledged"
    SENT = "sent"


class OrderRow(NamedTuple):
    state: OrderState
    means: str
    holds: Callable[[OrderLife], bool]


def _goods(life: OrderLife) -> list[LineLife]:
    return [one for one in life.lines if is_goods(one)]


_S = OrderState
ORDER_STATES: tuple[OrderRow, ...] = (
    OrderRow(_S.CANCELLED, "the order, or all of its lines, were taken back", lambda o: o.is_cancelled),
    OrderRow(
        _S.RECEIVED, "all goods came", lambda o: bool(_goods(o)) and all(one.outstanding == 0 for one in _goods(o))
    ),
    OrderRow(_S.PART_RECEIVED, "some of it came", lambda o: any(one.received > 0 for one in _goods(o))),
    OrderRow(
        _S.SHIPPED,
        "all of it is on its way",
        lambda o: bool(_goods(o)) and all(one.shipped >= one.line.quantity.amount for one in _goods(o)),
    ),
    OrderRow(_S.PART_SHIPPED, "some of it is on its way", lambda o: any(one.shipped > 0 for one in _goods(o))),
    OrderRow(_S.REJECTED, "the supplier does not take it", lambda o: o.is_rejected),
    OrderRow(_S.ACKNOWLEDGED, "the supplier answered", lambda o: o.is_acknowledged),
    OrderRow(_S.SENT, "the supplier did not answer yet", lambda o: True),
)
"""The first row that holds is the state."""


def order_state(life: OrderLife) -> OrderState:
    return next(row.state for row in ORDER_STATES if row.holds(life))


def order_findings(papers: Papers, world: World) -> tuple[Finding, ...]:
    """What an order's answers, changes and deliveries need a person for."""
    return decide_order_life(papers, world).findings


def decide_order_life(papers: Papers, world: World) -> Decision:
    """To be merged with the decision about the order's invoices."""
    life = order_life(papers)
    if life is None:
        return Decision({})
    life = in_ordered_units(life, papers, world)
    calendar = calendar_of(policies_of(world), life.order.facility)
    state = order_state(life)
    ended = state in (OrderState.CANCELLED, OrderState.RECEIVED)
    found: tuple[Finding, ...] = ()
    if state is OrderState.RECEIVED:
        found = tuple(unsettled_findings(life, papers))
    elif not ended:
        found = (*acknowledgement_findings(life, world), *late_findings(life, calendar, world))
    return Decision(
        {
            "order": {
                "state": state.value,
                "lines": {str(one.line.number): _facts(one) for one in life.lines},
                "expected": [] if ended else [msgspec.to_builtins(one) for one in expected_receipts(life, papers)],
            }
        },
        (
            *still_open((*found, *receipt_findings(life, papers, world)), papers, world),
            *open_lots(papers, world),
        ),
        tuple(accruals(life, papers, world)),
        look_again_at=None if ended else next_look(life, calendar, world),
    )


def _facts(one: LineLife) -> dict[str, str | None]:
    return {
        "item": one.line.item_number,
        "ordered": text_of(one.line.quantity.amount),
        "shipped": text_of(one.shipped),
        "received": text_of(one.received),
        "unit": one.line.quantity.unit,
        "expected_on": one.expected_on.isoformat() if one.expected_on else None,
    }
