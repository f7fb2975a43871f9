"""What a decision will look at beside its dossier, told from the documents that it holds.

Only time depends on it: what was not foreseen is looked up when it is asked for, and the dossier is decided once more;
what was foreseen in vain is not what it was decided by.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.canonical import Invoice, PurchaseOrder, Supplier
from engine.ports.procure import Reference
from engine.procure.decision import DOSSIER
from engine.procure.matching.duplicate_keys import alike_dossiers
from engine.procure.papers import Papers, orders_of


def foreseen(dossier: str, papers: Papers) -> Iterator[Reference]:
    """
    Args:
        dossier: what is decided over.
    """
    for invoice in papers.newest(Invoice):
        yield Reference(Supplier.kind, invoice.supplier_number)
        for key in (*alike_dossiers(invoice), *(f"order:{one}" for one in orders_of(invoice))):
            if key != dossier:
                yield Reference(DOSSIER, key)
    for order in papers.newest(PurchaseOrder):
        yield Reference(Supplier.kind, order.supplier_number)
