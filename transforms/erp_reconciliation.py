"""What a comparison of the books found: made by the engine itself, and sent on as it stands."""

from engine.sdk import JsonMessage, ReconciliationReport


def transform(message: JsonMessage) -> ReconciliationReport:
    return ReconciliationReport.model_validate(message.value)
