"""Orders made from a requisition: one for each supplier and currency, each line with its reference back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import groupby

from engine.canonical import Identifier, OrderLine, PurchaseOrder, Requisition, Urgency
from engine.procure.calendar import Calendar
from engine.procure.requisitions.lines import CheckedLine

# Business days until a delivery that nobody named a day for.
_LEAD_DAYS = {Urgency.STAT: 1, Urgency.URGENT: 2, Urgency.ROUTINE: 5}


def orders_from(requisition: Requisition, lines: Iterable[CheckedLine], day: date) -> list[PurchaseOrder]:
    """Lines without supplier or price are not ordered. Urgent implants come first.

    The number is the requisition's with the supplier's, so the same wish makes the same order.
    """
    ready = sorted((one for one in lines if one.price and one.supplier_number), key=_split)
    orders = [_order(requisition, list(group), day) for _, group in groupby(ready, key=_split)]
    implants = {one.line.item_number for one in ready if one.is_urgent_implant}
    return sorted(
        orders, key=lambda order: (not any(line.item_number in implants for line in order.lines), order.order_number)
    )


def _split(one: CheckedLine) -> tuple[str, str]:
    return one.supplier_number or "", one.price.unit_price.currency if one.price else ""


def _order(requisition: Requisition, lines: Sequence[CheckedLine], day: date) -> PurchaseOrder:
    supplier, currency = _split(lines[0])
    needed = [one.line.needed_by for one in lines if one.line.needed_by]
    return PurchaseOrder(
        order_number=f"{requisition.requisition_number}-{supplier}" + ("" if currency == "USD" else f"-{currency}"),
        supplier_number=supplier,
        ordered_on=day,
        currency=currency,
        lines=tuple(_line(requisition, one, number) for number, one in enumerate(lines, start=1)),
        department=requisition.department,
        facility=requisition.facility,
        legal_entity=requisition.legal_entity,
        requester=requisition.requester,
        needed_by=min(needed, default=None),
        references=(Identifier(scheme="requisition", value=requisition.requisition_number),),
        requisition_numbers=(requisition.requisition_number,),
        bill_only=requisition.bill_only,
        case_reference=requisition.case_reference,
        urgency=requisition.urgency,
        approval_number=requisition.approval_number,
    )


def _line(requisition: Requisition, one: CheckedLine, number: int) -> OrderLine:
    line, item, price = one.line, one.item, one.price
    assert price is not None  # only such lines are ordered
    return OrderLine(
        number=number,
        item_number=line.item_number,
        quantity=line.quantity,
        price=price.unit_price,
        description=line.description or (item.description if item else None),
        identifiers=_known_as(one),
        cost_center=one.cost_center,
        contract_number=price.contract_number,
        contract_price=price.unit_price if price.source == "contract" else None,
        needed_by=line.needed_by,
        natural_account=line.natural_account or (item.natural_account if item else None),
        dimensions=line.dimensions,
        tax_code=item.tax_code if item else None,
        category=item.category if item else None,
        requisition_number=requisition.requisition_number,
        requisition_line_number=line.number,
        deliver_to=line.deliver_to or requisition.deliver_to,
        lot=line.lot,
        serial=line.serial,
        device_identifier=line.device_identifier,
    )


def _known_as(one: CheckedLine) -> tuple[Identifier, ...]:
    """The supplier's own number first; `VP` is X12's word for it (element 235)."""
    item = one.item
    if item is None:
        return ()
    number = item.supplier_item_number if item.supplier_number == one.supplier_number else None
    number = number or next(
        (other.supplier_item_number for other in item.other_suppliers if other.supplier_number == one.supplier_number),
        None,
    )
    own = (Identifier(scheme="VP", value=number),) if number else ()
    return own + tuple(known for known in item.identifiers if known.scheme != "VP")


def expected_on(requisition: Requisition, lines: Iterable[CheckedLine], calendar: Calendar, day: date) -> date:
    """The last day that a line is wanted on; without any, what is usual for its urgency."""
    wanted = [one.line.needed_by for one in lines if one.line.needed_by]
    return max(wanted, default=calendar.business_days_after(day, _LEAD_DAYS[requisition.urgency]))
