"""What a credit memo says that it credits: an invoice that nobody knows, or that was refused, is asked about first."""

from __future__ import annotations

from engine.canonical import Invoice, InvoiceKind
from engine.core.clock import from_micros
from engine.procure.decision import Finding, World
from engine.procure.matching.duplicate_keys import normal_number, supplier_key
from engine.procure.matching.people import SENT_BACK, Acts
from engine.procure.matching.validate_invoice import found
from engine.procure.papers import Papers
from engine.procure.waiting import Waiting, waiting_for

_SOURCE = "invoices"
_ORIGINAL = "OI"  # X12 REF01: original invoice number


def originals_of(credit: Invoice) -> tuple[str, ...]:
    """The numbers that a credit memo names."""
    if credit.invoice_kind is not InvoiceKind.CREDIT_MEMO:
        return ()
    named = [credit.original_invoice_number] if credit.original_invoice_number else []
    return tuple(dict.fromkeys(named or [one.value for one in credit.references if one.scheme == _ORIGINAL]))


def against_original(credit: Invoice, papers: Papers, acts: Acts, world: World) -> Finding | Waiting | None:
    """None: each is known here, however its number is written, and was not sent back; or the credit names none."""
    told = (_against(credit, number, papers, acts, world) for number in originals_of(credit))
    return next((one for one in told if one is not None), None)


def _against(credit: Invoice, number: str, papers: Papers, acts: Acts, world: World) -> Finding | Waiting | None:
    known = _known(credit, normal_number(number), papers, world)
    if known:
        refused = [one for one in known if _is_sent_back(one, acts)]
        return _refused(credit, number) if len(refused) == len(known) else None
    waiting = waiting_for(world, _SOURCE, from_micros(papers.first(credit).record.at_micros))
    if waiting is not None:
        return waiting
    title = "It credits an invoice that nobody knows"
    return found(credit, "credit_original_unknown", title, "original", facts={"original": number},
                 flip=f"invoice {number}, or another number that it credits")  # fmt: skip


def wholly_credited(papers: Papers, acts: Acts) -> frozenset[str]:
    """Keys of the order's invoices that a credit memo of the same amount names: what is billed anew in their place is
    no duplicate of theirs. Whether the goods were asked for twice, their quantities tell."""
    every = papers.newest(Invoice)
    memos = [one for one in every if originals_of(one) and not _is_sent_back(one, acts)]
    named = {(one.supplier_number, normal_number(of), one.stated_total) for one in memos for of in originals_of(one)}
    if not named:  # as almost always
        return frozenset()
    return frozenset(
        one.natural_key
        for one in every
        if one.invoice_kind is InvoiceKind.INVOICE
        and (one.supplier_number, normal_number(one.invoice_number), one.stated_total) in named
    )


def _is_sent_back(invoice: Invoice, acts: Acts) -> bool:
    last = acts.last(invoice.natural_key)
    return last is not None and last.action in SENT_BACK


def _refused(credit: Invoice, number: str) -> Finding:
    """What was never to be paid is not credited either: other invoices would be paid so much less."""
    title, flip = "It credits an invoice that was sent back", f"invoice {number} posted, or the credit sent back, too"
    return found(credit, "credit_original_refused", title, "original", facts={"original": number}, flip=flip)


def _known(credit: Invoice, normal: str, papers: Papers, world: World) -> list[Invoice]:
    """Among those of the order, whoever sent them: suppliers merge; else among all of its supplier."""
    alike = world.papers(supplier_key(credit.supplier_number, normal))
    known = {one.natural_key: one for one in (*alike.newest(Invoice), *papers.newest(Invoice))}
    numbered = (one for one in known.values() if normal_number(one.invoice_number) == normal)
    return [one for one in numbered if one.invoice_kind is InvoiceKind.INVOICE]
