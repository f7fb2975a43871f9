"""Invoices that people entered in the ERP under the supplier and number of ours: shown, taken for ours, or passed by.

Each may be asked again. Source: Tryton 8.2, account_invoice: a posted invoice does not change any more.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.adapters.tryton.client import TrytonClient
from engine.adapters.tryton.documents import money_of
from engine.adapters.tryton.failures import WHERE, DuplicateInvoiceError
from engine.adapters.tryton.taken_back import invoice_domain, noted
from engine.adapters.tryton.wire import Record
from engine.canonical import Invoice
from engine.core.errors import DestinationError
from engine.ports.erp import ERP_NUMBER, Posted, Twin

_INVOICE = "account.invoice"
_FIELDS = ("number", "reference", "description", "state", "total_amount", "currency.code", "invoice_date")
_COUNTS = frozenset({"posted", "paid"})
_ENDED = "cancelled"


class Twins:
    def __init__(self, client: TrytonClient) -> None:
        self._client = client

    async def twin(self, invoice: Invoice, reference: str) -> Twin | None:
        """What counts before a draft, a draft before what was cancelled, of equals the last one."""
        others = await self._others(invoice, reference)
        found = max(others, key=lambda one: (one["state"] in _COUNTS, one["state"] != _ENDED, one["id"]), default=None)
        return None if found is None else _shown(found)

    async def adopt(self, invoice: Invoice, reference: str) -> Posted:
        """Theirs, as it was shown to who decided; drafts that we began beside it go.

        Raises:
            DuplicateInvoiceError: it is not there any more, or does not count.
        """
        wanted = next((one.value for one in invoice.references if one.scheme == ERP_NUMBER), None)
        found = await self._all(invoice)
        theirs = next((one for one in found if one["number"] == wanted and one["state"] in _COUNTS), None)
        if wanted is None or theirs is None:
            remedy = "look at it in the ERP, then decide again"
            raise DuplicateInvoiceError("the ERP's own invoice does not count any more", where=WHERE, remedy=remedy)
        for draft in _ours(found, reference):
            if draft["state"] != "draft":
                raise DestinationError("the ERP holds ours as well", where=WHERE, remedy="cancel one of them there")
            await self._client.delete(_INVOICE, draft["id"])
        return Posted(
            kind=invoice.kind,
            natural_key=invoice.natural_key,
            reference=str(theirs["number"]),
            record=str(theirs["id"]),
            state=theirs["state"],
            total=money_of(theirs["total_amount"]),
            currency=theirs["currency"]["code"],
            already_there=True,
        )

    async def may_be_posted_beside(self, invoice: Invoice, record: int) -> bool:
        """A person wants it posted, and all that stands there in its place is cancelled."""
        others = [one for one in await self._all(invoice) if one["id"] != record]
        return all(one["state"] == _ENDED for one in others)

    async def _others(self, invoice: Invoice, reference: str) -> Sequence[Record]:
        """Without ours that are under way, and without those that we took back ourselves."""
        found = await self._all(invoice)
        under_way = {one["id"] for one in _ours(found, reference)}
        ours = [one["id"] for one in found if one["description"] == reference and one["state"] == _ENDED]
        taken_back = await noted(self._client, ours)
        return [one for one in found if one["id"] not in under_way | taken_back]

    async def _all(self, invoice: Invoice) -> Sequence[Record]:
        return await self._client.read(_INVOICE, invoice_domain(invoice.natural_key), _FIELDS)


def _ours(found: Sequence[Record], reference: str) -> list[Record]:
    return [one for one in found if one["description"] == reference and one["state"] != _ENDED]


def _shown(record: Record) -> Twin:
    return Twin(
        reference=str(record["number"] or record["id"]),
        number=str(record["reference"]),
        state=record["state"],
        is_posted=record["state"] in _COUNTS,
        total=money_of(record["total_amount"]),
        currency=record["currency"]["code"],
        dated=record["invoice_date"],
    )
