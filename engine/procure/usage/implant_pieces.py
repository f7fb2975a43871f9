"""Pieces of an implant case as each document names them, and how the documents' pieces are laid side by side.

A piece is a device with its serial or lot. Who names neither (most charges) takes any piece of the device that is left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from engine.canonical import (
    ChargeEvent,
    ChargeKind,
    Consumption,
    ConsumptionLine,
    Disposition,
    Invoice,
    InvoiceKind,
    Item,
    PurchaseOrder,
    Receipt,
    ShipmentNotice,
)
from engine.procure.decision import World
from engine.procure.usage.labels import device_and_lot, label

REPRESENTATIVE = frozenset({"representative", "rep", "supplier"})
LOST = frozenset({Disposition.WASTED, Disposition.OPENED})
TAKEN = LOST | {Disposition.USED, Disposition.IMPLANTED}
_CANCELLED = frozenset({"01", "03"})  # X12 BEG01


class Piece(NamedTuple):
    """`device` is the UDI device identifier, else the item number; `mark` serial, else lot, else empty."""

    device: str
    mark: str = ""


class UsedPiece(NamedTuple):
    """A line of what was used, with what its label says."""

    document: Consumption
    line: ConsumptionLine
    piece: Piece
    lot: str | None
    expires_on: date | None
    is_complete: bool  # device and serial or lot are known

    @property
    def place(self) -> str:
        return f"{self.document.natural_key} line {self.line.number}"

    @property
    def by_representative(self) -> bool:
        return (self.line.documented_by or "") in REPRESENTATIVE

    @property
    def is_lost(self) -> bool:
        return self.line.disposition in LOST

    @property
    def day(self) -> date:
        return self.document.procedure_on or self.document.used_at.date()


def used_pieces(documents: Iterable[Consumption], world: World) -> list[UsedPiece]:
    """Of documents that count, in the order of their keys."""
    counting = sorted((one for one in documents if not one.cancelled), key=lambda one: one.natural_key)
    return [_used(one, line, world) for one in counting for line in one.lines if line.disposition in TAKEN]


def is_own_supply(one: UsedPiece, world: World) -> bool:
    """Of our own stock: gloves and sutures of a case were used, and nobody orders them for it."""
    theirs = one.line.bill_only or one.line.consignment or one.line.disposition is Disposition.IMPLANTED
    return not theirs and _is_supply(one.line.item_number, world)


def _is_supply(item_number: str | None, world: World) -> bool:
    """As the item master says; what it does not know may be an implant."""
    item = world.find(Item, item_number) if item_number else None
    return item is not None and not (item.implantable or item.consignment)


def _used(document: Consumption, line: ConsumptionLine, world: World) -> UsedPiece:
    (device, lot), read = device_and_lot(line), label(line.udi)
    serial = line.serial or (read.serial if read else None)
    piece = Piece(_device(device, line.item_number, world), serial or lot or "")
    return UsedPiece(
        document,
        line,
        piece,
        lot,
        line.expires_on or (read.expires_on if read else None),
        bool(device and (serial or lot)),
    )


def _device(device: str | None, item_number: str | None, world: World) -> str:
    if device or item_number is None:
        return device or "?"
    item = world.find(Item, item_number)
    return (item.device_identifier if item else None) or item_number


Tally = Counter[Piece]


def ordered(orders: Iterable[PurchaseOrder], world: World) -> Tally:
    return _tally((_piece(line, world), line.quantity.amount) for order in orders for line in order.lines)


def received(receipts: Iterable[Receipt], world: World) -> Tally:
    return _tally((_piece(line, world), line.quantity.amount * one.sign) for one in receipts for line in one.lines)


def invoiced(invoices: Iterable[Invoice], case: str, world: World) -> Tally:
    """Lines of this case; a credit memo takes back."""
    return _tally(
        (
            _piece(line, world),
            -line.quantity.amount if one.invoice_kind is InvoiceKind.CREDIT_MEMO else line.quantity.amount,
        )
        for one in invoices
        for line in one.lines
        if (line.case_reference or one.case_reference) == case
    )


def charged(charges: Iterable[ChargeEvent], traded: Collection[str], world: World) -> Tally:
    """A case is charged for its rooms and our own supplies, too.

    Args:
        traded: devices that were ordered, received or invoiced for the case.
    """
    return _tally(
        (piece, -one.quantity.amount if one.charge_kind is ChargeKind.CREDIT else one.quantity.amount)
        for one in charges
        if one.item_number or one.device_identifier
        for piece in [_piece(one, world)]
        if piece.device in traded or not _is_supply(one.item_number, world)
    )


def shipped(notices: Iterable[ShipmentNotice], world: World) -> Tally:
    return _tally(
        (Piece(_device(None, line.item_number, world), line.serial or line.lot or ""), line.quantity.amount)
        for one in notices
        if one.purpose not in _CANCELLED
        for line in one.lines
    )


def _piece(line: Any, world: World) -> Piece:
    return Piece(_device(line.device_identifier, line.item_number, world), line.serial or line.lot or "")


def _tally(parts: Iterable[tuple[Piece, Decimal]]) -> Tally:
    found: Tally = Counter()
    for piece, amount in parts:
        found[piece] += amount  # type: ignore[assignment]  # exact amounts, not only whole ones
    return Counter({piece: amount for piece, amount in found.items() if amount})


class Compared(NamedTuple):
    """What one side has and the other has not, to the piece."""

    missing: Tally
    extra: Tally

    @property
    def agree(self) -> bool:
        return not self.missing and not self.extra


def compare(expected: Tally, found: Tally) -> Compared:
    """First piece by piece; then what names no serial or lot, on either side, takes what is left of its device."""
    missing, extra = Counter(expected), Counter(found)
    for piece in sorted(expected):
        _take(missing, piece, extra, piece)
    for mine, other in [*_loose(missing, extra), *((mine, other) for other, mine in _loose(extra, missing))]:
        _take(missing, mine, extra, other)
    return Compared(missing, extra)


def _loose(named: Tally, loose: Tally) -> Iterator[tuple[Piece, Piece]]:
    for piece in sorted(named):
        if Piece(piece.device) in loose:
            yield piece, Piece(piece.device)


def _take(mine: Tally, piece: Piece, other: Tally, its: Piece) -> None:
    both = min(mine.get(piece, 0), other.get(its, 0))
    for tally, key in ((mine, piece), (other, its)) if both > 0 else ():
        tally[key] -= both
        if not tally[key]:
            del tally[key]
