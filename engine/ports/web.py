"""What the web server and the parts that answer on it promise one another.

The API (`engine/api`) authenticates, checks the rule, the origin and the size, and then calls the handler; the
console (`engine/console`) contributes routes. Neither imports the other: they meet here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from engine.ports.accounts import SESSION_LIMIT, Accounts, Role, Session, User
from engine.ports.audit import Audit
from engine.ports.operations import Operations
from engine.ports.partners import PartnerTokens


class Access(StrEnum):
    """Who may call a route without being asked for a role."""

    PUBLIC = "public"  # sign-in page, its style sheet, health; shows nothing of the site
    SIGNED_IN = "signed_in"  # one's own password, signing out
    PARTNER = "partner"  # a supplier's program with its token; no person, whatever the role


Rule = Role | Access
_DIGITS = 6


class Call:
    """One authenticated request.

    Args:
        request: its body has not been read.
        operations: already limited to the caller's facilities.
        user: None only on PUBLIC routes.
        session: None on PUBLIC routes and on the control socket.
        read: reads the body, up to the route's limit.
        form: reads and decodes a form body; its CSRF token was checked.
        partner: the supplier whose token came, on PARTNER routes.
        partners: where tokens are made; None: this server has none.
    """

    __slots__ = (
        "_body",
        "accounts",
        "audit",
        "form",
        "operations",
        "partner",
        "partners",
        "request",
        "secure",
        "session",
        "user",
    )

    def __init__(
        self,
        request: Request,
        operations: Operations,
        accounts: Accounts,
        audit: Audit,
        user: User | None,
        session: Session | None,
        secure: bool,
    ) -> None:
        self.request, self.operations, self.accounts, self.audit = request, operations, accounts, audit
        self.user, self.session, self.secure = user, session, secure
        self.partner: str | None = None
        self.partners: PartnerTokens | None = None
        self._body: bytes = b""
        self.form: Mapping[str, list[str]] = {}

    @property
    def who(self) -> str:
        """The name in audit records."""
        if self.partner is not None:
            return f"supplier:{self.partner}"
        return self.user.name if self.user else "nobody"

    @property
    def body(self) -> bytes:
        """Read by the server before the handler, after all checks."""
        return self._body

    def take(self, body: bytes, form: Mapping[str, list[str]]) -> None:
        self._body, self.form = body, form

    def field(self, name: str, default: str = "") -> str:
        """A form field, stripped of white space at both ends."""
        return (self.form.get(name) or [default])[0].strip()

    def place(self, name: str) -> int:
        """A place in a list, from the path. -1: not a number that a list could have."""
        text = str(self.request.path_params[name])
        return int(text) if text.isascii() and text.isdecimal() and len(text) <= _DIGITS else -1

    def secret(self, name: str) -> str:
        """A password field, exactly as typed."""
        return (self.form.get(name) or [""])[0]

    def query(self, name: str) -> str:
        return self.request.query_params.get(name, "").strip()


Handler = Callable[[Call], Awaitable[Response]]


class WebRoute(msgspec.Struct, frozen=True):
    """One line of the route table. No route without a rule.

    Args:
        rule: the least role that may call it, or an `Access`.
        page: answers people (refusals are pages, redirects to sign-in), not programs.
        passive: a page refreshing itself; does not keep a session alive.
        max_body_bytes: a larger body is refused before it is read.
    """

    method: str
    path: str
    rule: Rule
    handler: Handler
    page: bool = False
    passive: bool = False
    max_body_bytes: int = 65_536


class Pages(msgspec.Struct, frozen=True):
    """What the console adds to the server: its routes, and how a refusal looks to a person.

    `sign_in_path` is where a person who is not signed in is sent.
    """

    routes: Sequence[WebRoute]
    refuse: Callable[[Call, int, str], Response]
    sign_in_path: str = "/sign-in"


class TlsFiles(msgspec.Struct, frozen=True):
    """PEM files of the server."""

    certificate: Path
    key: Path


class WebSettings(msgspec.Struct, frozen=True):
    """Where and how the server listens.

    `behind_tls_proxy`: a proxy in front ends TLS, so cookies are Secure although we speak plain HTTP to it.
    """

    listen: str = "127.0.0.1:8600"
    tls: TlsFiles | None = None
    control_socket: Path | None = None
    behind_tls_proxy: bool = False


# ------------------------------------------------------------------ the session's cookie
def cookie_name(secure: bool) -> str:
    """`__Host-` binds the cookie to this host and path, which browsers allow under TLS only."""
    return "__Host-isthmus_session" if secure else "isthmus_session"


def session_token(call: Call) -> str:
    return call.request.cookies.get(cookie_name(call.secure), "")


def keep_session(response: Response, token: str, *, secure: bool) -> None:
    response.set_cookie(
        cookie_name(secure),
        token,
        max_age=int(SESSION_LIMIT.total_seconds()),
        path="/",
        secure=secure,
        httponly=True,
        samesite="strict",
    )


def forget_session(response: Response, *, secure: bool) -> None:
    response.delete_cookie(cookie_name(secure), path="/", secure=secure, httponly=True, samesite="strict")


# ------------------------------------------------------------------ the page that was wanted before signing in
_WANTED, _WANTED_SECONDS, _LONGEST = "isthmus_wanted", 600, 500


def keep_wanted(response: Response, call: Call) -> None:
    """The browser remembers for some minutes which page was asked for without a session."""
    path = call.request.url.path + (f"?{call.request.url.query}" if call.request.url.query else "")
    if len(path) <= _LONGEST:
        facts: dict[str, Any] = {"secure": call.secure, "httponly": True, "samesite": "strict"}
        response.set_cookie(_WANTED, quote(path, safe="/"), max_age=_WANTED_SECONDS, path="/sign-in", **facts)


def wanted(call: Call) -> str | None:
    """A page of ours that was asked for, and nothing else that a cookie may say."""
    path = unquote(call.request.cookies.get(_WANTED, ""))
    ours = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if ours and len(path) <= _LONGEST and path != "/" else None


def forget_wanted(response: Response) -> None:
    response.delete_cookie(_WANTED, path="/sign-in")
