"""865 to OrderChange. Source: X12 004010 and 005010, 865; one file of config/partners for each sender."""

from engine.sdk import DocumentError, OrderChange, TransactionSet, order_change_from_865


def transform(change_865: TransactionSet) -> OrderChange:
    made = order_change_from_865(change_865)
    if change_865.supplier_number and made.supplier_number != change_865.supplier_number:
        remedy = "call the supplier under the number that you have from before"
        raise DocumentError("it names another supplier than its sender", where="N104", remedy=remedy)
    return made
