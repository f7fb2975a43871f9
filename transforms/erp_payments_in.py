"""What became of an invoice's payment, as the ERP tells it: already canonical, checked here and sent on."""

from engine.sdk import JsonMessage, PaymentStatus


def transform(message: JsonMessage) -> PaymentStatus:
    return PaymentStatus.model_validate(message.value)
