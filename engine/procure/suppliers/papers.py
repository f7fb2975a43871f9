"""To which dossiers documents about suppliers, payments, postings and comparisons belong."""

from __future__ import annotations

from engine.canonical import (
    BankStatusReport,
    Document,
    Payment,
    PostingResult,
    ReconciliationReport,
    SanctionsScreening,
    Supplier,
    SupplierMerge,
)
from engine.procure.suppliers.names import same_entity_dossiers


def supplier_dossier(number: str) -> str:
    return f"supplier:{number}"


def payment_dossier(number: str) -> str:
    return f"payment:{number}"


def bank_dossier(reference: str) -> str:
    """Where a bank's words wait that name no payment of ours."""
    return f"bank:{reference}"


def number_dossier(number: str) -> str:
    """By which what bears a number of another system, or came of a requisition, is found again."""
    return f"number:{number}"


def paid_dossier(supplier_number: str, invoice_number: str) -> str:
    """Where all payments of an invoice are found together."""
    return number_dossier(f"paid:{supplier_number}/{invoice_number}")


def belongs_to(document: Document) -> tuple[str, ...]:
    """Empty: it is about something else."""
    if isinstance(document, Supplier):
        return (supplier_dossier(document.supplier_number), *same_entity_dossiers(document))
    if isinstance(document, SupplierMerge):
        return supplier_dossier(document.absorbed_number), supplier_dossier(document.survivor_number)
    if isinstance(document, SanctionsScreening):
        return (supplier_dossier(document.supplier_number),)
    if isinstance(document, PostingResult):
        return (document.dossier, *([number_dossier(document.reference)] if document.reference else []))
    if isinstance(document, ReconciliationReport):
        return (f"reconciliation:{document.natural_key}",)
    return _of_payment(document)


def _of_payment(document: Document) -> tuple[str, ...]:
    if isinstance(document, Payment):
        reference = (bank_dossier(document.bank_reference),) if document.bank_reference else ()
        paid = (paid_dossier(document.supplier_number, one.invoice_number) for one in document.invoices)
        return (payment_dossier(document.payment_number), *reference, *dict.fromkeys(paid))
    if isinstance(document, BankStatusReport):
        if document.payment_number:
            return (payment_dossier(document.payment_number),)
        return (bank_dossier(document.bank_reference or document.natural_key),)
    return ()
