"""What a credit memo says that it credits: an invoice that nobody knows is asked about before the credit is posted."""

from __future__ import annotations

from engine.canonical import Invoice, InvoiceKind
from engine.core.clock import from_micros
from engine.procure.decision import Finding, World
from engine.procure.matching.duplicate_keys import normal_number, supplier_key
from engine.procure.matching.validate_invoice import found
from engine.procure.papers import Papers
from engine.procure.waiting import Waiting, waiting_for

_SOURCE = "invoices"
_ORIGINAL = "OI"  # X12 REF01: original invoice number


def original_of(credit: Invoice) -> str | None:
    """The number that a credit memo names."""
    if credit.invoice_kind is not InvoiceKind.CREDIT_MEMO:
        return None
    named = (one.value for one in credit.references if one.scheme == _ORIGINAL)
    return credit.original_invoice_number or next(named, None)


def original_unknown(credit: Invoice, papers: Papers, world: World) -> Finding | Waiting | None:
    """None: it is known here, however its number is written; or the credit names none."""
    number = original_of(credit)
    if number is None or _is_known(credit, normal_number(number), papers, world):
        return None
    waiting = waiting_for(world, _SOURCE, from_micros(papers.first(credit).record.at_micros))
    if waiting is not None:
        return waiting
    title = "It credits an invoice that nobody knows"
    return found(credit, "credit_original_unknown", title, "original", facts={"original": number},
                 flip=f"invoice {number}, or another number that it credits")  # fmt: skip


def _is_known(credit: Invoice, normal: str, papers: Papers, world: World) -> bool:
    """Among those of the order, whoever sent them: suppliers merge; else among all of its supplier."""
    alike = world.papers(supplier_key(credit.supplier_number, normal))
    known = (*papers.newest(Invoice), *alike.newest(Invoice))
    return any(one.invoice_kind is InvoiceKind.INVOICE and normal_number(one.invoice_number) == normal for one in known)
