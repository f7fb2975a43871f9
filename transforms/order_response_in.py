"""855 to OrderAcknowledgement. Source: X12 004010 and 005010, 855; one file of config/partners for each sender."""

from engine.sdk import DocumentError, OrderAcknowledgement, TransactionSet, order_acknowledgement_from_855


def transform(response_855: TransactionSet) -> OrderAcknowledgement:
    made = order_acknowledgement_from_855(response_855)
    if response_855.supplier_number and made.supplier_number != response_855.supplier_number:
        remedy = "call the supplier under the number that you have from before"
        raise DocumentError("it names another supplier than its sender", where="N104", remedy=remedy)
    return made
