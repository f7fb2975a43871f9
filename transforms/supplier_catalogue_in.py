"""832 to Contract. Source: X12 004010 and 005010, 832; one file of config/partners for each sender.

A price that nobody can ask for is more often a slip than a gift: zero and below are for a person.
"""

from engine.sdk import Contract, DocumentError, TransactionSet, contract_from_832


def transform(catalogue_832: TransactionSet) -> Contract:
    made = contract_from_832(catalogue_832)
    if catalogue_832.supplier_number and made.supplier_number != catalogue_832.supplier_number:
        remedy = "call the supplier under the number that you have from before"
        raise DocumentError("it names another supplier than its sender", where="REF IA", remedy=remedy)
    for number, line in enumerate(made.lines, 1):
        if min(price.amount for price in (line.price, *(step.price for step in line.breaks))) <= 0:
            remedy = "ask the supplier for a new catalogue"
            raise DocumentError("a price is above zero", where=f"CTP03[{number}]", remedy=remedy)
    return made
