"""Deliveries: what is expected when and where, and what is late, with the stock that it endangers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import msgspec

from engine.canonical import InventoryLevel, ShipmentNotice
from engine.procure.calendar import Calendar
from engine.procure.decision import Finding, World, text_of
from engine.procure.orders.lines import LineLife, OrderLife, is_goods
from engine.procure.papers import Papers
from engine.procure.usage.waiting import rules_of


class ExpectedReceipt(msgspec.Struct, frozen=True, order=True):
    """What a dock waits for: `amount` of the line's unit is shipped or promised, and not received."""

    expected_on: str
    location: str
    line: int
    item_number: str
    amount: str
    unit: str
    shipments: tuple[str, ...] = ()


def expected_receipts(life: OrderLife, papers: Papers) -> list[ExpectedReceipt]:
    """By day and location; what names no day comes last."""
    notices = papers.newest(ShipmentNotice)
    found = [_expected(one, life, notices) for one in life.lines if is_goods(one) and one.outstanding > 0]
    return sorted(found, key=lambda one: (not one.expected_on, one))


def _expected(one: LineLife, life: OrderLife, notices: list[ShipmentNotice]) -> ExpectedReceipt:
    line = one.line
    shipments = [
        notice.shipment_number
        for notice in notices
        if any(
            part.order_line_number == line.number and part.order_number in (None, life.order.order_number)
            for part in notice.lines
        )
    ]
    return ExpectedReceipt(
        one.expected_on.isoformat() if one.expected_on else "", line.deliver_to or life.order.facility or "",
        line.number, line.item_number, text_of(one.outstanding), line.quantity.unit, tuple(sorted(shipments)),
    )  # fmt: skip


def last_day(one: LineLife, calendar: Calendar, world: World) -> date | None:
    """Until when it may still come; None: nobody promised a day."""
    return one.expected_on and calendar.business_days_after(one.expected_on, rules_of(world).late_after_days)


def late_findings(life: OrderLife, calendar: Calendar, world: World) -> Iterator[Finding]:
    today = calendar.day_of(world.now)
    for one in life.lines:
        until = last_day(one, calendar, world)
        if until is not None and is_goods(one) and one.outstanding > 0 and today > until:
            yield _late(one, life, calendar.business_days_between(until, today), world)


def next_look(life: OrderLife, calendar: Calendar, world: World) -> datetime | None:
    """When the next line would be late."""
    days = [last_day(one, calendar, world) for one in life.lines if is_goods(one) and one.outstanding > 0]
    moments = [moment for day in days if day and (moment := calendar.end_of(day)) and calendar.day_of(world.now) <= day]
    return min((max(one, world.now) for one in moments), default=None)


def _late(one: LineLife, life: OrderLife, days: int, world: World) -> Finding:
    line, order = one.line, life.order
    risk = stock_out_risk(one, world)
    return Finding(
        "supplier_late", f"line {line.number}", "It should have come and did not",
        money=line.price.times(one.outstanding).rounded(), supplier=order.supplier_number, facility=order.facility,
        department=order.department, category=line.category or order.category,
        urgency="stat" if risk.get("stock_out") else order.urgency.value,
        flip="what is missing were received, or the supplier promised a later day",
        facts={"rule": "order.late", "item": line.item_number, "outstanding": text_of(one.outstanding),
               "days_late": days, **risk},
    )  # fmt: skip


def stock_out_risk(one: LineLife, world: World) -> dict[str, Any]:
    """Whether stock runs out within its safety days; nothing where nobody counts it."""
    place = one.line.deliver_to
    level = world.find(InventoryLevel, f"{place}/{one.line.item_number}") if place else None
    if level is None:
        return {}
    free = level.on_hand.amount - (level.reserved or 0)
    facts: dict[str, Any] = {"on_hand": text_of(free), "stock_out": free <= 0}
    if level.daily_use:
        facts |= {
            "days_of_stock": int(free // level.daily_use),
            "stock_out": free <= level.daily_use * (level.safety_days or 0),
        }
    return facts
