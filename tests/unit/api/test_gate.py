"""No handler is reached without a rule that allows it, and no body is read before that is known."""

from __future__ import annotations

import asyncio
import os
import re

import pytest

from engine.api import gate
from engine.api.app import build_app, route_table
from engine.api.gate import PEER_UID
from engine.api.security import CONTENT_POLICY
from engine.console import pages
from engine.core.ids import id_text
from engine.ports.accounts import Role
from engine.ports.journal import Query
from engine.ports.states import MessageState
from engine.ports.web import Access, WebRoute, WebSettings
from engine.store.accounts import SqlAccounts
from tests.support.asgi_client import AsgiClient
from tests.support.operations_double import OperationsDouble
from tests.support.p2p_double import CASE_REF
from tests.support.people import PASSWORD, AuditDouble, enrol

PAGES = pages()
TABLE = route_table(PAGES)


class Site:
    def __init__(self, accounts: SqlAccounts, **settings: bool) -> None:
        self.accounts, self.operations, self.audit = accounts, OperationsDouble(40), AuditDouble()
        self.app = build_app(self.operations, accounts, self.audit, WebSettings(**settings), PAGES)

    async def person(self, role: Role, *facilities: str) -> AsgiClient:
        if role is not Role.ADMIN:
            await enrol(self.accounts, "first.admin", Role.ADMIN)
        token = await enrol(self.accounts, f"a.{role.value}", role, facilities)
        session = await self.accounts.session(token)
        assert session is not None
        return AsgiClient(self.app, token, session.csrf)

    async def path(self, route: WebRoute) -> str:
        held = await self.operations.search(Query(states=(MessageState.HELD,), limit=1), "test")
        view = await self.operations.view(held[0].message_id, "test")
        assert view is not None
        known = {"channel": "stock_requisition", "name": "console.css", "token": "unknown", "position": "0"}
        known |= {"ref": CASE_REF, "supplier": "CASCADE", "number": "PO-4711", "asked": "PO-4711"}
        known |= {"id": id_text(held[0].message_id), "delivery": id_text(view.deliveries[0].delivery_id)}
        if route.path.startswith("/api/deliveries"):
            known["id"] = known["delivery"]
        return re.sub(r"{(\w+)(?::path)?}", lambda m: known[m[1]], route.path)


@pytest.fixture
def site(accounts: SqlAccounts) -> Site:
    return Site(accounts)


def test_every_route_has_a_rule() -> None:
    assert all(isinstance(route.rule, Role | Access) for route in TABLE)
    assert len({(route.method, route.path) for route in TABLE}) == len(TABLE)


def test_public_routes_are_the_known_few() -> None:
    public = {(route.method, route.path) for route in TABLE if route.rule is Access.PUBLIC}

    assert public == {
        ("GET", "/healthz"),
        ("GET", "/static/{name}"),
        ("GET", "/sign-in"),
        ("POST", "/sign-in"),
        ("GET", "/welcome/{token}"),
        ("POST", "/welcome/{token}"),
    }


def test_nothing_that_changes_is_for_viewers() -> None:
    asking = {"/api/messages/search", "/messages/find", "/orders/find", "/recall/find"}
    own = {"/password", "/sign-out"}

    for route in TABLE:
        if route.method != "GET" and route.rule is not Access.PUBLIC and route.path not in asking | own:
            assert route.rule not in {Role.VIEWER, Access.SIGNED_IN}, route.path


@pytest.mark.parametrize("role", [*Role, None])
async def test_every_route_obeys_its_rule_for_every_role(site: Site, role: Role | None) -> None:
    client = await site.person(role) if role else AsgiClient(site.app)
    for route in TABLE:
        if route.path in {"/sign-out", "/password"} and route.method == "POST":
            continue  # they end the session that this walk needs
        may = route.rule is Access.PUBLIC or (
            role is not None
            and route.rule is not Access.PARTNER
            and (route.rule is Access.SIGNED_IN or role.may(Role(route.rule)))
        )

        answer = await client.ask(route.method, await site.path(route), b"{}" if route.method == "POST" else b"")

        refused = answer.status in {401, 403} or (answer.status == 303 and answer.headers["location"] == "/sign-in")
        if route.path == "/sign-in" and route.method == "POST":
            assert answer.status == 401  # the answer of the form itself: no such name
        else:
            assert refused is not may, f"{role} {route.method} {route.path}: {answer.status}"


@pytest.mark.parametrize("position", ["1", "-1", "x", "9999999", "٣"])
async def test_an_attachment_that_is_not_there_is_not_found(site: Site, position: str) -> None:
    row = (await site.operations.search(Query(channel="supplier_invoice", limit=1), "x"))[0]
    client = await site.person(Role.VIEWER)

    for path in ("/api/messages", "/messages"):
        assert (await client.get(f"{path}/{id_text(row.message_id)}/attachments/{position}")).status == 404


async def test_strangers_do_not_learn_which_addresses_exist(site: Site) -> None:
    stranger = AsgiClient(site.app)

    assert (await stranger.get("/nothing/here")).headers["location"] == "/sign-in"
    assert (await stranger.get("/api/nothing")).status == 401
    assert (await stranger.ask("DELETE", "/api/status")).status == 401


async def test_health_says_only_ok(site: Site) -> None:
    answer = await AsgiClient(site.app).get("/healthz")

    assert (answer.status, answer.body) == (200, b"ok\n")


async def test_nothing_of_the_body_is_read_before_signing_in(site: Site) -> None:
    answer = await AsgiClient(site.app).ask("POST", "/api/deploy", b"x" * 65_536, chunks=1600)

    assert (answer.status, answer.chunks_read) == (401, 0)
    assert answer.headers["connection"] == "close"


async def test_nothing_of_the_body_is_read_without_the_role(site: Site) -> None:
    viewer = await site.person(Role.VIEWER)

    answer = await viewer.ask("POST", "/api/deploy", b"x" * 65_536, chunks=1600)

    assert (answer.status, answer.chunks_read) == (403, 0)


async def test_a_body_over_the_limit_is_refused_by_its_stated_length(site: Site) -> None:
    analyst = await site.person(Role.ANALYST)

    answer = await analyst.ask("POST", "/api/deploy", b"x" * 65_537)

    assert (answer.status, answer.chunks_read) == (413, 0)


async def test_a_body_without_length_is_cut_off_at_the_limit(site: Site) -> None:
    analyst = await site.person(Role.ANALYST)

    answer = await analyst.ask("POST", "/api/deploy", b"x" * 32_768, {"transfer-encoding": "chunked"}, chunks=100)

    assert answer.status == 413
    assert answer.chunks_read == 3


async def test_a_body_that_does_not_come_is_not_waited_for(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: object) -> bytes:
        await asyncio.sleep(60)
        return b""

    monkeypatch.setattr(gate, "BODY_SECONDS", 0.01)
    monkeypatch.setattr(gate, "_read", never)
    analyst = await site.person(Role.ANALYST)

    assert (await analyst.post_json("/api/deploy", {})).status == 408


@pytest.mark.parametrize("path", ["/api/channels/stock_requisition/state", "/channels/stock_requisition/state"])
async def test_a_change_without_csrf_token_is_refused(site: Site, path: str) -> None:
    operator = await site.person(Role.OPERATOR)
    operator.csrf = ""

    answer = await operator.post_form(path, {"state": "paused", "reason": "x", "csrf": "wrong"})

    assert answer.status == 403
    assert site.operations.sent == []


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.test"},
        {"origin": "null"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
    ],
)
async def test_a_change_from_another_site_is_refused(site: Site, headers: dict[str, str]) -> None:
    operator = await site.person(Role.OPERATOR)

    answer = await operator.post_json("/api/channels/stock_requisition/state", {"state": "paused"}, **headers)

    assert answer.status == 403
    assert site.operations.sent == []


async def test_a_sign_in_from_another_site_is_refused(site: Site) -> None:
    form = {"name": "a", "password": PASSWORD}

    assert (await AsgiClient(site.app).post_form("/sign-in", form, origin="http://evil.test")).status == 403


async def test_a_change_from_our_own_page_goes_through(site: Site) -> None:
    operator = await site.person(Role.OPERATOR)
    ask = {"state": "paused", "reason": "maintenance"}

    answer = await operator.post_json("/api/channels/stock_requisition/state", ask, origin="http://engine.test")

    assert answer.status == 200
    assert site.operations.sent == [("set_channel", "channel stock_requisition", "a.operator", "maintenance")]


@pytest.mark.parametrize("path", ["/healthz", "/sign-in", "/api/status", "/nothing", "/static/nothing"])
async def test_every_answer_has_the_security_headers(site: Site, path: str) -> None:
    headers = (await AsgiClient(site.app).get(path)).headers

    assert headers["content-security-policy"] == CONTENT_POLICY
    assert "unsafe" not in CONTENT_POLICY
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert "strict-transport-security" not in headers


async def test_only_the_assets_may_be_cached(site: Site) -> None:
    viewer = await site.person(Role.VIEWER)

    assert "max-age" in (await viewer.get("/static/console.css")).headers["cache-control"]
    assert (await viewer.get("/messages")).headers["cache-control"] == "no-store"


async def test_the_cookie_is_hidden_from_scripts_and_other_sites(site: Site) -> None:
    await site.person(Role.VIEWER)

    answer = await AsgiClient(site.app).post_form("/sign-in", {"name": "a.viewer", "password": PASSWORD})

    cookie = answer.headers["set-cookie"].lower()
    assert (answer.status, answer.headers["location"]) == (303, "/channels")
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "secure" not in cookie


async def test_under_tls_the_cookie_is_secure_and_bound_to_the_host(accounts: SqlAccounts) -> None:
    site = Site(accounts, behind_tls_proxy=True)
    await enrol(accounts, "maria", Role.ADMIN)

    answer = await AsgiClient(site.app).post_form("/sign-in", {"name": "maria", "password": PASSWORD})

    assert answer.headers["set-cookie"].startswith("__Host-isthmus_session=")
    assert "secure" in answer.headers["set-cookie"].lower()
    assert answer.headers["strict-transport-security"]


async def test_a_refused_role_is_audited(site: Site) -> None:
    viewer = await site.person(Role.VIEWER)

    await viewer.post_json("/api/prune", {})

    assert (site.audit.kept[-1].who, site.audit.kept[-1].action) == ("a.viewer", "access.refused")


async def test_an_unexpected_error_shows_nothing_of_itself(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    viewer = await site.person(Role.VIEWER)

    async def broken(*_: object) -> None:
        raise RuntimeError("TESTPATIENT^ALPHA")

    site.operations.diff = broken  # type: ignore[method-assign,assignment]

    for path in ("/api/diff", "/revisions"):
        answer = await viewer.get(path)
        assert answer.status == 500
        assert "TESTPATIENT" not in answer.text + caplog.text


async def test_the_control_socket_trusts_the_engines_own_user_only(site: Site) -> None:
    owner = AsgiClient(site.app, state={PEER_UID: os.geteuid()})
    other = AsgiClient(site.app, state={PEER_UID: os.geteuid() + 4711})

    assert (await owner.get("/api/status")).status == 200
    assert (await other.get("/api/status")).status == 401


async def test_a_forged_state_header_is_no_identity(site: Site) -> None:
    stranger = AsgiClient(site.app)

    assert (await stranger.get("/api/status", peer_uid="0", x_peer_uid="0")).status == 401


async def test_a_page_that_refreshes_itself_is_told_in_json(site: Site) -> None:
    answer = await AsgiClient(site.app).get("/live")

    assert (answer.status, answer.json()["error"]["code"]) == (401, "HTTP401")
