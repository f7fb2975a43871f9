"""Approvals over the API: calls, the control socket's client, and what a person's facilities show."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from engine.api.answers import answer
from engine.api.reading import BadRequestError, need_reason, read
from engine.api.wire import from_wire, to_wire
from engine.core.errors import NotFoundError
from engine.ports.accounts import Role
from engine.ports.approvals import WHOSE, ApprovalAsk, ApprovalOperations, ApprovalRow, ApprovalView
from engine.ports.p2p_operations import P2pOperations
from engine.ports.web import Call, WebRoute

MOST = 1000
_PATH = "/api/p2p/approvals"


# ------------------------------------------------------------------ calls
async def waiting(call: Call) -> Response:
    whose, limit = call.query("whose") or "mine", call.query("limit") or "200"
    if whose not in WHOSE:
        raise BadRequestError(f"whose is {', '.join(WHOSE)}")
    if not limit.isdecimal() or not 1 <= int(limit[:6]) <= MOST:
        raise BadRequestError(f"limit must be 1 to {MOST}")
    return answer(await call.operations.approvals.waiting(whose, call.who, int(limit)))


async def approval(call: Call) -> Response:
    found = await call.operations.approvals.approval(_ref(call), call.who)
    if found is None:
        raise NotFoundError("no such approval waits")
    return answer(found)


async def answered(call: Call) -> Response:
    ask = read(call, ApprovalAsk)
    need_reason(ask.reason)
    await call.operations.approvals.answer(_ref(call), ask, call.who, "api")
    return answer({})


def _ref(call: Call) -> str:
    return str(call.request.path_params["ref"])[:40]


ROUTES: tuple[WebRoute, ...] = (
    WebRoute("GET", _PATH, Role.VIEWER, waiting),
    WebRoute("GET", f"{_PATH}/{{ref}}", Role.VIEWER, approval),
    WebRoute("POST", f"{_PATH}/{{ref}}/answers", Role.OPERATOR, answered),
)


# ------------------------------------------------------------------ the client
class RemoteApprovals:
    """`ApprovalOperations` of a running engine, through its control socket; the socket knows the caller."""

    def __init__(self, get: Callable[..., Awaitable[Any]], post: Callable[..., Awaitable[Any]]) -> None:
        self._get, self._post = get, post

    async def waiting(self, whose: str, who: str = "", limit: int = 200) -> list[ApprovalRow]:
        return from_wire(list[ApprovalRow], await self._get(_PATH, whose=whose, limit=str(limit)))

    async def approval(self, ref: str, who: str = "") -> ApprovalView | None:
        found = await self._get(f"{_PATH}/{quote(ref, safe='')}", missing=True)
        return None if found is None else from_wire(ApprovalView, found)

    async def answer(self, ref: str, ask: ApprovalAsk, who: str = "", origin: str = "") -> None:
        await self._post(f"{_PATH}/{quote(ref, safe='')}/answers", to_wire(ask))


# ------------------------------------------------------------------ facilities
class ScopedApprovals:
    """Of a person who answers for some facilities: a matter that names others does not exist.

    Suppliers, their bank details and merges name no facility. Who is asked about one by the policies sees it, or acts
    for somebody who is; all others are for people who answer for every facility.
    """

    def __init__(self, inner: ApprovalOperations, p2p: P2pOperations, facilities: frozenset[str]) -> None:
        self._inner, self._p2p, self._facilities = inner, p2p, facilities

    async def waiting(self, whose: str, who: str, limit: int = 200) -> list[ApprovalRow]:
        rows = await self._inner.waiting(whose, who, MOST)
        return [row for row in rows if await self._sees(row)][:limit]

    async def approval(self, ref: str, who: str) -> ApprovalView | None:
        found = await self._inner.approval(ref, who)
        return found if found is not None and await self._sees(found.row) else None

    async def answer(self, ref: str, ask: ApprovalAsk, who: str, origin: str) -> None:
        if await self.approval(ref, who) is None:
            raise NotFoundError("no such approval waits", where=ref)
        await self._inner.answer(ref, ask, who, origin)

    async def _sees(self, row: ApprovalRow) -> bool:
        if row.facility:
            return row.facility in self._facilities
        named = await self._p2p.facilities(row.dossier)
        return bool(named & self._facilities) if named else row.mine != ""
