"""Stock of one item at one place: counted from what moved, whatever came first, and filled up at its threshold.

A requisition is raised once for each time that stock is low; while it is open and too small, it is extended. It goes
through budget, supplier and approval as any other wish: nothing is ordered here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time
from decimal import ROUND_CEILING, Decimal
from functools import cache
from typing import Any, NamedTuple

from engine.canonical import (
    Consumption,
    ConsumptionLine,
    Disposition,
    InventoryLevel,
    InventoryMovement,
    Item,
    MovementKind,
    PurchaseOrder,
    Quantity,
    Receipt,
    Requisition,
    RequisitionLine,
    RequisitionLineStatus,
    Urgency,
)
from engine.procure.decision import Decision, Finding, Intent, World, text_of
from engine.procure.matching.accepted import still_open
from engine.procure.papers import Papers
from engine.procure.requisitions.coming import outstanding
from engine.procure.requisitions.lines import IMPLANTS
from engine.procure.requisitions.prices import quantity_in
from engine.procure.usage.charges import utc
from engine.procure.usage.opening import StockOpening
from engine.procure.usage.transfers import changes_at, counted_once, transfer_findings
from engine.procure.usage.waiting import rules_of

_NONE = Decimal(0)
_BACK = frozenset({Disposition.RETURNED})


class Step(NamedTuple):
    """A change of stock, or with `is_count` what was counted. In time; of one moment counts come last."""

    at: datetime
    is_count: bool
    key: str
    quantity: Quantity


class Place(NamedTuple):
    location: str
    item: Item
    level: InventoryLevel | None
    day: Any

    def amount(self, quantity: Quantity) -> Decimal | None:
        """In the unit that stock is counted in; None: nobody knows the conversion."""
        unit = self.level.on_hand.unit if self.level else self.item.unit
        return quantity_in(quantity, unit, self.item, self.item.supplier_number, self.day)


class Stock(NamedTuple):
    """`outstanding`: wished for or ordered, and not received."""

    on_hand: Decimal
    outstanding: Decimal
    unknown: tuple[str, ...]  # keys of what is in a unit that cannot be converted


def decide_stock(papers: Papers, world: World, dossier: str) -> Decision:
    location, item_number = _names(papers, dossier)
    item = world.find(Item, item_number)
    level = max(papers.newest(InventoryLevel), key=lambda one: one.as_of, default=None)
    if item is None:
        return Decision({"state": "waiting", "for": "item"})
    place = Place(location, item, level, world.now.date())
    stock = stock_of(papers, place, world)
    wish = _wish(papers, place, stock) if rules_of(world).replenish and level and not level.consignment else None
    found = (*_findings(place, stock), *transfer_findings(papers, location, world))
    findings = still_open(found, papers, world)
    return Decision(
        {
            "state": "exception" if findings else "low" if wish else "enough",
            "on_hand": text_of(stock.on_hand),
            "outstanding": text_of(stock.outstanding),
            "threshold": text_of(threshold(level)) if level else None,
        },
        findings,
        (wish,) if wish and not stock.unknown else (),
    )


def _names(papers: Papers, dossier: str) -> tuple[str, str]:
    """Location and item of the dossier; both may have strokes in them, so its documents tell them apart."""
    pairs = (pair for paper in papers.all for pair in _pairs(paper.document))
    return next((pair for pair in pairs if f"stock:{pair[0]}/{pair[1]}" == dossier), ("", ""))


def _pairs(document: Any) -> Iterator[tuple[str, str]]:
    if isinstance(document, InventoryLevel | InventoryMovement):
        for place in (document.location, getattr(document, "to_location", None)):
            if place:
                yield place, document.item_number
        return
    usual = getattr(document, "location", None) or getattr(document, "deliver_to", None)
    for line in getattr(document, "lines", ()):
        location = getattr(line, "location", None) or getattr(line, "deliver_to", None) or usual
        if location and line.item_number:
            yield location, line.item_number


# ------------------------------------------------------------------ what lies there
def stock_of(papers: Papers, place: Place, world: World) -> Stock:
    on_hand, unknown = _NONE, []
    opening, amount_of = opening_of(papers), cache(place.amount)  # the same few quantities move again and again
    for quantity in opening.amounts if opening else ():
        if (amount := amount_of(quantity)) is None:
            unknown.append(quantity.unit)
        else:
            on_hand += amount
    for step in sorted(steps(papers, place), key=lambda step: (step.at, step.is_count, step.key)):
        amount = amount_of(step.quantity)
        if amount is None:
            unknown.append(step.key)
        else:
            on_hand = amount if step.is_count else on_hand + amount
    return Stock(on_hand, outstanding(papers, place, world), tuple(unknown))


def opening_of(papers: Papers) -> StockOpening | None:
    """What older documents come to, where they are not among the papers."""
    return next(iter(papers.newest(StockOpening)), None)


def steps(papers: Papers, place: Place) -> Iterator[Step]:
    """All that an opening has not in it."""
    opening = opening_of(papers)
    return (one for one in _steps(papers, place) if opening is None or one.at >= opening.until)


def _steps(papers: Papers, place: Place) -> Iterator[Step]:
    """Documents that a movement already tells of are not counted once more."""
    movements = counted_once(papers.newest(InventoryMovement))
    told = {(one.source_kind, one.source_key) for one in movements}
    for level in papers.versions(InventoryLevel):
        yield Step(level.as_of, True, level.natural_key, level.on_hand)
    for movement in movements:
        yield from _moved(movement, place)
    for use in papers.newest(Consumption):
        if ("Consumption", use.natural_key) not in told and not use.cancelled:
            yield from _used(use, place)
    for receipt in papers.newest(Receipt):
        if ("Receipt", receipt.natural_key) not in told:
            at = came_at(receipt)
            for line in receipt.lines:
                if (line.location or receipt.location, line.item_number) == (place.location, place.item.item_number):
                    yield Step(at, False, receipt.natural_key, _times(line.quantity, receipt.sign))


def came_at(receipt: Receipt) -> datetime:
    """The first moment of its day."""
    return datetime.combine(receipt.received_on, time(), UTC)


def _moved(movement: InventoryMovement, place: Place) -> Iterator[Step]:
    is_count = movement.movement_kind is MovementKind.COUNT
    for quantity in changes_at(movement, place.location):
        yield Step(movement.moved_at, is_count, movement.natural_key, quantity)


def _used(use: Consumption, place: Place) -> Iterator[Step]:
    for line in use.lines:
        here = (line.location or use.location, line.item_number) == (place.location, place.item.item_number)
        if here and _is_stock(line):
            sign = Decimal(1) if line.disposition in _BACK else Decimal(-1)
            yield Step(utc(use.used_at), False, use.natural_key, _times(line.quantity, sign))


def _is_stock(line: ConsumptionLine) -> bool:
    """Ours; what was taken out of a patient comes from no shelf and goes to none."""
    return not (line.bill_only or line.consignment or line.disposition is Disposition.EXPLANTED)


def _times(quantity: Quantity, factor: Decimal) -> Quantity:
    return Quantity(amount=quantity.amount * factor, unit=quantity.unit)


# ------------------------------------------------------------------ filling up
def threshold(level: InventoryLevel) -> Decimal:
    """The highest of minimum, order point and what is used in the safety days: at or below it, it is ordered."""
    safety = level.daily_use * level.safety_days if level.daily_use and level.safety_days else _NONE
    return max(level.order_point or _NONE, level.minimum or _NONE, safety)


def wanted(level: InventoryLevel, position: Decimal) -> Decimal:
    """How much is ordered when so much is there or on its way: whole order quantities, or up to par."""
    limit = threshold(level)
    if position > limit:
        return _NONE
    target = max(level.maximum or _NONE, limit)
    missing = target - position
    lot = level.order_quantity
    if lot is None or lot <= 0:
        return missing
    return lot * max(Decimal(1), (missing / lot).to_integral_value(ROUND_CEILING) if level.maximum else Decimal(1))


def _wish(papers: Papers, place: Place, stock: Stock) -> Intent | None:
    level = place.level
    assert level is not None  # nothing is raised without thresholds
    reserved = level.reserved or _NONE
    own = [one for one in papers.newest(Requisition) if one.requisition_number.startswith(_prefix(place))]
    ordered = {number for order in papers.newest(PurchaseOrder) for number in order.requisition_numbers}
    open_wish = next((one for one in own if one.requisition_number not in ordered and _wished_open(one)), None)
    amount = wanted(level, stock.on_hand + stock.outstanding - reserved)
    if amount <= 0:
        return None
    if open_wish is None:
        return Intent("raise_requisition", _requisition(place, stock, f"{_prefix(place)}{len(own) + 1}", amount))
    already = sum((place.amount(line.quantity) or _NONE for line in open_wish.lines), _NONE)
    more = _requisition(place, stock, open_wish.requisition_number, already + amount)
    return Intent("raise_requisition", more, detail=text_of(already + amount))


def _wished_open(wish: Requisition) -> bool:
    return any(line.status in (RequisitionLineStatus.OPEN, RequisitionLineStatus.ON_HOLD) for line in wish.lines)


def _prefix(place: Place) -> str:
    """Requisitions of this stock count up: while the first is open, no second is raised."""
    return f"ST-{place.location}-{place.item.item_number}-"[:72]


def _requisition(place: Place, stock: Stock, number: str, amount: Decimal) -> Requisition:
    level, item = place.level, place.item
    assert level is not None
    is_out = stock.on_hand - (level.reserved or _NONE) <= 0
    return Requisition(
        requisition_number=number,
        facility=level.facility,
        requested_on=level.as_of.date(),
        urgency=Urgency.STAT if is_out and item.implantable else Urgency.URGENT if is_out else Urgency.ROUTINE,
        deliver_to=place.location,
        lines=(
            RequisitionLine(
                number=1,
                item_number=item.item_number,
                quantity=Quantity(amount=amount, unit=level.on_hand.unit),
                description=item.description,
                supplier_number=level.supplier_number or item.supplier_number,
                deliver_to=place.location,
            ),
        ),
    )


def _findings(place: Place, stock: Stock) -> Iterable[Finding]:
    facility = place.level.facility if place.level else None
    category = IMPLANTS if place.item.implantable else place.item.category
    facts = {"item": place.item.item_number, "location": place.location, "on_hand": text_of(stock.on_hand)}
    if stock.unknown:
        yield Finding(
            "unit_conversion_unknown", "stock", "What moved is in a unit that nobody can convert", facility=facility,
            category=category, flip="the item had a conversion of that unit",
            facts={**facts, "documents": list(stock.unknown)},
        )  # fmt: skip
    elif stock.on_hand < 0:
        yield Finding(
            "stock_below_zero", "stock", "More was taken than ever lay there", facility=facility, category=category,
            flip=f"{text_of(-stock.on_hand)} more had been counted or received", facts=facts,
        )  # fmt: skip
