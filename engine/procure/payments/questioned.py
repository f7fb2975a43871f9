"""Invoices that were posted, and by what is known now would not be: what pays them waits until people looked.

A run leaves out what has an open exception; this is for what came between its proposal and its release.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.canonical import Invoice, Payment, PostingResult
from engine.procure.decision import World
from engine.procure.matching.purchase import decide_purchase
from engine.procure.papers import Papers, own_dossier

QUESTIONED = "invoice_in_question"


def questioned(payment: Payment, world: World) -> Iterator[str]:
    """Numbers of those that the payment pays."""
    for number in dict.fromkeys(part.invoice_number for part in payment.invoices):
        invoice = world.find(Invoice, f"{payment.supplier_number}/{number}")
        if invoice is not None and _is_questioned(invoice, world):
            yield number


def _is_questioned(invoice: Invoice, world: World) -> bool:
    home, key = own_dossier(invoice), invoice.natural_key
    papers = world.papers(home)
    posted = _posted_at(key, papers)
    if posted is None or not _came_since(papers, posted):
        return False
    places = (one.place for one in decide_purchase(papers, world, home).findings)
    return any(place == key or place.startswith(f"{key}/") for place in places)


def _posted_at(key: str, papers: Papers) -> int | None:
    answers = [
        paper.record.at_micros
        for paper in papers.all
        if isinstance(paper.document, PostingResult)
        and (paper.document.command, paper.document.subject_key, paper.document.ok) == ("post_invoice", key, True)
    ]
    return max(answers, default=None)


def _came_since(papers: Papers, at_micros: int) -> bool:
    """Without that, nothing there could be decided otherwise than it was."""
    return any(
        paper.record.at_micros > at_micros and not isinstance(paper.document, PostingResult) for paper in papers.all
    )
