"""What a supplier's program may ask: how its own invoices and their payments stand, and nothing else.

The token says which supplier asks; no address names one. The description in OpenAPI is made from the route table.
"""

from __future__ import annotations

import re
import typing
from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import Response

from engine import __version__
from engine.api.answers import answer
from engine.api.reading import BadRequestError
from engine.core.errors import NotFoundError
from engine.ports.accounts import Role
from engine.ports.p2p_operations import InvoiceStatus
from engine.ports.web import Access, Call, WebRoute

INVOICES_LIMIT = 200
_WORDS = {
    "matched": "approved", "posted": "approved", "to be posted": "approved", "exception": "in_review",
    "waiting": "waiting", "duplicate": "in_review", "rejected": "returned", "returned": "returned",
}  # fmt: skip

_PAYMENT_WORDS = {"disputed": "in_review"}  # who contradicts whom is our affair


class PartnerInvoice(msgspec.Struct, frozen=True):
    """What a supplier is told. `state`: received, waiting, in_review, approved, returned; `payment` as the ERP or
    the bank has it; amounts are exact, as text."""

    invoice_number: str
    state: str
    amount: str
    currency: str
    order_number: str | None
    invoiced_on: str | None
    waits_for: str | None
    payment: str | None
    paid_on: str | None


async def invoices(call: Call) -> Response:
    """Your newest invoices with their states."""
    limit = call.query("limit") or "50"
    if not limit.isdecimal() or not 1 <= int(limit[:6]) <= INVOICES_LIMIT:
        raise BadRequestError(f"limit must be 1 to {INVOICES_LIMIT}")
    found = await call.operations.p2p.invoices_of(_supplier(call), int(limit), call.who)
    return answer([_told(one) for one in found])


async def invoice(call: Call) -> Response:
    """One of your invoices, by your number."""
    number = str(call.request.path_params["number"])[:80]
    found = await call.operations.p2p.invoice(_supplier(call), number, call.who)
    if found is None:
        raise NotFoundError("you have sent no such invoice")
    return answer(_told(found))


async def description(call: Call) -> Response:
    """This description."""
    return answer(openapi(ROUTES))


# ------------------------------------------------------------------ tokens, for administrators
async def issue(call: Call) -> Response:
    supplier = _named(call)
    token = await _tokens(call).issue(supplier, call.who)
    await call.audit.record(call.who, "partner.token", f"supplier {supplier}", "issued")
    return answer({"supplier": supplier, "token": token})


async def withdraw(call: Call) -> Response:
    supplier = _named(call)
    ended = await _tokens(call).withdraw(supplier)
    await call.audit.record(call.who, "partner.token", f"supplier {supplier}", f"{ended} withdrawn")
    return answer({"supplier": supplier, "withdrawn": ended})


async def listed(call: Call) -> Response:
    return answer(await _tokens(call).tokens())


def _tokens(call: Call) -> Any:
    if call.partners is None:
        raise NotFoundError("this engine has no partner tokens")
    return call.partners


def _named(call: Call) -> str:
    return str(call.request.path_params["supplier"])[:80]


def _supplier(call: Call) -> str:
    if call.partner is None:
        raise NotFoundError("no supplier asks")
    return call.partner


def _told(status: InvoiceStatus) -> PartnerInvoice:
    return PartnerInvoice(
        invoice_number=status.invoice_number,
        state=_WORDS.get(status.state, "in_review" if status.cases else "received"),
        amount=status.amount,
        currency=status.currency,
        order_number=status.order_number,
        invoiced_on=status.invoiced_on,
        waits_for=status.waits_for,
        payment=_PAYMENT_WORDS.get(status.payment or "", status.payment),
        paid_on=status.paid_on,
    )


# ------------------------------------------------------------------ OpenAPI 3.1
def openapi(routes: tuple[WebRoute, ...]) -> dict[str, Any]:
    """The description of every route that partners may call."""
    paths: dict[str, Any] = {}
    for route in routes:
        if route.rule is Access.PARTNER:
            path = re.sub(r"{(\w+):path}", r"{\1}", route.path)
            paths.setdefault(path, {})[route.method.lower()] = _operation(route, path)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Isthmus partner API", "version": __version__},
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Invoice": _schema(PartnerInvoice)},
        },
    }


def _operation(route: WebRoute, path: str) -> dict[str, Any]:
    named = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", path)
    ]
    limit = {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": INVOICES_LIMIT}}
    reference = {"$ref": "#/components/schemas/Invoice"}
    shapes: Mapping[Any, Any] = {invoices: {"type": "array", "items": reference}, invoice: reference}
    content = {"application/json": {"schema": shapes.get(route.handler, {"type": "object"})}}
    refused = {"401": "no token, or it is not good any more", "404": "there is none", "429": "asked too often"}
    return {
        "operationId": getattr(route.handler, "__name__", "call"),
        "summary": (route.handler.__doc__ or "").strip(),
        "parameters": [*named, *([limit] if route.handler is invoices else [])],
        "responses": {"200": {"description": "good", "content": content}}
        | {status: {"description": text} for status, text in refused.items()},
    }


def _schema(kind: type[msgspec.Struct]) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    optional = {name: type(None) in typing.get_args(hint) for name, hint in hints.items()}
    properties = {name: {"type": ["string", "null"] if optional[name] else "string"} for name in hints}
    return {"type": "object", "properties": properties, "required": list(hints)}


ROUTES: tuple[WebRoute, ...] = (
    WebRoute("GET", "/partner/v1/invoices", Access.PARTNER, invoices),
    WebRoute("GET", "/partner/v1/invoices/{number:path}", Access.PARTNER, invoice),
    WebRoute("GET", "/partner/v1/openapi.json", Access.PARTNER, description),
    WebRoute("GET", "/api/partners/tokens", Role.ADMIN, listed),
    WebRoute("POST", "/api/partners/{supplier}/tokens", Role.ADMIN, issue),
    WebRoute("POST", "/api/partners/{supplier}/withdraw", Role.ADMIN, withdraw),
)
