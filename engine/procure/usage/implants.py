"""Bill-only and consignment implants: used, documented, ordered, billed. One case is one dossier.

What was used is compared piece by piece with order, receipt, invoice and charge. `DISCREPANCIES` names what is found.
Source: domain rules on bill-only and consignment; the twelve checks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

import msgspec

from engine.canonical import (
    ChargeEvent,
    Consumption,
    Invoice,
    Money,
    PurchaseOrder,
    ShipmentNotice,
)
from engine.canonical.recall import RecallNotice
from engine.procure.decision import Decision, Finding, World, text_of
from engine.procure.matching.accepted import still_open
from engine.procure.orders.changed import as_changed
from engine.procure.papers import Papers
from engine.procure.requisitions.lines import IMPLANTS
from engine.procure.usage.implant_follow import follow_ups
from engine.procure.usage.implant_pieces import (
    Piece,
    Tally,
    UsedPiece,
    charged,
    compare,
    invoiced,
    is_own_supply,
    ordered,
    received,
    shipped,
    used_pieces,
)
from engine.procure.usage.implant_prices import cap_of, item_number_of, prices_of
from engine.procure.usage.implant_told import invoices_of, receipts_of
from engine.procure.usage.waiting import Wait, first_look, wait_for

DISCREPANCIES: Mapping[str, str] = {
    "implant_off_contract": "No contract prices the implant",
    "implant_price_over_cap": "It costs more than its contract allows",
    "implant_wasted": "It was opened or wasted, and not implanted",
    "implant_charge_without_order": "It was charged, and nobody ordered it",
    "implant_order_without_charge": "It was ordered, and nobody charged it",
    "implant_duplicate_sheet": "The same sheet or piece was documented twice",
    "implant_expired": "It had expired when it was used",
    "implant_documented_differently": "Representative and nurse documented different pieces",
    "implant_order_after_invoice": "It was ordered after it was invoiced",
    "implant_udi_missing": "Device identifier, or lot and serial, are missing",
    "implant_recalled": "Its lot was recalled",
    "implant_replacement_not_shipped": "Its replacement was not shipped",
}
"""The twelve, by the type of their exception. Beside them: what was used and not ordered, received or invoiced."""

OTHERS: Mapping[str, str] = {
    "implant_not_ordered": "It was used, and neither ordered nor charged",
    "implant_not_received": "It was used, and no receipt books it",
    "implant_invoiced_not_used": "It was invoiced, and nobody documented its use",
}


class Case(msgspec.Struct, frozen=True):
    """All of a case. `used` are pieces that count, each once; `lost` of them were opened or wasted. `beside` are
    supplies of our own stock that were used in it. `stand`: orders as their changes left them, without those that
    were taken back."""

    reference: str
    pieces: list[UsedPiece]
    beside: list[UsedPiece]
    used: Tally
    lost: Tally
    orders: list[PurchaseOrder]
    stand: list[PurchaseOrder]
    invoices: list[Invoice]
    ordered: Tally
    received: Tally
    invoiced: Tally
    charged: Tally
    shipped: Tally
    since: datetime
    facility: str | None


def decide_case(papers: Papers, world: World, dossier: str) -> Decision:
    case = case_of(papers, world, dossier.removeprefix("case:"))
    sources = ("orders", "charges", "receipts", "shipments", *(() if case.pieces else ("usage",)))
    waits = {source: wait_for(world, source, case.since) for source in sources}
    findings = still_open([*_documented(case, world), *_priced(case, world), *_compared(case, waits)], papers, world)
    state = _state(case, waits, findings)
    return Decision(
        state,
        findings,
        follow_ups(case.reference, case.pieces, case.orders, case.invoiced, findings, papers, world),
        look_again_at=None if state["state"] == "reconciled" else first_look(*waits.values()),
    )


def case_of(papers: Papers, world: World, reference: str) -> Case:
    consumptions, charges = papers.newest(Consumption), papers.newest(ChargeEvent)
    orders = papers.newest(PurchaseOrder)
    invoices = invoices_of(reference, orders, papers, world)
    receipts = receipts_of(reference, orders, papers, world)
    stand = [changed for one in orders if (changed := as_changed(one, world)) is not None]
    sides = (ordered(stand, world), received(receipts, world), invoiced(invoices, reference, world))
    traded = frozenset(piece.device for side in sides for piece in side)
    pieces = used_pieces(consumptions, world)
    of_case = [one for one in pieces if one.piece.device in traded or not is_own_supply(one, world)]
    counting = _counting(of_case)
    times = [_aware(one.used_at) for one in consumptions] + [one.charged_at for one in charges]
    times += [_begin(one.ordered_on) for one in orders]
    return Case(
        reference=reference,
        pieces=of_case,
        beside=[one for one in pieces if one not in of_case],
        used=_sum(counting),
        lost=_sum(one for one in counting if one.is_lost),
        orders=orders,
        stand=stand,
        invoices=invoices,
        ordered=sides[0],
        received=sides[1],
        invoiced=sides[2],
        charged=charged(charges, traded, world),
        shipped=shipped(papers.newest(ShipmentNotice), world),
        since=max(times, default=max((_begin(one.invoiced_on) for one in invoices), default=world.now)),
        facility=next(filter(None, [*(one.facility for one in consumptions), *(one.facility for one in orders)]), None),
    )


def _begin(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


# ------------------------------------------------------------------ what was used
def _counting(pieces: list[UsedPiece]) -> list[UsedPiece]:
    """The nurse's record where there is one, else the representative's; each sheet and each serial once."""
    nurse = [one for one in pieces if not one.by_representative]
    counted: list[UsedPiece] = []
    for one in nurse or pieces:
        if not _is_double(one, counted):
            counted.append(one)
    return counted


def _is_double(one: UsedPiece, before: Iterable[UsedPiece]) -> bool:
    """The same piece with a serial, or a line of a sheet that another document brought already."""
    return any(
        other.by_representative is one.by_representative
        and other.piece == one.piece
        and (_same_serial(one, other) or _same_sheet(one, other))
        for other in before
    )


def _same_serial(one: UsedPiece, other: UsedPiece) -> bool:
    return bool(one.piece.mark) and one.piece.mark != one.lot and other.place != one.place


def _same_sheet(one: UsedPiece, other: UsedPiece) -> bool:
    sheet = one.document.sheet_number
    return sheet is not None and sheet == other.document.sheet_number and one.document is not other.document


def _sum(pieces: Iterable[UsedPiece]) -> Tally:
    found: Tally = Counter()
    for one in pieces:
        found[one.piece] += one.line.quantity.amount  # type: ignore[assignment]
    return found


def _documented(case: Case, world: World) -> Iterator[Finding]:
    before: list[UsedPiece] = []
    for one in case.pieces:
        if not one.is_complete:
            yield _finding(case, "implant_udi_missing", one.place, "the label were scanned", one)
        if one.is_lost:
            yield _finding(case, "implant_wasted", one.place, "it had been implanted", one)
        if _is_double(one, before):
            yield _finding(case, "implant_duplicate_sheet", one.place, "one of the two were cancelled", one)
        before.append(one)
    for one in (*case.pieces, *case.beside):
        yield from _unsafe(case, one, world)
    yield from _two_records(case)


def _unsafe(case: Case, one: UsedPiece, world: World) -> Iterator[Finding]:
    """Whose it was does not matter."""
    if one.expires_on is not None and one.expires_on < one.day:
        flip = f"it had been used until {one.expires_on}"
        yield _finding(case, "implant_expired", one.place, flip, one)
    if recall := _recall(one, world):
        flip = "its lot were not recalled"
        yield _finding(case, "implant_recalled", one.place, flip, one, recall=recall.recall_number)


def _recall(one: UsedPiece, world: World) -> RecallNotice | None:
    """Of its lot, or of all lots of the device, whatever day it was told of."""
    for lot in (one.lot, "*"):
        found = world.find(RecallNotice, f"{one.piece.device}/{lot}") if lot else None
        if found is not None and found.ended_on is None:
            return found
    return None


def _two_records(case: Case) -> Iterator[Finding]:
    sides = [[one for one in case.pieces if one.by_representative is by] for by in (False, True)]
    if not all(sides):
        return
    nurse, representative = (_sum(_counting(side)) for side in sides)
    compared = compare(nurse, representative)
    if not compared.agree:
        yield _finding(
            case, "implant_documented_differently", "sheets", "both documented the same pieces",
            only_nurse=_shown(compared.missing), only_representative=_shown(compared.extra),
        )  # fmt: skip


# ------------------------------------------------------------------ what it costs
def _priced(case: Case, world: World) -> Iterator[Finding]:
    numbers = {one.piece.device: (one, item_number_of(one, (*case.orders, *case.invoices))) for one in case.pieces}
    caps = {device: cap_of(one, number, case.orders, case.facility, world) for device, (one, number) in numbers.items()}
    for device, (one, number) in numbers.items():
        if number and caps[device] is None:
            yield _finding(case, "implant_off_contract", device, "a contract of its supplier priced it", one)
    for place, device, quantity, price in prices_of(case.reference, case.stand, case.invoices, world):
        cap = caps.get(device)
        if cap is not None and price.currency == cap.currency and price.amount > cap.amount:
            money = (price - cap).times(quantity.amount).rounded()
            flip = f"its price were {text_of(cap.amount)} or less"
            yield _finding(
                case,
                "implant_price_over_cap",
                place,
                flip,
                money=money,
                cap=text_of(cap.amount),
                price=text_of(price.amount),
            )
    yield from _late_orders(case)


def _late_orders(case: Case) -> Iterator[Finding]:
    """An order that names a day after that of its invoice was made to pay the invoice."""
    for invoice in case.invoices:
        for order in case.stand:
            if invoice.order_number in (None, order.order_number) and order.ordered_on > invoice.invoiced_on:
                flip = f"it had been ordered by {invoice.invoiced_on}"
                yield _finding(
                    case,
                    "implant_order_after_invoice",
                    f"{order.order_number} {invoice.natural_key}",
                    flip,
                    money=invoice.total,
                )


# ------------------------------------------------------------------ piece by piece
def _compared(case: Case, waits: Mapping[str, Wait]) -> Iterator[Finding]:
    to_charge = case.used - case.lost
    not_ordered = compare(case.used, case.ordered).missing
    if waits["orders"].is_over:
        without = compare(case.charged, case.ordered).missing if case.ordered else case.charged
        yield from _each(case, "implant_charge_without_order", without, "an order named the piece")
        silent = compare(not_ordered, case.charged).missing
        yield from _each(case, "implant_not_ordered", silent, "an order named the piece")
    if waits["charges"].is_over:
        chargeable = case.ordered - case.lost
        uncharged = compare(chargeable, case.charged).missing
        yield from _each(case, "implant_order_without_charge", _only(uncharged, to_charge), "it were charged")
    if waits["receipts"].is_over and case.invoiced:
        yield from _each(
            case, "implant_not_received", compare(case.ordered, case.received).missing, "a receipt booked it"
        )
    if case.pieces or waits["usage"].is_over:
        extra = compare(case.used, case.invoiced).extra
        yield from _each(case, "implant_invoiced_not_used", extra, "its use were documented")
    if waits["shipments"].is_over:
        yield from _each(case, "implant_replacement_not_shipped", _to_replace(case), "its replacement were on its way")


def _only(some: Tally, of: Tally) -> Tally:
    """Pieces whose device is among others; all when nothing is known of them."""
    devices = {piece.device for piece in of}
    return Counter({piece: amount for piece, amount in some.items() if not devices or piece.device in devices})


def _to_replace(case: Case) -> Tally:
    """By device: what is to be delivered anew, less what is on its way; the used piece itself is no replacement."""
    wanted: Tally = Counter()
    for one in _counting(case.pieces):
        if one.line.replenish:
            wanted[Piece(one.piece.device)] += one.line.quantity.amount  # type: ignore[assignment]
    coming: Tally = Counter()
    for piece, amount in case.shipped.items():
        if piece not in case.used:
            coming[Piece(piece.device)] += amount
    return wanted - coming


def _each(case: Case, type_: str, pieces: Tally, flip: str) -> Iterator[Finding]:
    for piece, amount in sorted(pieces.items()):
        place = "/".join(part for part in piece if part)
        yield _finding(case, type_, place, flip, pieces=[f"{place}: {amount}"])


def _shown(pieces: Tally) -> list[str]:
    return [f"{'/'.join(part for part in piece if part)}: {amount}" for piece, amount in sorted(pieces.items())]


def _finding(
    case: Case, type_: str, place: str, flip: str, of: UsedPiece | None = None, money: Money | None = None, **facts: Any
) -> Finding:
    supplier = of.line.supplier_number if of else None
    return Finding(
        type_,
        place,
        DISCREPANCIES.get(type_) or OTHERS[type_],
        money=money,
        supplier=supplier or next((order.supplier_number for order in case.orders), None),
        facility=case.facility,
        category=IMPLANTS,
        flip=flip,
        facts={
            "rule": type_,
            "case": case.reference,
            **({"piece": _shown(Counter({of.piece: 1}))[0]} if of else {}),
            **facts,
        },
    )


def _state(case: Case, waits: Mapping[str, Wait], findings: tuple[Finding, ...]) -> dict[str, Any]:
    to_charge = case.used - case.lost
    sides = {"ordered": case.ordered, "received": case.received, "invoiced": case.invoiced, "charged": case.charged}
    agree = {name: compare(to_charge if name == "charged" else case.used, tally).agree for name, tally in sides.items()}
    waiting = {name: not ok for name, ok in agree.items()}
    name = "exception" if findings else "waiting" if any(waiting.values()) or not case.used else "reconciled"
    return {
        "state": name,
        "used": _shown(case.used),
        "agree": agree,
        "for": sorted(name for name, missing in waiting.items() if missing),
        "until": {one.source: one.until.isoformat() for one in waits.values() if one.until},
    }
