"""810 to Invoice. Source: X12 004010 and 005010, 810; one file of config/partners for each sender.

Amounts with implied decimals (TDS01, SAC05) and written ones (IT104) are told apart by the set's definition. Lines,
charges and taxes must add up to the stated total to the cent, rounded line by line or in all: if not, the invoice is
HELD and nothing is paid. So is an invoice in the name of another supplier than the partner who sent it. A remit-to
that is not the supplier's is a case of the process: no invoice says by itself where money goes.
"""

from engine.sdk import DocumentError, Invoice, TransactionSet, invoice_from_810


def transform(invoice_810: TransactionSet) -> Invoice:
    invoice = invoice_from_810(invoice_810)
    if invoice_810.supplier_number and invoice.supplier_number != invoice_810.supplier_number:
        remedy = "call the supplier's accounts receivable, under the number that you have from before"
        raise DocumentError("the invoice names another supplier than its sender", where="N104", remedy=remedy)
    if any(line.quantity.amount < 0 or line.price.amount < 0 for line in invoice.lines):
        remedy = "ask the supplier for a credit memo (BIG07 CR) with amounts above zero"
        raise DocumentError("quantities and prices are never negative", where="IT102", remedy=remedy)
    return invoice.model_copy(update={"remit_to": remit_to(invoice)})


def remit_to(invoice: Invoice) -> str | None:
    """N1 RE or RI by our number (92): one of the supplier's remit-to's, unless it is the supplier itself."""
    named = [one.identifier for one in invoice.parties if one.role in ("RE", "RI") and one.identifier]
    codes = [one.value for one in named if one.scheme == "BUYER_ASSIGNED"]
    return next((code for code in codes if code != invoice.supplier_number), None)
