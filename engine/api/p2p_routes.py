"""The procure-to-pay part of the JSON API: work queue, decisions, where an order or invoice stands, lineage."""

from __future__ import annotations

from starlette.responses import Response

from engine.api.answers import answer
from engine.api.reading import BadRequestError, need_reason, read
from engine.core.errors import NotFoundError
from engine.ports.accounts import Role
from engine.ports.p2p_operations import CaseAsk
from engine.ports.procure import CaseQuery
from engine.ports.web import Call, WebRoute

CASES_LIMIT = 1000
STATES = ("open", "decided", "gone")


async def cases(call: Call) -> Response:
    return answer(await call.operations.p2p.cases(_query(call), call.who))


async def case(call: Call) -> Response:
    found = await call.operations.p2p.case(_part(call, "ref"), call.who)
    if found is None:
        raise NotFoundError("there is no such case")
    return answer(found)


async def act(call: Call) -> Response:
    ask = read(call, CaseAsk)
    need_reason(ask.reason)
    return answer(await call.operations.p2p.act(_part(call, "ref"), ask, call.who, "api"))


async def order(call: Call) -> Response:
    found = await call.operations.p2p.order(_part(call, "number"), call.who)
    if found is None:
        raise NotFoundError("there is no such order")
    return answer(found)


async def invoice(call: Call) -> Response:
    found = await call.operations.p2p.invoice(_part(call, "supplier"), _part(call, "number"), call.who)
    if found is None:
        raise NotFoundError("there is no such invoice")
    return answer(found)


async def supplier(call: Call) -> Response:
    found = await call.operations.p2p.supplier(_part(call, "number"), call.who)
    if found is None:
        raise NotFoundError("there is no such supplier")
    return answer(found)


async def summary(call: Call) -> Response:
    return answer(await call.operations.p2p.summary(call.who))


async def lineage(call: Call) -> Response:
    found = await call.operations.p2p.lineage(_part(call, "asked"), call.who)
    if found is None:
        raise NotFoundError("nothing is known of this number")
    return answer(found)


async def lot(call: Call) -> Response:
    item, number = call.query("item")[:200], call.query("lot")[:200]
    if not item:
        raise BadRequestError("item is required: item number, device identifier or label")
    found = await call.operations.p2p.lot(item, number, call.who)
    if found is None:
        raise NotFoundError("no document names this lot of this item")
    return answer(found)


def _query(call: Call) -> CaseQuery:
    limit = call.query("limit") or "100"
    if not limit.isdecimal() or not 1 <= int(limit[:6]) <= CASES_LIMIT:
        raise BadRequestError(f"limit must be 1 to {CASES_LIMIT}")
    state = call.query("state") or "open"
    if state not in {*STATES, "any"}:
        raise BadRequestError(f"state is any, {', '.join(STATES)}")
    return CaseQuery(
        states=STATES if state == "any" else (state,),
        owner=call.query("owner") or None,
        type=call.query("type") or None,
        supplier=call.query("supplier") or None,
        facility=call.query("facility") or None,
        limit=int(limit),
    )


def _part(call: Call, name: str) -> str:
    return str(call.request.path_params[name])[:200]


ROUTES: tuple[WebRoute, ...] = (
    WebRoute("GET", "/api/p2p/summary", Role.VIEWER, summary),
    WebRoute("GET", "/api/p2p/cases", Role.VIEWER, cases),
    WebRoute("GET", "/api/p2p/cases/{ref}", Role.VIEWER, case),
    WebRoute("POST", "/api/p2p/cases/{ref}/actions", Role.OPERATOR, act),
    WebRoute("GET", "/api/p2p/invoices/{supplier}/{number:path}", Role.VIEWER, invoice),
    WebRoute("GET", "/api/p2p/orders/{number:path}", Role.VIEWER, order),
    WebRoute("GET", "/api/p2p/suppliers/{number}", Role.VIEWER, supplier),
    WebRoute("GET", "/api/p2p/lots", Role.VIEWER, lot),
    WebRoute("GET", "/api/p2p/lineage/{asked:path}", Role.VIEWER, lineage),
)
