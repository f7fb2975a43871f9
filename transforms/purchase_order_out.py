"""A purchase order as the ERP tells it: already canonical, checked here and sent on.

It carries item numbers, prices and the ship-to; nothing of a patient is ever in an order.
"""

from engine.sdk import JsonMessage, PurchaseOrder


def transform(message: JsonMessage) -> PurchaseOrder:
    return PurchaseOrder.model_validate(message.value)
