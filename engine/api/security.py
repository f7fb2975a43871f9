"""What every answer carries and every changing request must prove.

Source: OWASP secure headers, cross-site request forgery and session cheat sheets.
"""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.ports.web import Call

CSRF_HEADER, CSRF_FIELD = "x-csrf-token", "csrf"
SAFE_METHODS = frozenset({"GET", "HEAD"})
CONTENT_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "content-security-policy": CONTENT_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # same-origin, not no-referrer: with the latter browsers send "Origin: null" and the check below would fail
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class SecurityHeaders:
    """Around the whole application, so that errors and redirects have them too. Nothing is cached unless it says so."""

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self._app = app
        self._fixed = HEADERS | ({"strict-transport-security": "max-age=31536000"} if secure else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(self._fixed)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)


def comes_from_elsewhere(request: Request) -> bool:
    """Tell whether a browser says that another site caused this request."""
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return True
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host")


def csrf_is_right(call: Call) -> bool:
    if call.session is None:
        return True  # the control socket has no browser; public routes have no session to abuse
    given = call.request.headers.get(CSRF_HEADER) or call.field(CSRF_FIELD)
    return hmac.compare_digest(given.encode(), call.session.csrf.encode())
