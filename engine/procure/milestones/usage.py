"""Rows of what was used, charged, counted and missing from the shelf."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from engine.canonical import (
    ChargeEvent,
    ChargeKind,
    Consumption,
    Disposition,
    InventoryLevel,
    InventoryMovement,
    Item,
    MovementKind,
    Quantity,
)
from engine.core.clock import to_micros
from engine.ports.measures import Milestone
from engine.procure.milestones.rows import Rows, day_number, money, number
from engine.procure.requisitions.replenish import Place, Step, opening_of, steps
from engine.procure.usage.charges import utc
from engine.procure.usage.opening import StockOpening

_LOST = frozenset({Disposition.WASTED, Disposition.OPENED})
_TAKEN = frozenset({Disposition.USED, Disposition.IMPLANTED})


def _consumption(rows: Rows, one: Consumption) -> Iterator[Milestone]:
    if one.cancelled:
        return
    began, day = to_micros(utc(one.used_at)), day_number(one.used_at.date())
    usual = {"began_micros": began, "day": day, "supplier": None}
    taken = sum(line.disposition in _TAKEN for line in one.lines)
    lost = sum(line.disposition in _LOST for line in one.lines)
    yield rows.row("usage_documented", "usage", one, **usual, **number(taken + lost))
    yield rows.row("usage_taken", "usage", one, **usual, **number(taken))


def _charge(rows: Rows, one: ChargeEvent) -> Iterator[Milestone]:
    """Of supplies; a credit counts against the charges."""
    if one.item_number is None:
        return
    sign = Decimal(-1) if one.charge_kind is ChargeKind.CREDIT else Decimal(1)
    amount = one.amount.model_copy(update={"amount": abs(one.amount.amount) * sign}) if one.amount else None
    yield rows.row(
        "charge_received", "usage", one, began_micros=to_micros(one.charged_at), day=day_number(one.charged_at.date()),
        type=one.charge_kind.value, department=one.cost_center or one.department, **money(amount),
    )  # fmt: skip


OF_USAGE: Mapping[str, Callable[[Rows, Any], Iterator[Milestone]]] = {
    "Consumption": _consumption,
    "ChargeEvent": _charge,
}


# ------------------------------------------------------------------ stock
def stock_rows(rows: Rows) -> Iterator[Milestone]:
    """Counts against the books, and each time that nothing lay there; only of stock in one unit."""
    level = max(rows.papers.newest(InventoryLevel), key=lambda one: one.as_of, default=None)
    named = next((one for one in _named(rows) if rows.dossier == f"stock:{one[0]}/{one[1]}"), None)
    if named is None:
        return
    place = Place(named[0], Item(item_number=named[1], description=named[1], unit=_unit(rows, level)), level, None)
    ordered = sorted(steps(rows.papers, place), key=lambda step: (step.at, step.is_count, step.key))
    opening = opening_of(rows.papers)
    if len({*(step.quantity.unit for step in ordered), *(opening.units if opening else ())}) != 1:
        return
    facility = level.facility if level else _facility(rows)
    yield from _walk(rows, ordered, f"{named[0]}/{named[1]}", facility)


def _named(rows: Rows) -> Iterator[tuple[str, str]]:
    for paper in rows.papers.all:
        one = paper.document
        if isinstance(one, InventoryLevel | InventoryMovement):
            yield one.location, one.item_number
            if isinstance(one, InventoryMovement) and one.to_location:
                yield one.to_location, one.item_number


def _unit(rows: Rows, level: InventoryLevel | None) -> str:
    moved = [one.quantity.unit for one in rows.papers.newest(InventoryMovement)]
    return level.on_hand.unit if level else moved[0] if moved else "EA"


def _facility(rows: Rows) -> str | None:
    return next((one.facility for one in rows.papers.newest(InventoryMovement) if one.facility), None)


def _walk(rows: Rows, ordered: list[Step], key: str, facility: str | None) -> Iterator[Milestone]:
    counts = {
        one.natural_key for one in rows.papers.newest(InventoryMovement) if one.movement_kind is MovementKind.COUNT
    }
    on_hand, out = _begin(opening_of(rows.papers))
    for step in ordered:
        amount = step.quantity.amount
        if step.is_count and step.key in counts and on_hand is not None:
            agrees = {"type": "agrees" if on_hand == amount else "differs", **number(amount - on_hand)}
            yield _of_stock(rows, "stock_counted", key, step.key, facility, step, agrees)
        on_hand = amount if step.is_count else None if on_hand is None else on_hand + amount
        if on_hand is not None and on_hand <= 0 and out is None:
            out = step
        elif on_hand is not None and on_hand > 0 and out is not None:
            yield _of_stock(rows, "stock_out", key, _time(out), facility, out, {"ended_micros": to_micros(step.at)})
            out = None
    if out is not None:
        yield _of_stock(rows, "stock_out", key, _time(out), facility, out, {})


def _begin(opening: StockOpening | None) -> tuple[Decimal | None, Step | None]:
    """What lies there, and since when nothing did. Nobody knows before the first count or level."""
    if opening is None or not opening.counted:
        return None, None
    on_hand = sum((one.amount for one in opening.amounts), Decimal(0))
    none = Quantity(amount=Decimal(0), unit=opening.units[0])
    return on_hand, Step(opening.out_since, False, "", none) if opening.out_since else None


def _time(step: Step) -> str:
    return str(to_micros(step.at))


def _of_stock(
    rows: Rows, what: str, key: str, detail: str, facility: str | None, step: Step, more: Mapping[str, Any]
) -> Milestone:
    at = to_micros(step.at)
    return Milestone(
        what=what, key=key, detail=detail, kind="InventoryLevel", dossier=rows.dossier, stage="stock", at_micros=at,
        began_micros=at, day=day_number(step.at.date()), facility=facility, **more,
    )  # fmt: skip
