"""`P2pOperations` of a running engine, through its control socket."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import quote

from engine.api.wire import from_wire, to_wire
from engine.ports.lots import LotView
from engine.ports.p2p_operations import (
    CaseAsk,
    CaseRow,
    CaseView,
    InvoiceStatus,
    Lineage,
    OrderView,
    Strip,
    SupplierView,
)
from engine.ports.procure import CaseQuery

T = TypeVar("T")
Ask = Callable[..., Awaitable[Any]]


class RemoteP2p:
    """`get` answers None for what is not found; `who` and `origin` are ignored: the socket knows the caller."""

    def __init__(self, get: Ask, post: Ask) -> None:
        self._get, self._post = get, post

    async def cases(self, query: CaseQuery, who: str = "") -> list[CaseRow]:
        asked = {name: getattr(query, name) for name in ("owner", "type", "supplier", "facility")}
        state = query.states[0] if len(query.states) == 1 else "any"
        return from_wire(list[CaseRow], await self._get("/api/p2p/cases", state=state, limit=str(query.limit), **asked))

    async def case(self, ref: str, who: str = "") -> CaseView | None:
        return await self._read(CaseView, f"/api/p2p/cases/{quote(ref, safe='')}")

    async def act(self, ref: str, ask: CaseAsk, who: str = "", origin: str = "") -> CaseRow:
        return from_wire(CaseRow, await self._post(f"/api/p2p/cases/{quote(ref, safe='')}/actions", to_wire(ask)))

    async def order(self, number: str, who: str = "") -> OrderView | None:
        return await self._read(OrderView, f"/api/p2p/orders/{quote(number)}")

    async def invoice(self, supplier: str, number: str, who: str = "") -> InvoiceStatus | None:
        return await self._read(InvoiceStatus, f"/api/p2p/invoices/{quote(supplier, safe='')}/{quote(number)}")

    async def supplier(self, number: str, who: str = "") -> SupplierView | None:
        return await self._read(SupplierView, f"/api/p2p/suppliers/{quote(number, safe='')}")

    async def summary(self, who: str = "") -> Strip:
        return from_wire(Strip, await self._get("/api/p2p/summary"))

    async def lineage(self, asked: str, who: str = "") -> Lineage | None:
        return await self._read(Lineage, f"/api/p2p/lineage/{quote(asked)}")

    async def lot(self, item: str, lot: str, who: str = "") -> LotView | None:
        return await self._read(LotView, "/api/p2p/lots", item=item, lot=lot)

    async def _read(self, kind: type[T], path: str, **query: str) -> T | None:
        found = await self._get(path, missing=True, **query)
        return None if found is None else from_wire(kind, found)
