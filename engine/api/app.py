"""The web application: the JSON API and, when given, the console's pages, all behind one gate."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from engine.api.approvals import ROUTES as APPROVAL_ROUTES
from engine.api.gate import Gate
from engine.api.measures import ROUTES as MEASURE_ROUTES
from engine.api.p2p_routes import ROUTES as P2P_ROUTES
from engine.api.partner_routes import ROUTES as PARTNER_ROUTES
from engine.api.payments import ROUTES as PAYMENT_ROUTES
from engine.api.routes import EVENTS, ROUTES
from engine.api.security import SecurityHeaders
from engine.core.errors import NotFoundError
from engine.ports.accounts import Accounts
from engine.ports.audit import Audit
from engine.ports.operations import Operations
from engine.ports.partners import PartnerTokens
from engine.ports.web import Access, Call, Pages, WebRoute, WebSettings
from engine.telemetry import Registry

ALL_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def build_app(
    operations: Operations,
    accounts: Accounts,
    audit: Audit,
    settings: WebSettings | None = None,
    pages: Pages | None = None,
    events: Registry | None = None,
    partners: PartnerTokens | None = None,
) -> ASGIApp:
    """Serve with `engine.api.serve`.

    Args:
        pages: `engine.console.pages()`, or None for the API alone.
        events: what events have counted, for `/metrics`; None: the figures of the status only.
        partners: tokens of suppliers; None: nobody has one.
    """
    settings = settings or WebSettings()
    secure = settings.tls is not None or settings.behind_tls_proxy
    gate = Gate(operations, accounts, audit, secure=secure, pages=pages, partners=partners)
    served = [Route(r.path, gate.endpoint(r), methods=[r.method]) for r in route_table(pages)]
    # HEAD comes with GET; what matches no line must not tell a stranger that it does not exist
    unknown = [
        Route(path, gate.endpoint(WebRoute("*", path, Access.SIGNED_IN, _unknown, page=page)), methods=ALL_METHODS)
        for path, page in (("/api/{rest:path}", False), ("/{rest:path}", True))
    ]
    app = Starlette(routes=[*served, *unknown])
    setattr(app.state, EVENTS, events)
    return SecurityHeaders(app, secure=secure)


def route_table(pages: Pages | None = None) -> tuple[WebRoute, ...]:
    """Every route with its rule: what is served, and what the tests walk."""
    own = ROUTES + P2P_ROUTES + APPROVAL_ROUTES + MEASURE_ROUTES + PAYMENT_ROUTES + PARTNER_ROUTES
    return own + (tuple(pages.routes) if pages else ())


async def _unknown(call: Call) -> Response:
    raise NotFoundError("there is nothing at this address")
