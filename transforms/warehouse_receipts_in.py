"""What the scanners booked to Receipt. Source: docs/site.md, "Receipts".

Inspected quantities are told only where there was an inspection: what is not told was not looked at.
"""

from engine.sdk import DocumentError, JsonMessage, Quantity, Receipt, ReceiptKind, ReceiptLine


def transform(message: JsonMessage) -> Receipt:
    lines = message.all("lines")
    if not lines:
        raise DocumentError("a receipt says what came", where="lines", remedy="book it again at the scanner")
    return Receipt(
        receipt_number=message.require("receipt"),
        order_number=message.require("order"),
        supplier_number=message.require("supplier"),
        received_on=message.date("received_on"),
        receipt_kind=ReceiptKind.RETURN if message.get("return_of") else ReceiptKind.RECEIPT,
        original_receipt_number=message.get("return_of"),
        cancelled=message.get("cancelled") == "true",
        facility=message.get("facility"),
        location=message.get("location"),
        shipment_number=message.get("shipment"),
        lines=tuple(line(one) for one in lines),
    )


def line(one: JsonMessage) -> ReceiptLine:
    unit = one.get("unit") or "EA"
    return ReceiptLine(
        order_line_number=int(one.number("order_line")),
        item_number=one.require("item"),
        quantity=above_zero(one, unit),
        lot=one.get("lot"),
        serial=one.get("serial"),
        expires_on=one.date("expires_on") if one.get("expires_on") else None,
        accepted=inspected(one, "accepted", unit),
        rejected=inspected(one, "rejected", unit),
        reject_reason=one.get("reject_reason"),
    )


def above_zero(one: JsonMessage, unit: str) -> Quantity:
    amount = one.number("quantity")
    if amount <= 0:
        raise DocumentError("a quantity must be above zero", where="lines.quantity", remedy="a return names return_of")
    return Quantity(amount=amount, unit=unit)


def inspected(one: JsonMessage, name: str, unit: str) -> Quantity | None:
    return Quantity(amount=one.number(name), unit=unit) if one.get(name) else None
