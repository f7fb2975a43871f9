"""A requisition that the process raised: checked here, and brought in like one that a person wrote."""

from engine.sdk import JsonMessage, Requisition


def transform(message: JsonMessage) -> Requisition:
    return Requisition.model_validate(message.value)
