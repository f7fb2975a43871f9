"""Signing in and out, the one-time link, and one's own password."""

from __future__ import annotations

from typing import Any

from starlette.responses import RedirectResponse, Response

from engine.console.kit import Kit, go, words_of
from engine.core.errors import IsthmusError, LinkError, LockedOutError, SignInError
from engine.ports.accounts import Session
from engine.ports.web import Access, Call, WebRoute, forget_session, forget_wanted, keep_session, session_token, wanted

HOME = "/channels"
_NEW_LINK = "ask an administrator for a new one; until the first one has signed in, each start of the engine prints one"


class SignInPages:
    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    def routes(self) -> tuple[WebRoute, ...]:
        return (
            WebRoute("GET", "/sign-in", Access.PUBLIC, self.form, page=True),
            WebRoute("POST", "/sign-in", Access.PUBLIC, self.sign_in, page=True),
            WebRoute("GET", "/welcome/{token}", Access.PUBLIC, self.welcome, page=True),
            WebRoute("POST", "/welcome/{token}", Access.PUBLIC, self.redeem, page=True),
            WebRoute("POST", "/sign-out", Access.SIGNED_IN, self.sign_out, page=True),
            WebRoute("GET", "/password", Access.SIGNED_IN, self.password, page=True),
            WebRoute("POST", "/password", Access.SIGNED_IN, self.change_password, page=True),
        )

    # -------------------------------------------------------------- name and password
    async def form(self, call: Call) -> Response:
        return self._sign_in_form(call)

    async def sign_in(self, call: Call) -> Response:
        name = call.field("name").lower()[:64]
        try:
            token, session = await call.accounts.sign_in(name, call.secret("password"))
        except SignInError as error:
            await call.audit.record("nobody", _failure(error), f"account {name}")
            return self._sign_in_form(call, name, words_of(error), 429 if isinstance(error, LockedOutError) else 401)
        return await self._begin(call, token, session, "account.sign_in")

    async def _begin(self, call: Call, token: str, session: Session, action: str) -> Response:
        await call.audit.record(session.user.name, action, f"account {session.user.name}")
        response = RedirectResponse(wanted(call) or HOME, 303)
        forget_wanted(response)
        keep_session(response, token, secure=call.secure)
        return response

    def _sign_in_form(self, call: Call, name: str = "", problem: str = "", status: int = 200) -> Response:
        return self._kit.bare(call, "sign_in.html", status=status, name=name, problem=problem)

    async def sign_out(self, call: Call) -> Response:
        await call.accounts.sign_out(session_token(call))
        await call.audit.record(call.who, "account.sign_out", f"account {call.who}")
        response = go("/sign-in")
        forget_session(response, secure=call.secure)
        return response

    # -------------------------------------------------------------- one-time link
    async def welcome(self, call: Call) -> Response:
        """Looking at the link does not use it: mail scanners and previews look, too."""
        return await self._welcome_form(call)

    async def redeem(self, call: Call) -> Response:
        token, name = str(call.request.path_params["token"]), call.field("name")
        password = call.secret("password")
        try:
            if password != call.secret("again"):
                raise SignInError("the two passwords differ")
            user = await call.accounts.redeem(token, name, password)
            cookie, session = await call.accounts.sign_in(user.name, password)
        except IsthmusError as error:
            return await self._welcome_form(call, name=name, problem=words_of(error), status=400)
        return await self._begin(call, cookie, session, "account.first_sign_in")

    async def _welcome_form(self, call: Call, *, status: int = 200, **values: Any) -> Response:
        found = await call.accounts.link(str(call.request.path_params["token"]))
        if found is None:
            words_for_people = words_of(LinkError("this link is not good any more", remedy=_NEW_LINK))
            return self._kit.bare(call, "refused.html", status=410, code=410, words_for_people=words_for_people)
        shown = {"name": found.name or "", "problem": ""} | values
        return self._kit.bare(call, "welcome.html", status=status, found=found, **shown)

    # -------------------------------------------------------------- one's own password
    async def password(self, call: Call) -> Response:
        return await self._kit.page(call, "password.html", problem="")

    async def change_password(self, call: Call) -> Response:
        new = call.secret("password")
        try:
            if new != call.secret("again"):
                raise SignInError("the two new passwords differ")
            await call.accounts.change_password(call.who, call.secret("current"), new)
        except SignInError as error:
            return await self._kit.page(call, "password.html", status=400, problem=words_of(error))
        await call.audit.record(call.who, "account.password", f"account {call.who}")
        response = go("/sign-in")
        forget_session(response, secure=call.secure)
        return response


def _failure(error: SignInError) -> str:
    return "account.locked_out" if isinstance(error, LockedOutError) else "account.sign_in_failed"
