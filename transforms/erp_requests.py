"""What the process wants done with an invoice or a payment of the ERP: checked here, and sent on as it stands."""

from engine.sdk import Invoice, JsonMessage, Payment


def transform(message: JsonMessage) -> Invoice | Payment:
    kind = Payment if "payment_number" in message.value else Invoice
    return kind.model_validate(message.value)
