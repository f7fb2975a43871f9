"""810 to Invoice."""

from engine.sdk import Invoice, TransactionSet, invoice_from_810


def transform(invoice_810: TransactionSet) -> Invoice:
    return invoice_from_810(invoice_810)
