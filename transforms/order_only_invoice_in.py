"""810 to Invoice, or back to the supplier as 824. Source: X12 810 and 824; contracts that say "no order, no pay".

An invoice that names no order (007) or does not add up (010) is rejected; the reasons hold no value of the invoice.
"""

from engine.sdk import ApplicationAdvice, DocumentError, Invoice, TransactionSet, advice_on, invoice_from_810


def transform(invoice_810: TransactionSet) -> Invoice | ApplicationAdvice:
    number = invoice_810.require("BIG02")
    if invoice_810.get("BIG04") is None:
        return advice_on(invoice_810, number, "007", "The contract asks for our order number", "BIG04")
    try:
        return invoice_from_810(invoice_810)
    except DocumentError as error:
        if error.where != "TDS01":
            raise
        return advice_on(invoice_810, number, "010", "Lines, charges and taxes do not add up to it", "TDS01")
