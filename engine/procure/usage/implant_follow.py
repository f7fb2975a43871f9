"""What follows from an implant case: its bill-only requisition, and the accruals of what was used."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.canonical import PurchaseOrder, Requisition, RequisitionLine, Urgency
from engine.procure.decision import Finding, Intent, World
from engine.procure.papers import Papers
from engine.procure.usage.implant_accruals import accruals
from engine.procure.usage.implant_pieces import Tally, UsedPiece

_IN_DOUBT = frozenset({"implant_udi_missing", "implant_duplicate_sheet", "implant_documented_differently"})


def follow_ups(
    case: str, pieces: Sequence[UsedPiece], orders: Sequence[PurchaseOrder], invoiced: Tally,
    findings: Iterable[Finding], papers: Papers, world: World,
) -> tuple[Intent, ...]:  # fmt: skip
    """What is documented in doubt is neither ordered nor accrued until a person cleared it."""
    if any(one.type in _IN_DOUBT for one in findings):
        return ()
    own = [one for one in pieces if not one.by_representative] or list(pieces)
    intents = [Intent("post_journal", entry) for entry in accruals(case, pieces, invoiced, papers, world)]
    if own and not papers.newest(Requisition) and not orders:
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
