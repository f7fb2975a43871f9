"""824 to ApplicationAdvice. Source: X12 824 in 004010 and 005010. Plain acceptances are filtered."""

from engine.sdk import ApplicationAdvice, Filtered, TransactionSet, application_advice_from_824


def transform(advice_824: TransactionSet) -> ApplicationAdvice | Filtered:
    advice = application_advice_from_824(advice_824)
    return Filtered("every document was accepted as it was sent") if advice.accepted else advice
