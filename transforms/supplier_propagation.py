"""A master as every system is to have it: checked here, and sent on as it stands."""

from engine.sdk import JsonMessage, Supplier


def transform(message: JsonMessage) -> Supplier:
    return Supplier.model_validate(message.value)
