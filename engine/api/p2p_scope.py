"""The procure-to-pay process of a person who answers for some facilities only: other matters do not exist for them."""

from __future__ import annotations

import msgspec

from engine.core.errors import NotFoundError
from engine.ports.lots import LotView
from engine.ports.p2p_operations import (
    CaseAsk,
    CaseRow,
    CaseView,
    Hit,
    InvoiceStatus,
    Lineage,
    OrderView,
    P2pOperations,
    Strip,
    SupplierView,
)
from engine.ports.procure import CaseQuery


class ScopedP2p:
    """A matter that names no facility is for all-seers."""

    def __init__(self, inner: P2pOperations, facilities: frozenset[str]) -> None:
        self._inner, self._facilities = inner, facilities

    async def cases(self, query: CaseQuery, who: str) -> list[CaseRow]:
        wanted = self._facilities if query.facility is None else self._facilities & {query.facility}
        rows = [
            row
            for facility in sorted(wanted)
            for row in await self._inner.cases(msgspec.structs.replace(query, facility=facility), who)
        ]
        rows.sort(key=lambda row: (-row.rank, row.due_at is None, row.due_at or row.opened_at, row.case_id))
        return rows[: query.limit]

    async def case(self, ref: str, who: str) -> CaseView | None:
        found = await self._inner.case(ref, who)
        return found if found is not None and await self._sees_case(found.row) else None

    async def act(self, ref: str, ask: CaseAsk, who: str, origin: str) -> CaseRow:
        if await self.case(ref, who) is None:
            raise NotFoundError("there is no such case", where=ref)
        return await self._inner.act(ref, ask, who, origin)

    async def order(self, number: str, who: str) -> OrderView | None:
        """Of an order of several facilities, invoices and cases that name another one are left out."""
        found = await self._inner.order(number, who) if await self._sees(f"order:{number}") else None
        if found is None:
            return None
        mine = self._facilities | {None}
        return msgspec.structs.replace(
            found,
            invoices=[one for one in found.invoices if one.facility in mine],
            cases=[one for one in found.cases if one.facility in mine],
        )

    async def invoice(self, supplier: str, number: str, who: str) -> InvoiceStatus | None:
        found = await self._inner.invoice(supplier, number, who)
        return found if found is not None and await self._sees_invoice(found) else None

    async def invoices_of(self, supplier: str, limit: int, who: str) -> list[InvoiceStatus]:
        found = await self._inner.invoices_of(supplier, limit, who)
        return [one for one in found if await self._sees_invoice(one)]

    async def supplier(self, number: str, who: str) -> SupplierView | None:
        return await self._inner.supplier(number, who) if await self._sees(f"supplier:{number}") else None

    async def find(self, text: str, who: str) -> list[Hit]:
        return [hit for hit in await self._inner.find(text, who) if await self._sees(hit.dossier)]

    async def facilities(self, dossier: str) -> frozenset[str]:
        return self._facilities & await self._inner.facilities(dossier)

    async def summary(self, who: str, facilities: frozenset[str] | None = None) -> Strip:
        return await self._inner.summary(who, self._facilities if facilities is None else self._facilities & facilities)

    async def lot(self, item: str, lot: str, who: str, facilities: frozenset[str] | None = None) -> LotView | None:
        wanted = self._facilities if facilities is None else self._facilities & facilities
        return await self._inner.lot(item, lot, who, wanted)

    async def lineage(self, asked: str, who: str) -> Lineage | None:
        """Seen when all of its dossiers that name a facility are: a way through another one would show that, too.

        Payments and the bank's words name none: they are seen by whoever sees what is paid.
        """
        found = await self._inner.lineage(asked, who)
        if found is None:
            return None
        named = [await self._inner.facilities(dossier) for dossier in found.dossiers]
        seen = [bool(one & self._facilities) for one in named if one]
        return found if seen and all(seen) else None

    async def _sees(self, dossier: str) -> bool:
        return bool(await self.facilities(dossier))

    async def _sees_case(self, row: CaseRow) -> bool:
        return row.facility in self._facilities if row.facility else await self._sees(row.dossier)

    async def _sees_invoice(self, status: InvoiceStatus) -> bool:
        if status.facility:
            return status.facility in self._facilities
        key = f"invoice:{status.supplier}/{status.invoice_number}"
        return await self._sees(f"order:{status.order_number}" if status.order_number else key)
