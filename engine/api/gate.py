"""The one way to every handler: who are you, may you, is it from our own page, is it small enough; then the body.

Nothing of a body is read before all of that is answered. A refused request with a body closes its connection,
so that the rest of the body is never read.
"""

from __future__ import annotations

import asyncio
import logging
import os
import pwd
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs

from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response

from engine.api.answers import refusal, status_of
from engine.api.partner_gate import PartnerGate, TooOftenError
from engine.api.scope import PlanBook, ScopedOperations
from engine.api.security import SAFE_METHODS, comes_from_elsewhere, csrf_is_right
from engine.core.errors import IsthmusError
from engine.ports.accounts import Accounts, Role, Session, User
from engine.ports.audit import Audit
from engine.ports.operations import Operations
from engine.ports.partners import PartnerTokens
from engine.ports.web import Access, Call, Pages, Rule, WebRoute, cookie_name, keep_wanted

_log = logging.getLogger("isthmus.api")
PEER_UID = "peer_uid"
BODY_SECONDS = 120.0
_SIGNED_OUT = (
    "you were signed out, and nothing was done: sign in on another page, then go back here; "
    "what you typed should still be there"
)


class Refused(Exception):
    """Ends a request with a status and words for the caller."""

    def __init__(self, status: int, words: str) -> None:
        self.status, self.words = status, words
        super().__init__(words)


class Gate:
    def __init__(
        self, operations: Operations, accounts: Accounts, audit: Audit, *, secure: bool, pages: Pages | None,
        partners: PartnerTokens | None = None,
    ) -> None:  # fmt: skip
        self._operations, self._accounts, self._audit = operations, accounts, audit
        self._secure, self._pages = secure, pages
        self._plans, self._partners = PlanBook(), PartnerGate(partners)

    def endpoint(self, route: WebRoute) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            return await self._answer(route, request)

        return answer

    async def _answer(self, route: WebRoute, request: Request) -> Response:
        call = self._call(request, None, None)
        try:
            call = await self._admit(route, request)
            return await self._handle(route, call)
        except Refused as refused:
            response = self._refuse(route, call, refused)
        except IsthmusError as error:
            response = self._show(route, call, status_of(error), str(error), error)
        except ClientDisconnect:
            return Response(status_code=400)
        except Exception as error:  # one request is isolated from the others; values stay out of the log
            _log.error("%s %s failed: %s", route.method, route.path, type(error).__name__)
            response = self._show(route, call, 500, "the engine could not answer; its log has more")
        return _closing(request, response)

    # -------------------------------------------------------------- before the body
    async def _admit(self, route: WebRoute, request: Request) -> Call:
        if route.rule is Access.PARTNER:
            return await self._admit_partner(request)
        user, session = await self._who(route, request)
        call = self._call(request, user, session)
        if not _allowed(route.rule, user):
            if user is None:
                raise Refused(401, "sign in first")
            await self._audit.record(call.who, "access.refused", f"{route.method} {route.path}")
            raise Refused(403, "your role does not allow this")
        if request.method not in SAFE_METHODS and comes_from_elsewhere(request):
            raise Refused(403, "this request comes from another site")
        if int(request.headers.get("content-length") or 0) > route.max_body_bytes:
            raise Refused(413, "the body is too large")
        return call

    async def _admit_partner(self, request: Request) -> Call:
        """No session and no socket opens these: what a supplier sees is the supplier's alone."""
        call = self._call(request, None, None)
        try:
            call.partner = await self._partners.supplier(request)
        except TooOftenError:
            raise Refused(429, "asked too often: wait a minute") from None
        if call.partner is None:
            raise Refused(401, "a good token is needed")
        return call

    async def _who(self, route: WebRoute, request: Request) -> tuple[User | None, Session | None]:
        uid = request.scope.get("state", {}).get(PEER_UID)
        if uid is not None:
            return _system_user(uid), None
        token = request.cookies.get(cookie_name(self._secure))
        if token is None or route.rule is Access.PUBLIC:
            return None, None
        session = await self._accounts.session(token, touch=not route.passive)
        return (session.user, session) if session else (None, None)

    def _call(self, request: Request, user: User | None, session: Session | None) -> Call:
        facilities = user.facilities if user else ()
        operations: Operations = self._operations
        if facilities:
            operations = ScopedOperations(self._operations, frozenset(facilities), self._plans)
        call = Call(request, operations, self._accounts, self._audit, user, session, self._secure)
        call.partners = self._partners.tokens
        return call

    # -------------------------------------------------------------- the body and the handler
    async def _handle(self, route: WebRoute, call: Call) -> Response:
        if call.request.method not in SAFE_METHODS:
            body = await _read_in_time(call.request, route.max_body_bytes)
            call.take(body, _form(call.request, body))
            if route.rule is not Access.PUBLIC and not csrf_is_right(call):
                raise Refused(403, "this page is out of date: reload it and try again")
        return await route.handler(call)

    # -------------------------------------------------------------- refusing
    def _refuse(self, route: WebRoute, call: Call, refused: Refused) -> Response:
        if refused.status == 401 and route.page and self._pages and not route.passive:
            if call.request.method in SAFE_METHODS:
                response = RedirectResponse(self._pages.sign_in_path, 303)
                keep_wanted(response, call)
                return response
            return self._show(route, call, 401, _SIGNED_OUT)
        return self._show(route, call, refused.status, refused.words)

    def _show(
        self, route: WebRoute, call: Call, status: int, words: str, error: IsthmusError | None = None
    ) -> Response:
        if route.page and self._pages and not route.passive:
            return self._pages.refuse(call, status, words)
        return refusal(status, words, error)


def _allowed(rule: Rule, user: User | None) -> bool:
    if rule is Access.PUBLIC:
        return True
    return user is not None and (rule is Access.SIGNED_IN or user.role.may(Role(rule)))


def _system_user(uid: int) -> User | None:
    """Who speaks through the control socket: the engine's own user or root, as administrator; nobody else."""
    if uid not in {os.geteuid(), 0}:
        return None
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = str(uid)
    return User(name=f"os:{name}", role=Role.ADMIN)


async def _read_in_time(request: Request, limit: int) -> bytes:
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _read(request, limit)
    except TimeoutError:
        raise Refused(408, "the body did not come in time") from None


async def _read(request: Request, limit: int) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise Refused(413, "the body is too large")
        parts.append(part)
    return b"".join(parts)


def _form(request: Request, body: bytes) -> dict[str, list[str]]:
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return {}
    try:
        return parse_qs(body.decode("utf-8"), keep_blank_values=True, max_num_fields=2000)
    except ValueError:
        raise Refused(400, "the form cannot be read") from None


def _closing(request: Request, response: Response) -> Response:
    """The rest of a refused request's body is never read."""
    if "transfer-encoding" in request.headers or request.headers.get("content-length", "0") != "0":
        response.headers["connection"] = "close"
    return response
