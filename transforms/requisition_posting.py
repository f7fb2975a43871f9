"""What the process wants posted, a PurchaseOrder: checked here, and sent on as it stands."""

from engine.sdk import JsonMessage, PurchaseOrder


def transform(message: JsonMessage) -> PurchaseOrder:
    return PurchaseOrder.model_validate(message.value)
