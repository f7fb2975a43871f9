"""Who was signed out loses neither the page that was wanted nor what was typed."""

from __future__ import annotations

from http.cookies import SimpleCookie

import pytest

from engine.api.app import build_app
from engine.console import pages
from engine.ports.accounts import Role
from engine.store.accounts import SqlAccounts
from tests.support.asgi_client import AsgiClient
from tests.support.operations_double import OperationsDouble
from tests.support.p2p_double import CASE_REF
from tests.support.people import PASSWORD, AuditDouble, enrol


async def gone(accounts: SqlAccounts) -> AsgiClient:
    await enrol(accounts, "maria.lind", Role.ADMIN)
    return AsgiClient(build_app(OperationsDouble(1), accounts, AuditDouble(), pages=pages()))


async def signed_in_with(client: AsgiClient, cookie: str) -> str:
    """Where the browser goes on after signing in."""
    form = {"name": "maria.lind", "password": PASSWORD}
    return (await client.post_form("/sign-in", form, cookie=cookie)).headers["location"]


@pytest.mark.parametrize("path", [f"/cases/{CASE_REF}", "/recall?item=IMP-7&lot=L2291"])
async def test_the_page_that_was_wanted_comes_after_signing_in(accounts: SqlAccounts, path: str) -> None:
    client = await gone(accounts)
    sent = await client.get(path)
    jar = SimpleCookie(sent.headers["set-cookie"])

    assert sent.headers["location"] == "/sign-in"
    assert (jar["isthmus_wanted"]["samesite"], jar["isthmus_wanted"]["path"]) == ("strict", "/sign-in")
    assert await signed_in_with(client, f"isthmus_wanted={jar['isthmus_wanted'].value}") == path


@pytest.mark.parametrize("cookie", ["//evil.test/a", "https://evil.test", "/%5Cevil.test", "%2F%2Fevil.test", "/", ""])
async def test_a_cookie_leads_to_no_other_site(accounts: SqlAccounts, cookie: str) -> None:
    assert await signed_in_with(await gone(accounts), f"isthmus_wanted={cookie}") == "/channels"


async def test_a_form_that_is_sent_without_a_session_says_that_nothing_was_done(accounts: SqlAccounts) -> None:
    client = await gone(accounts)

    answer = await client.post_form(f"/cases/{CASE_REF}/act", {"action": "accept", "reason": "x"})

    assert answer.status == 401
    assert "you were signed out, and nothing was done" in answer.text.lower()
