"""A purchase order for Hollin Ridge: as the ERP tells it, once each line says what is rented and at which price.

Its service answers an order without an item number with an empty confirmation, so such orders wait here.
"""

from engine.sdk import DocumentError, JsonMessage, PurchaseOrder


def transform(message: JsonMessage) -> PurchaseOrder:
    order = PurchaseOrder.model_validate(message.value)
    for line in order.lines:
        if not line.item_number:
            remedy = "put the rental item's number into the order's line in the ERP"
            raise DocumentError(
                "a rental needs an item number", where=f"lines.{line.number}.item_number", remedy=remedy
            )
    return order
