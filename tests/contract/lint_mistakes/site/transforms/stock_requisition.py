"""OMS^O05 to Requisition."""

from decimal import Decimal

from engine.sdk import Hl7Message, Lookup, Quantity, Requisition, RequisitionLine

LEAST = Decimal("0.5")


def transform(message: Hl7Message, items: Lookup) -> Requisition:
    return Requisition(
        requisition_number=message.require("ORC-4"),
        lines=tuple(
            RequisitionLine(
                number=rqd.integer(1),
                item_number=items[rqd.require(4)],
                quantity=Quantity(amount=rqd.number(5), unit=rqd.get(6) or "EA"),
            )
            for rqd in message.all("RQD")
        ),
    )
