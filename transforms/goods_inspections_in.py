"""Rows of one inspected receipt to Receipt. Source: config/layouts/goods_inspections.yaml.

Each row is a line of the receipt, or a lot of it. More cannot be accepted and rejected than came; what is neither is
still looked at, and a later export tells of it.
"""

from engine.sdk import DocumentError, Quantity, Receipt, ReceiptLine, Row, TabularMessage


def transform(message: TabularMessage) -> Receipt:
    first = message.rows[0]
    return Receipt(
        receipt_number=first.text("receipt"),
        order_number=first.text("order"),
        supplier_number=first.text("supplier"),
        received_on=first.date("received_on"),
        facility=first.text("facility"),
        lines=tuple(line(row, first.text("order")) for row in message.rows),
    )


def line(row: Row, order: str) -> ReceiptLine:
    if row.text("order") != order:
        raise DocumentError("a receipt is of one order", where=f"{row.where}, order", remedy="ask the quality system")
    received, accepted, rejected = (row.number(name) for name in ("received", "accepted", "rejected"))
    if min(accepted, rejected) < 0 or accepted + rejected > received:
        raise DocumentError(
            "not more than came is accepted and rejected", where=f"{row.where}, accepted", remedy="inspect it again"
        )
    unit = row.text("unit")
    return ReceiptLine(
        order_line_number=row.integer("order_line"),
        item_number=row.text("item"),
        quantity=Quantity(amount=received, unit=unit),
        lot=row.get("lot"),
        serial=row.get("serial"),
        accepted=Quantity(amount=accepted, unit=unit),
        rejected=Quantity(amount=rejected, unit=unit),
        reject_reason=row.get("reason"),
    )
