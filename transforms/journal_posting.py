"""What the process wants posted, a JournalEntry: checked here, and sent on as it stands."""

from engine.sdk import JournalEntry, JsonMessage


def transform(message: JsonMessage) -> JournalEntry:
    return JournalEntry.model_validate(message.value)
