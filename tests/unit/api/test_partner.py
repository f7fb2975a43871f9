"""A supplier's token opens its own invoices and nothing else; it is kept as a digest, ends, and may not ask at will."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine.api.app import build_app, route_table
from engine.api.partner_gate import PER_MINUTE
from engine.console import pages
from engine.ports.accounts import Role
from engine.ports.partners import TOKEN_LIFE
from engine.ports.web import Access
from engine.store.accounts import SqlAccounts
from engine.store.partner_tokens import SqlPartnerTokens
from tests.support.asgi_client import Answer, AsgiClient
from tests.support.operations_double import NOW, OperationsDouble
from tests.support.people import AuditDouble, enrol


class Clock:
    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return 0.0


class Room:
    def __init__(self, accounts: SqlAccounts, folder: Path) -> None:
        self.accounts, self.clock, self.audit = accounts, Clock(), AuditDouble()
        self.file = folder / "accounts.db"
        self.tokens = SqlPartnerTokens(sa.create_engine(f"sqlite:///{self.file}"), self.clock)
        self.app = build_app(OperationsDouble(5), accounts, self.audit, pages=pages(), partners=self.tokens)
        self.client = AsgiClient(self.app)

    async def ask(self, path: str, token: str) -> Answer:
        return await self.client.get(path, authorization=f"Bearer {token}")


@pytest.fixture
def room(accounts: SqlAccounts, tmp_path: Path) -> Room:
    return Room(accounts, tmp_path)


async def test_a_supplier_sees_its_own_invoices_only(room: Room) -> None:
    token = await room.tokens.issue("OLYMPIC", "maria.lind")

    mine = await room.ask("/partner/v1/invoices", token)
    one = await room.ask("/partner/v1/invoices/9-1001", token)

    assert sorted(row["invoice_number"] for row in mine.json()) == ["9-1001", "9-1002"]
    assert (one.json()["state"], one.json()["waits_for"]) == ("waiting", "receipt")
    assert "facility" not in one.json()
    assert "cases" not in one.json()
    for number in ("INV-88021", "CASCADE/INV-88021", "../CASCADE/INV-88021"):
        assert (await room.ask(f"/partner/v1/invoices/{number}", token)).status == 404


async def test_a_token_opens_nothing_of_peoples(room: Room) -> None:
    token = await room.tokens.issue("OLYMPIC", "maria.lind")

    for route in route_table(pages()):
        if route.rule not in {Access.PARTNER, Access.PUBLIC} and "{" not in route.path and route.method == "GET":
            answer = await room.ask(route.path, token)
            assert answer.status == 401 or answer.headers.get("location") == "/sign-in", route.path


async def test_no_session_opens_what_is_a_suppliers(room: Room) -> None:
    admin = AsgiClient(room.app, await enrol(room.accounts, "the.admin", Role.ADMIN))

    assert (await admin.get("/partner/v1/invoices")).status == 401


async def test_a_token_ends_when_it_is_withdrawn_and_after_its_life(room: Room) -> None:
    first, second = [await room.tokens.issue(name, "maria.lind") for name in ("OLYMPIC", "CASCADE")]

    assert await room.tokens.withdraw("OLYMPIC") == 1
    assert (await room.ask("/partner/v1/invoices", first)).status == 401
    assert (await room.ask("/partner/v1/invoices", second)).status == 200
    room.clock.time = NOW + TOKEN_LIFE + timedelta(seconds=1)
    assert (await room.ask("/partner/v1/invoices", second)).status == 401


async def test_a_token_is_shown_once_and_kept_as_a_digest(room: Room) -> None:
    admin = AsgiClient(room.app, await enrol(room.accounts, "the.admin", Role.ADMIN))
    session = await room.accounts.session(admin.token)
    assert session is not None
    admin.csrf = session.csrf

    token = (await admin.post_json("/api/partners/OLYMPIC/tokens", {})).json()["token"]

    assert (await room.ask("/partner/v1/invoices", token)).status == 200
    assert token.encode() not in room.file.read_bytes()
    listed = (await admin.get("/api/partners/tokens")).json()
    assert [(one["supplier"], one["made_by"]) for one in listed] == [("OLYMPIC", "the.admin")]
    assert token not in str(listed)
    assert [(one.action, one.subject) for one in room.audit.kept] == [("partner.token", "supplier OLYMPIC")]


async def test_who_asks_too_often_waits_and_others_do_not(room: Room) -> None:
    first, second = [await room.tokens.issue(name, "maria.lind") for name in ("OLYMPIC", "CASCADE")]

    answers = [(await room.ask("/partner/v1/openapi.json", first)).status for _ in range(PER_MINUTE + 5)]

    assert answers.count(200) in {PER_MINUTE, PER_MINUTE + 1}  # a token comes back each second
    assert answers[-1] == 429
    assert (await room.ask("/partner/v1/openapi.json", second)).status == 200
    strangers = [(await room.ask("/partner/v1/invoices", "guess")).status for _ in range(PER_MINUTE + 5)]
    assert (strangers[0], strangers[-1]) == (401, 429)


async def test_the_description_names_every_route_of_partners(room: Room) -> None:
    token = await room.tokens.issue("OLYMPIC", "maria.lind")

    found = (await room.ask("/partner/v1/openapi.json", token)).json()

    served = {route.path.replace(":path", "") for route in route_table() if route.rule is Access.PARTNER}
    assert set(found["paths"]) == served
    one = found["paths"]["/partner/v1/invoices/{number}"]["get"]
    assert one["summary"] == "One of your invoices, by your number."
    assert found["components"]["schemas"]["Invoice"]["properties"]["payment"] == {"type": ["string", "null"]}
