"""A receipt as the ERP tells it: already canonical, checked here and sent on."""

from engine.sdk import JsonMessage, Receipt


def transform(message: JsonMessage) -> Receipt:
    return Receipt.model_validate(message.value)
