"""A row of a count to InventoryLevel. Source: config/layouts/stock_counts.yaml.

Every inventory counts for itself; a place is named by the inventory that it belongs to. Amounts are in the row's unit.
"""

from datetime import datetime

from engine.sdk import DocumentError, InventoryLevel, Lookup, Quantity, TabularMessage


def transform(message: TabularMessage, items: Lookup) -> InventoryLevel:
    row = message.row
    on_hand = row.number("on_hand")
    if on_hand < 0:
        raise DocumentError("less than nothing cannot lie there", where=f"{row.where}, on_hand", remedy="count again")
    return InventoryLevel(
        item_number=items[row.text("item")],
        location=row.text("place"),
        facility=row.text("facility"),
        on_hand=Quantity(amount=on_hand, unit=row.text("unit")),
        order_point=row.number("order_point") if row.get("order_point") else None,
        maximum=row.number("par") if row.get("par") else None,
        as_of=datetime.fromisoformat(row.text("counted_at")),
    )
