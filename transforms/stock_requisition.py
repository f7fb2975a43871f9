"""OMS^O05 stock requisition to Requisition. Source: HL7 v2.5.1 chapter 4 (ORC, RQD, RQ1).

ORC-4 (placer group number) is the requisition's number: one message is one requisition. The hospital's own item
code stands in RQD-4; the crosswalk turns it into the ERP's item number, and an unknown code is HELD, never guessed.
"""

from engine.sdk import Hl7Message, Lookup, Money, Quantity, Requisition, RequisitionLine, Segment, Urgency

URGENCY = {"S": Urgency.STAT, "A": Urgency.URGENT}  # TQ1-9: S stat, A as soon as possible; else routine


def transform(message: Hl7Message, items: Lookup, departments: Lookup) -> Requisition:
    return Requisition(
        requisition_number=message.require("ORC-4.1"),
        facility=message.require("MSH-4.1"),
        requested_on=message.date("ORC-9", None),
        requester=message.get("ORC-10.1"),
        department=message.get("RQD-7.1"),
        urgency=URGENCY.get(message.get("TQ1-9.1") or "R", Urgency.ROUTINE),
        lines=tuple(
            line(group.anchor, group.first("RQ1"), items, departments) for group in message.groups("RQD", ("RQ1",))
        ),
    )


def line(rqd: Segment, rq1: Segment | None, items: Lookup, departments: Lookup) -> RequisitionLine:
    price = rq1.number("1", None) if rq1 else None
    return RequisitionLine(
        number=rqd.integer(1),
        item_number=items[rqd.require("4.1")],
        description=rqd.get("4.2"),
        quantity=Quantity(amount=rqd.number(5), unit=rqd.get("6.1") or "EA"),
        cost_center=departments[rqd.require("7.1")],
        natural_account=rqd.get("8.1"),
        deliver_to=rqd.get("9.1"),
        needed_by=rqd.date(10, None),
        supplier_number=rq1.get("4.1") if rq1 else None,
        anticipated_price=Money(amount=price) if price is not None else None,
        substitute_allowed={"Y": True, "N": False}.get(rq1.get("7") or "") if rq1 else None,
    )
