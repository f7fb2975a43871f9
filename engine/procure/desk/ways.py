"""Which matters hang together: requisition, order, payment, the bank's words. Read for lineage, upward and downward.

Upward and downward are followed apart: a payment that pays two orders does not make one order part of the other's way.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable

from engine.canonical import BankStatusReport, Invoice, Payment, PostingResult, PurchaseOrder
from engine.ports.p2p_operations import RecordSearch
from engine.ports.procure import Records, Reference
from engine.procure.papers import Papers, papers_of
from engine.procure.suppliers.papers import bank_dossier, number_dossier, payment_dossier

_MOST = 50  # matters of one way
_Step = Callable[[str, Papers], AsyncIterator[str]]


class Ways:
    def __init__(self, records: Records, search: RecordSearch) -> None:
        self._records, self._search = records, search

    async def along(self, begin: Iterable[str]) -> list[str]:
        """These matters, those that they came from, and those that came of them."""
        first = list(begin)
        up, down = await self._closed(first, self._up), await self._closed(first, self._down)
        return list(dict.fromkeys((*first, *up, *down)))

    async def of_number(self, number: str) -> list[str]:
        """Matters in which a system gave something this number."""
        papers = papers_of(await self._records.load(number_dossier(number)))
        return sorted({one.dossier for one in papers.newest(PostingResult)})

    async def _closed(self, begin: list[str], step: _Step) -> list[str]:
        seen, line = dict.fromkeys(begin), list(begin)
        while line and len(seen) < _MOST:
            key = line.pop(0)
            async for other in step(key, papers_of(await self._records.load(key))):
                if other not in seen:
                    seen[other] = None
                    line.append(other)
        return list(seen)

    async def _up(self, dossier: str, papers: Papers) -> AsyncIterator[str]:
        for order in papers.newest(PurchaseOrder):
            for number in order.requisition_numbers:
                yield f"requisition:{number}"
        for report in papers.newest(BankStatusReport):
            if report.payment_number and dossier.startswith("bank:"):
                yield payment_dossier(report.payment_number)
        for payment in papers.newest(Payment):
            if dossier.startswith("bank:"):
                yield payment_dossier(payment.payment_number)
                continue
            for paid in payment.invoices:
                invoice = Reference(Invoice.kind, f"{payment.supplier_number}/{paid.invoice_number}")
                for other in await self._search.dossiers_holding(invoice):
                    if other.startswith(("order:", "invoice:")):
                        yield other

    async def _down(self, dossier: str, papers: Papers) -> AsyncIterator[str]:
        word, _, number = dossier.partition(":")
        if word == "requisition":
            for given, _at in await self._search.commands(dossier):
                if given.command.kind == PurchaseOrder.kind:
                    yield f"order:{given.command.natural_key}"
            for order in papers_of(await self._records.load(number_dossier(number))).newest(PurchaseOrder):
                yield f"order:{order.order_number}"
        for invoice in papers.newest(Invoice):
            async for other in self._looking_at(Reference(invoice.kind, invoice.natural_key), "payment:"):
                yield other
        for payment in papers.newest(Payment):
            if payment.bank_reference and word == "payment":
                yield bank_dossier(payment.bank_reference)

    async def _looking_at(self, reference: Reference, begins: str) -> AsyncIterator[str]:
        for other in await self._records.dossiers_with(reference):
            if other.startswith(begins):
                yield other
