"""What was shipped and received in other units than it was ordered in: cases of an order of pieces."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import msgspec

from engine.canonical import Item, OrderLine, Quantity, Receipt, ShipmentNotice
from engine.procure.decision import World
from engine.procure.exact import Exact, decimal_of, exact
from engine.procure.orders.lines import LineLife, OrderLife
from engine.procure.papers import Papers
from engine.procure.units import units_factor

_CANCELLED = frozenset({"01", "03"})  # X12 BSN01


def in_ordered_units(life: OrderLife, papers: Papers, world: World) -> OrderLife:
    """The order's life with all of it counted; what nobody can convert is left out, as nobody knows how much it is."""
    units = {one.line.number: one.line.quantity.unit for one in life.lines}
    told = [(part.order_line_number, part.quantity.unit) for one in papers.newest(Receipt) for part in one.lines]
    told += [(part.order_line_number or 0, part.quantity.unit) for one in papers.newest(ShipmentNotice)
             for part in one.lines]  # fmt: skip
    others = {number for number, unit in told if units.get(number) != unit}
    if not others & units.keys():
        return life  # as nearly always
    lines = (_in_ordered_units(one, life, papers, world) for one in life.lines)
    return msgspec.structs.replace(life, lines=tuple(lines))


def _in_ordered_units(one: LineLife, life: OrderLife, papers: Papers, world: World) -> LineLife:
    came = [(part, day, sign) for part, day, sign in _came(one.line, papers) if part.unit != one.line.quantity.unit]
    sent = [(part, day, 1) for part, day in _sent(one.line, life, papers) if part.unit != one.line.quantity.unit]
    if not came and not sent:
        return one
    received, shipped = (
        sum((exact(part.amount) * sign * _factor(part, one.line, life, day, world) for part, day, sign in parts), 0)
        for parts in (came, sent)
    )
    return msgspec.structs.replace(
        one, received=one.received + decimal_of(received), shipped=one.shipped + decimal_of(shipped)
    )


def _came(line: OrderLine, papers: Papers) -> Iterator[tuple[Quantity, date, int]]:
    for receipt in papers.newest(Receipt):
        for part in receipt.lines:
            if part.order_line_number == line.number:
                yield part.quantity, receipt.received_on, int(receipt.sign)


def _sent(line: OrderLine, life: OrderLife, papers: Papers) -> Iterator[tuple[Quantity, date]]:
    for notice in papers.newest(ShipmentNotice):
        for part in notice.lines if notice.purpose not in _CANCELLED else ():
            if part.order_line_number == line.number and part.order_number in (None, life.order.order_number):
                yield part.quantity, notice.noticed_on


def _factor(part: Quantity, line: OrderLine, life: OrderLife, day: date, world: World) -> Exact:
    """0: nobody told of a conversion."""
    item = world.find(Item, line.item_number)
    return units_factor(part.unit, line.quantity.unit, item, life.order.supplier_number, day) or 0
