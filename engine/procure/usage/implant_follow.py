"""What follows from an implant case: its bill-only requisition, the accrual of what was used, and the accrual's end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from engine.canonical import (
    Item,
    JournalEntry,
    JournalEntryType,
    PurchaseOrder,
    Requisition,
    RequisitionLine,
    Urgency,
)
from engine.procure.decision import Finding, Intent, World
from engine.procure.usage.costs import Cost, Source, cost_entry, reversal
from engine.procure.usage.implant_pieces import Tally, UsedPiece, compare
from engine.procure.usage.waiting import rules_of

_IN_DOUBT = frozenset({"implant_udi_missing", "implant_duplicate_sheet", "implant_documented_differently"})


def follow_ups(
    case: str, pieces: Sequence[UsedPiece], requisitions: Sequence[Requisition], orders: Sequence[PurchaseOrder],
    invoiced: Tally, findings: Iterable[Finding], world: World,
) -> tuple[Intent, ...]:  # fmt: skip
    """What is documented in doubt is neither ordered nor accrued until a person cleared it."""
    if not pieces or any(one.type in _IN_DOUBT for one in findings):
        return ()
    own = [one for one in pieces if not one.by_representative] or list(pieces)
    intents = [Intent("post_journal", entry) for entry in _accruals(case, own, invoiced, world)]
    if not requisitions and not orders:
        intents.insert(0, Intent("raise_requisition", bill_only(case, own)))
    return tuple(intents)


def bill_only(case: str, pieces: Sequence[UsedPiece]) -> Requisition:
    """Used already: ordered to be billed. It names the case and the piece, never the patient."""
    first = pieces[0].document
    return Requisition(
        requisition_number=f"BO-{case}"[:80],
        facility=first.facility,
        department=first.department,
        requested_on=pieces[0].day,
        urgency=Urgency.URGENT,
        case_reference=case,
        procedure_on=pieces[0].day,
        bill_only=True,
        replenish=any(one.line.replenish for one in pieces),
        lines=tuple(_line(one, number) for number, one in enumerate(pieces, start=1)),
    )


def _line(one: UsedPiece, number: int) -> RequisitionLine:
    line = one.line
    serial = line.serial or (one.piece.mark if one.piece.mark and one.piece.mark != one.lot else None)
    return RequisitionLine(
        number=number,
        item_number=line.item_number or one.piece.device,
        quantity=line.quantity,
        description=line.description,
        cost_center=line.cost_center,
        supplier_number=line.supplier_number,
        lot=one.lot,
        serial=serial,
        device_identifier=one.piece.device if one.piece.device != line.item_number else None,
        deliver_to=line.location or one.document.location,
    )


def _accruals(case: str, pieces: Sequence[UsedPiece], invoiced: Tally, world: World) -> Iterator[JournalEntry]:
    """Used and not invoiced: owed from the day of use on, taken back when every piece is invoiced."""
    rules = rules_of(world)
    if "used_not_invoiced" not in rules.accrue or rules.accrued_account is None:
        return
    costs = [cost for one in pieces if (cost := _cost(one, rules.expense_account, world)) is not None]
    first = pieces[0].document
    day = min(one.day for one in pieces)
    source = Source(f"UNI-{case}"[:80], day, "Consumption", first.natural_key, first.facility)
    entry = cost_entry(source, costs, rules.accrued_account, world, rules.posting, JournalEntryType.ACCRUAL)
    if entry is None:
        return
    yield entry
    if not compare(_owed(pieces), invoiced).missing:
        yield reversal(entry, f"UNI-{case}-R"[:80], max(day, _today(world)), world)


def _owed(pieces: Sequence[UsedPiece]) -> Tally:
    found: Tally = Tally()
    for one in pieces:
        found[one.piece] += one.line.quantity.amount  # type: ignore[assignment]
    return found


def _today(world: World) -> date:
    return world.now.date()


def _cost(one: UsedPiece, usual: str | None, world: World) -> Cost | None:
    item = world.find(Item, one.line.item_number) if one.line.item_number else None
    price = one.line.unit_cost or (item.cost_price if item else None)
    account = (item.natural_account if item else None) or usual
    if price is None or account is None or not (one.line.bill_only or one.line.consignment):
        return None
    return Cost(account, one.line.cost_center, price.times(one.line.quantity.amount), one.line.item_number)
