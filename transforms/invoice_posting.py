"""What the process wants posted, an Invoice: checked here, and sent on as it stands."""

from engine.sdk import Invoice, JsonMessage


def transform(message: JsonMessage) -> Invoice:
    return Invoice.model_validate(message.value)
