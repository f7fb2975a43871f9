"""Payments over the API: calls, the control socket's client, and what a person's facilities show."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import msgspec
from starlette.responses import Response

from engine.api.answers import answer
from engine.api.reading import BadRequestError
from engine.api.wire import from_wire
from engine.core.errors import NotFoundError
from engine.ports.accounts import Role
from engine.ports.payments import (
    GROUPS,
    PaidPart,
    PaymentAsk,
    PaymentOperations,
    PaymentRow,
    PaymentView,
    RunRow,
    RunView,
)
from engine.ports.web import Call, WebRoute
from engine.procure.payments.sums import counted
from engine.procure.payments.words import without_figures

MOST = 1000
_PAYMENTS, _RUNS = "/api/p2p/payments", "/api/p2p/payment-runs"


# ------------------------------------------------------------------ calls
async def payments(call: Call) -> Response:
    return answer(await call.operations.payments.payments(asked(call), call.who))


async def payment(call: Call) -> Response:
    found = await call.operations.payments.payment(_number(call), call.who)
    if found is None:
        raise NotFoundError("there is no such payment")
    return answer(found)


async def runs(call: Call) -> Response:
    return answer(await call.operations.payments.runs(_limit(call, 40), call.who))


async def run(call: Call) -> Response:
    found = await call.operations.payments.run(_number(call), call.who)
    if found is None:
        raise NotFoundError("there is no such payment run")
    return answer(found)


def asked(call: Call) -> PaymentAsk:
    """From the query: `group`, `run`, `supplier`, `limit`.

    Raises:
        BadRequestError: there is no such group, or the limit is none.
    """
    group = call.query("group") or None
    if group is not None and group not in GROUPS:
        raise BadRequestError(f"group is {', '.join(GROUPS)}")
    return PaymentAsk(group, call.query("run")[:80] or None, call.query("supplier")[:80] or None, _limit(call, 200))


def _limit(call: Call, usual: int) -> int:
    text = call.query("limit") or str(usual)
    if not text.isdecimal() or not 1 <= int(text[:6]) <= MOST:
        raise BadRequestError(f"limit must be 1 to {MOST}")
    return int(text)


def _number(call: Call) -> str:
    return str(call.request.path_params["number"])[:80]


ROUTES: tuple[WebRoute, ...] = (
    WebRoute("GET", _PAYMENTS, Role.VIEWER, payments),
    WebRoute("GET", f"{_PAYMENTS}/{{number:path}}", Role.VIEWER, payment),
    WebRoute("GET", _RUNS, Role.VIEWER, runs),
    WebRoute("GET", f"{_RUNS}/{{number:path}}", Role.VIEWER, run),
)


# ------------------------------------------------------------------ the client
class RemotePayments:
    """`PaymentOperations` of a running engine, through its control socket; the socket knows the caller."""

    def __init__(self, get: Callable[..., Awaitable[Any]]) -> None:
        self._get = get

    async def payments(self, ask: PaymentAsk, who: str = "") -> list[PaymentRow]:
        query = {"group": ask.group, "run": ask.run, "supplier": ask.supplier, "limit": str(ask.limit)}
        return from_wire(list[PaymentRow], await self._get(_PAYMENTS, **query))

    async def payment(self, number: str, who: str = "") -> PaymentView | None:
        found = await self._get(f"{_PAYMENTS}/{quote(number)}", missing=True)
        return None if found is None else from_wire(PaymentView, found)

    async def runs(self, limit: int, who: str = "") -> list[RunRow]:
        return from_wire(list[RunRow], await self._get(_RUNS, limit=str(limit)))

    async def run(self, number: str, who: str = "") -> RunView | None:
        found = await self._get(f"{_RUNS}/{quote(number)}", missing=True)
        return None if found is None else from_wire(RunView, found)

    async def moved(self, begins: str, who: str = "") -> str:
        """Nothing here looks often: whoever asks reads it anew."""
        return ""


# ------------------------------------------------------------------ facilities
class ScopedPayments:
    """Of a person who answers for some facilities: what pays none of their invoices does not exist, and of what pays
    others, too, only their part is told. Exceptions of payments name no facility: they are for all-seers."""

    def __init__(self, inner: PaymentOperations, facilities: frozenset[str]) -> None:
        self._inner, self._facilities = inner, facilities

    async def payments(self, ask: PaymentAsk, who: str) -> list[PaymentRow]:
        return self._mine(await self._inner.payments(msgspec.structs.replace(ask, limit=MOST), who))[: ask.limit]

    async def payment(self, number: str, who: str) -> PaymentView | None:
        found = await self._inner.payment(number, who)
        row = self._part(found.row) if found is not None else None
        return None if found is None or row is None else msgspec.structs.replace(found, row=row)

    async def runs(self, limit: int, who: str) -> list[RunRow]:
        """Each is looked into: what it left unpaid has no row of its own elsewhere."""
        views = [await self.run(row.number, who) for row in await self._inner.runs(limit, who)]
        return [view.row for view in views if view is not None]

    async def run(self, number: str, who: str) -> RunView | None:
        found = await self._inner.run(number, who)
        if found is None:
            return None
        mine, left = self._mine(found.payments), [one for one in found.left if one.facility in self._facilities]
        if not mine and not left:
            return None
        whole = len(mine) == len(found.payments) and not any(one.partly for one in mine) and left == list(found.left)
        return msgspec.structs.replace(
            found,
            row=msgspec.structs.replace(counted(found.row, mine), left=len(left)),
            payments=mine,
            left=left,
            left_out=0,
            files=found.files if whole else (),  # the list is of everybody's
        )

    async def moved(self, begins: str, who: str) -> str:
        return await self._inner.moved(begins, who)

    def _mine(self, rows: Sequence[PaymentRow]) -> list[PaymentRow]:
        return [mine for row in rows if (mine := self._part(row)) is not None]

    def _part(self, row: PaymentRow) -> PaymentRow | None:
        parts = [one for one in row.parts if one.facility in self._facilities]
        if not parts:
            return None
        row = msgspec.structs.replace(row, cases=())
        return row if len(parts) == len(row.parts) else _only(row, parts)


def _only(row: PaymentRow, parts: Sequence[PaidPart]) -> PaymentRow:
    """No figure of the rest, not even in words."""
    discounts = [Decimal(one.discount) for one in parts if one.discount is not None]
    return msgspec.structs.replace(
        row,
        parts=parts,
        amount=format(sum((Decimal(one.amount) for one in parts), Decimal(0)), "f"),
        discount=format(sum(discounts, Decimal(0)), "f") if discounts else None,
        against=tuple(map(without_figures, row.against)),
        partly=True,
    )
