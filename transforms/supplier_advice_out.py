"""Advice on a document that people returned: checked here, and written as 824 for its supplier."""

from engine.sdk import ApplicationAdvice, JsonMessage


def transform(message: JsonMessage) -> ApplicationAdvice:
    return ApplicationAdvice.model_validate(message.value)
