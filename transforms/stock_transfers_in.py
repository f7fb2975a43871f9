"""A row of what went from one inventory to another to InventoryMovement. Source: config/layouts/stock_transfers.yaml.

One movement tells of both places: what the one loses, the other gains. Numbers are those of the inventory that gives.
"""

from datetime import datetime

from engine.sdk import DocumentError, InventoryMovement, Lookup, MovementKind, Quantity, TabularMessage


def transform(message: TabularMessage, items: Lookup) -> InventoryMovement:
    row = message.row
    quantity = row.number("quantity")
    if quantity <= 0:
        remedy = "give what was moved, above zero"
        raise DocumentError("nothing was moved", where=f"{row.where}, quantity", remedy=remedy)
    if row.text("from") == row.text("to"):
        raise DocumentError("it was moved to where it was", where=f"{row.where}, to", remedy="name the other place")
    return InventoryMovement(
        movement_number=f"{row.text('from')}/{row.text('number')}",
        movement_kind=MovementKind.TRANSFER,
        item_number=items[row.text("item")],
        location=row.text("from"),
        to_location=row.text("to"),
        quantity=Quantity(amount=-quantity, unit=row.text("unit")),
        lot=row.get("lot"),
        facility=row.text("facility"),
        moved_at=datetime.fromisoformat(row.text("moved_at")),
    )
