"""What a supplier answered (855, 865) held against the order: each difference is an exception with its money."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from engine.canonical import Item, LineAction, LineAnswer, Money, OrderChange, OrderChangeAction, Quantity
from engine.procure.decision import Finding, World, text_of
from engine.procure.exact import Exact, decimal_of, exact
from engine.procure.orders.lines import LineLife, OrderLife
from engine.procure.units import units_factor

ANSWERS: Mapping[LineAction, tuple[str, str]] = {
    LineAction.BACKORDERED: ("acknowledgement_backordered", "The supplier delivers it later"),
    LineAction.SUBSTITUTED: ("acknowledgement_substituted", "The supplier delivers another item"),
    LineAction.REJECTED: ("acknowledgement_rejected", "The supplier does not deliver it"),
    LineAction.DELETED: ("acknowledgement_rejected", "The supplier took the line out"),
    LineAction.OTHER: ("acknowledgement_unclear", "The supplier answered what nobody here knows"),
}
"""Source: X12 ACK01: IB, IS, IR, ID; IP and IQ are told from price and quantity themselves."""


def acknowledgement_findings(life: OrderLife, world: World) -> Iterator[Finding]:
    if life.is_rejected:
        yield _finding(
            life, "acknowledgement_rejected", "order", "The supplier does not take the order", life.order.total
        )
    for one in life.lines:
        if one.answer is not None:
            yield from price_findings(life, one)
            yield from _quantity(life, one, world)
            yield from _date(life, one)
            yield from _answers(life, one)
    for part in {part.order_line_number: part for part in life.unclear}.values():
        title, flip = "The supplier answers a line that is not on the order", "a line of the order"
        yield _finding(life, "acknowledgement_unclear", f"line {part.order_line_number}", title, flip=flip)
    yield from change_findings(life)


def price_findings(life: OrderLife, one: LineLife) -> Iterator[Finding]:
    price = one.answer.price if one.answer else None
    if price is None or price == one.line.price or price.currency != one.line.price.currency:
        return
    money = (price - one.line.price).times(one.line.quantity.amount).rounded()
    yield _line(
        life, one, "acknowledgement_price", "The supplier's price is another one than the order's", money,
        f"its price were {text_of(one.line.price.amount)}",
        ordered=text_of(one.line.price.amount), answered=text_of(price.amount),
    )  # fmt: skip


def _quantity(life: OrderLife, one: LineLife, world: World) -> Iterator[Finding]:
    """What is taken now and what is promised for later add up to the order's quantity, in its unit or one that
    converts to it."""
    parts = [part for part in one.answer.answers if part.quantity is not None] if one.answer else []
    if not parts or any(part.action in (LineAction.REJECTED, LineAction.DELETED) for part in parts):
        return
    amounts = [_in_ordered_unit(life, one, part.quantity, world) for part in parts if part.quantity is not None]
    known = [amount for amount in amounts if amount is not None]
    if len(known) < len(amounts):
        yield _line(
            life, one, "acknowledgement_unit", "The supplier answers in another unit", None, "its unit were the order's"
        )
        return
    answered = decimal_of(sum(known, exact(Decimal(0))))
    if answered != one.line.quantity.amount:
        money = one.line.price.times(answered - one.line.quantity.amount).rounded()
        yield _line(
            life, one, "acknowledgement_quantity", "The supplier answers another quantity", money,
            f"it answered {text_of(one.line.quantity.amount)}",
            ordered=text_of(one.line.quantity.amount), answered=text_of(answered),
        )  # fmt: skip


def _in_ordered_unit(life: OrderLife, one: LineLife, told: Quantity, world: World) -> Exact | None:
    if told.unit == one.line.quantity.unit:
        return exact(told.amount)
    item = world.find(Item, one.line.item_number)
    day = one.answered_on or life.order.ordered_on
    factor = units_factor(told.unit, one.line.quantity.unit, item, life.order.supplier_number, day)
    return None if factor is None else exact(told.amount) * factor


def _date(life: OrderLife, one: LineLife) -> Iterator[Finding]:
    wanted = one.line.needed_by or life.order.needed_by
    promised = [part.expected_on for part in one.answer.answers if part.expected_on] if one.answer else []
    if wanted and promised and max(promised) > wanted:
        facts = {"wanted": wanted.isoformat(), "promised": max(promised).isoformat()}
        yield _line(
            life,
            one,
            "acknowledgement_date",
            "The supplier promises a later day",
            one.line.extended,
            f"it came by {wanted}",
            **facts,
        )


def _answers(life: OrderLife, one: LineLife) -> Iterator[Finding]:
    for part in one.answer.answers if one.answer else ():
        if part.action in ANSWERS:
            type_, title = ANSWERS[part.action]
            yield _line(
                life, one, type_, title, _at_stake(one, part), "it were accepted as ordered", code=part.code or ""
            )


def _at_stake(one: LineLife, part: LineAnswer) -> Money:
    amount = (
        part.quantity.amount
        if part.quantity and part.quantity.unit == one.line.quantity.unit
        else one.line.quantity.amount
    )
    return one.line.price.times(amount).rounded()


def change_findings(life: OrderLife) -> Iterator[Finding]:
    for one in life.asked:
        yield _finding(
            life, "order_change_asked", one.natural_key, "The supplier wishes to change the order", _worth(life, one)
        )
    for one in life.refused:
        yield _finding(
            life, "order_change_refused", one.natural_key, "The supplier does not take our change", _worth(life, one)
        )


def _worth(life: OrderLife, change: OrderChange) -> Money | None:
    """What the change would make of the lines that it names, less what they are."""
    if change.cancels:
        return life.order.total
    lines = {one.line.number: one.line for one in life.lines}
    found = Money(amount=Decimal(0), currency=life.order.currency)
    for part in change.lines:
        line = lines.get(part.order_line_number)
        if part.action is OrderChangeAction.DELETE:
            found = found - line.extended if line else found
            continue
        price = part.price or (line.price if line else None)
        quantity = part.quantity or (line.quantity if line else None)
        if price is None or quantity is None or price.currency != found.currency:
            return None
        found = found + price.times(quantity.amount).rounded()
        found = found - line.extended if line else found
    return found


def _line(
    life: OrderLife, one: LineLife, type_: str, title: str, money: Money | None, flip: str, **facts: Any
) -> Finding:
    place = f"line {one.line.number}"
    return _finding(life, type_, place, title, money, flip, one.line.category, item=one.line.item_number, **facts)


def _finding(
    life: OrderLife, type_: str, place: str, title: str, money: Money | None = None,
    flip: str = "one of the two sides agreed", category: str | None = None, **facts: Any,
) -> Finding:  # fmt: skip
    order = life.order
    return Finding(
        type_, place, title, money,
        supplier=order.supplier_number, facility=order.facility, department=order.department,
        category=category or order.category, urgency=order.urgency.value, flip=flip, facts={"rule": type_, **facts},
    )  # fmt: skip
