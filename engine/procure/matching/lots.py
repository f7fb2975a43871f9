"""Lots and serial numbers from the ship notice (856) to the dock and to the invoice: what came is what was announced.

What stays is judged: a lot that went back is no exception any more. As long as one of a line's exceptions stands, what
is invoiced of that line is not posted. Sources: X12 856 LIN (LT, SE), DTM 036; 861 receiving advice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from engine.canonical import Invoice, Item, Money, OrderLine, PurchaseOrder, Receipt, ShipmentNotice, ShippedLine
from engine.procure.decision import Finding, World, text_of
from engine.procure.matching.order import order_of, substitutes_of
from engine.procure.matching.people import Acts
from engine.procure.matching.receipt_checks import LINE, told_twice
from engine.procure.papers import Papers

_CANCELLED = frozenset({"01", "03"})  # X12 BSN01


class Arrived(NamedTuple):
    """What of one order line came and stayed under one lot and serial. `amount` in `unit`, less what went back."""

    line: OrderLine
    item_number: str
    lot: str | None
    serial: str | None
    unit: str
    amount: Decimal
    expires_on: date | None
    received_on: date
    receipts: tuple[str, ...]

    @property
    def mark(self) -> str:
        named = (("lot", self.lot), ("serial", self.serial))
        return " ".join(f"{word} {value}" for word, value in named if value) or "without a lot"

    @property
    def worth(self) -> Money | None:
        """At the order's price; None where the units differ."""
        same = self.unit == self.line.quantity.unit
        return self.line.price.times(self.amount).rounded() if same else None


class _Book(NamedTuple):
    order: PurchaseOrder
    arrived: list[Arrived]
    announced: Mapping[int, list[ShippedLine]]
    substitutes: Mapping[int, frozenset[str]]
    world: World

    @property
    def tells_lots(self) -> bool:
        return any(one.lot or one.serial for one in self.arrived)

    def category(self, line: OrderLine) -> str | None:
        """The order's word, else that of the item's master data."""
        item = None if line.category or self.order.category else self.world.find(Item, line.item_number)
        return line.category or self.order.category or (item.category if item is not None else None)


def open_lots(papers: Papers, world: World) -> tuple[Finding, ...]:
    """Those that nobody let pass; above the limit of the policies two people must."""
    return world.once((open_lots, papers), lambda: Acts(papers).open(lot_findings(papers, world), world))


def lot_findings(papers: Papers, world: World) -> Iterator[Finding]:
    order, _ = order_of(papers)
    if order is None:
        return
    book = _Book(order, _arrived(order, papers), _announced(order, papers), substitutes_of(papers), world)
    for one in book.arrived:
        if one.item_number not in (one.line.item_number, *book.substitutes.get(one.line.number, ())):
            flip = f"item {one.line.item_number}, its return, or the supplier's word that this one comes in its place"
            yield _found(book, one, "receipt_item_differs", "Another item came than was ordered", flip)
            continue
        yield from _expired(book, one)
        yield from _against_notice(book, one)
    for invoice in papers.newest(Invoice):
        yield from _invoiced(book, invoice)
    yield from told_twice(papers)


def held_lines(findings: Iterable[Finding]) -> dict[int, list[str]]:
    """Order lines whose invoices wait for a person, with the types of what stands."""
    held: defaultdict[int, set[str]] = defaultdict(set)
    for one in findings:
        held[int(one.facts[LINE])].add(one.type)
    return {number: sorted(types) for number, types in held.items()}


# ------------------------------------------------------------------ what came and what was announced
def _arrived(order: PurchaseOrder, papers: Papers) -> list[Arrived]:
    lines = {line.number: line for line in order.lines}
    found: dict[tuple[Any, ...], Arrived] = {}
    for receipt in sorted(papers.newest(Receipt), key=lambda one: (one.received_on, one.natural_key)):
        for part in receipt.lines:
            line = lines.get(part.order_line_number)
            if line is None:
                continue
            lot, serial, unit = part.lot, part.serial, part.quantity.unit
            key = (line.number, part.item_number, lot, serial, unit)
            before = found.get(key)
            came = part.quantity.amount * receipt.sign
            found[key] = Arrived(
                line, part.item_number, lot, serial, unit,
                amount=(before.amount if before else Decimal(0)) + came,
                expires_on=part.expires_on or (before.expires_on if before else None),
                received_on=before.received_on if before else receipt.received_on,
                receipts=(*(before.receipts if before else ()), *_named(receipt)),
            )  # fmt: skip
    return [one for _, one in sorted(found.items(), key=lambda pair: [str(part) for part in pair[0]]) if one.amount > 0]


def _named(receipt: Receipt) -> tuple[str, ...]:
    return (receipt.receipt_number,) if receipt.sign > 0 else ()


def _announced(order: PurchaseOrder, papers: Papers) -> dict[int, list[ShippedLine]]:
    """By order line; a level that names no line is of the one that orders its item."""
    by_item = {line.item_number: line.number for line in reversed(order.lines)}
    found: defaultdict[int, list[ShippedLine]] = defaultdict(list)
    for notice in papers.newest(ShipmentNotice):
        for part in notice.lines if notice.purpose not in _CANCELLED else ():
            number = part.order_line_number or by_item.get(part.item_number or "")
            if number is not None and part.order_number in (None, order.order_number):
                found[number].append(part)
    return found


# ------------------------------------------------------------------ what differs
def _expired(book: _Book, one: Arrived) -> Iterator[Finding]:
    """On its last day it may still be used."""
    if one.expires_on is not None and one.expires_on < one.received_on:
        flip = f"an expiry of {one.received_on} or later, or its return"
        yield _found(book, one, "receipt_lot_expired", "It had expired when it came", flip,
                     expired_on=one.expires_on.isoformat())  # fmt: skip


def _against_notice(book: _Book, one: Arrived) -> Iterator[Finding]:
    """Notices that name no lots announce none."""
    marks = _marks(book.announced.get(one.line.number, ()))
    if not (one.lot or one.serial):
        item = book.world.find(Item, one.item_number)
        if item is not None and (item.tracks_lot or item.tracks_serial):
            flip = "its lot or serial number scanned"
            yield _found(book, one, "receipt_lot_missing", "It came without a lot or serial number", flip)
    elif _differs(one, marks):
        flip = f"{' or '.join(sorted(filter(None, marks.lots | marks.serials)))}, its return, or another notice"
        yield _found(book, one, "receipt_lot_differs", "Another lot came than the supplier announced", flip,
                     announced=sorted(marks.lots | marks.serials))  # fmt: skip
    elif (told := marks.expiries.get(one.lot or "")) and one.expires_on and told != one.expires_on:
        flip = f"the same day on label and notice, {told}"
        yield _found(book, one, "receipt_expiry_differs", "Label and ship notice name another expiry", flip,
                     announced=told.isoformat(), label=one.expires_on.isoformat())  # fmt: skip


class _Marks(NamedTuple):
    lots: frozenset[str]
    serials: frozenset[str]
    expiries: Mapping[str, date]


def _marks(parts: Iterable[ShippedLine]) -> _Marks:
    known = list(parts)
    return _Marks(
        frozenset(one.lot for one in known if one.lot),
        frozenset(one.serial for one in known if one.serial),
        {one.lot: one.expires_on for one in known if one.lot and one.expires_on},
    )


def _differs(one: Arrived, marks: _Marks) -> bool:
    return bool(
        (one.lot and marks.lots and one.lot not in marks.lots)
        or (one.serial and marks.serials and one.serial not in marks.serials)
    )


def _invoiced(book: _Book, invoice: Invoice) -> Iterator[Finding]:
    """Only where the dock told lots of that line: before that, the invoice waits for its goods anyway."""
    for line in invoice.lines if book.tells_lots else ():
        came = [one for one in book.arrived if _is_of(one.line, line.order_line_number, line.item_number)]
        lots, serials = {one.lot for one in came if one.lot}, {one.serial for one in came if one.serial}
        if (line.lot and lots and line.lot not in lots) or (line.serial and serials and line.serial not in serials):
            facts = {LINE: came[0].line.number, "invoiced": line.serial or line.lot, "received": sorted(lots | serials)}
            yield _finding(
                book, "invoice_lot_differs", f"{invoice.natural_key}/{line.number}",
                "Another lot is invoiced than came", line.extended, came[0].line, "a receipt of this lot", facts,
            )  # fmt: skip


def _is_of(ordered: OrderLine, number: int | None, item: str | None) -> bool:
    return ordered.number == number if number is not None else ordered.item_number == item


# ------------------------------------------------------------------ words
def _found(book: _Book, one: Arrived, type_: str, title: str, flip: str, **more: Any) -> Finding:
    came = f"{text_of(one.amount)} {one.unit}, {one.mark}"
    facts = {LINE: one.line.number, "item": one.item_number, "ordered_item": one.line.item_number, "came": came,
             "receipts": list(one.receipts), **more}  # fmt: skip
    place = f"line {one.line.number} {one.mark}"
    return _finding(book, type_, place, title, one.worth, one.line, flip, facts)


def _finding(
    book: _Book, type_: str, place: str, title: str, money: Money | None, line: OrderLine, flip: str,
    facts: Mapping[str, Any],
) -> Finding:  # fmt: skip
    order = book.order
    return Finding(
        type_, place, title, money=money, supplier=order.supplier_number, facility=order.facility,
        department=order.department, category=book.category(line), urgency=order.urgency.value, flip=flip,
        facts={"rule": type_, **facts},
    )  # fmt: skip
