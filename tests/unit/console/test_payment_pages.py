"""Payments as pages and over the API: what is shown, what a filter leaves, who sees whose money."""

from __future__ import annotations

import re

import pytest

from engine.api.app import build_app
from engine.console import pages
from engine.core.clock import SystemClock
from engine.core.ids import id_text
from engine.ports.accounts import Role
from engine.ports.journal import MessageView, Query
from engine.procure.payments.desk import PaymentDesk
from engine.store.accounts import SqlAccounts
from tests.support.asgi_client import AsgiClient
from tests.support.operations_double import OperationsDouble
from tests.support.payments_double import ACCOUNT, BACK, BEFORE, DISPUTED, HELD, RUN
from tests.support.people import AuditDouble, enrol

TOTAL_OF_OTHERS = ("22,390.00", "640.00", "RI-5515", "23,430.15")  # with a part of another facility, or only theirs


class Room:
    def __init__(self, accounts: SqlAccounts) -> None:
        self.accounts, self.operations = accounts, OperationsDouble(10)
        self.app = build_app(self.operations, accounts, AuditDouble(), pages=pages())

    async def person(self, role: Role = Role.VIEWER, *facilities: str) -> AsgiClient:
        await enrol(self.accounts, "first.admin", Role.ADMIN)
        session = await self.accounts.session(token := await enrol(self.accounts, "vera", role, facilities))
        assert session is not None
        return AsgiClient(self.app, token, session.csrf)


@pytest.fixture
def room(accounts: SqlAccounts) -> Room:
    return Room(accounts)


def numbers(text: str) -> list[str]:
    return re.findall(r'<th scope="row"><a class="id whole" href="/payments/(?!runs/)([^"]+)">', text)


async def test_the_page_shows_runs_and_payments_with_their_sums(room: Room) -> None:
    text = (await (await room.person()).get("/payments")).text

    assert len(numbers(text)) == 7
    assert re.findall(r'href="/payments/runs/([^"]+)"', text) == [RUN, BEFORE]
    assert "23,430.15" in text
    assert "<caption>All payments, decided last first</caption>" in text


async def test_no_account_number_is_shown_but_its_last_four(room: Room) -> None:
    viewer = await room.person()

    paths = (
        "/payments",
        f"/payments/{HELD}",
        f"/payments/runs/{RUN}",
        "/api/p2p/payments",
        f"/api/p2p/payments/{HELD}",
    )
    for path in paths:
        text = (await viewer.get(path)).text
        assert ACCOUNT not in text
    assert "****5678" in (await viewer.get(f"/payments/{HELD}")).text


async def test_a_filter_leaves_what_stands_so_and_says_when_there_is_none(room: Room) -> None:
    viewer = await room.person()

    assert numbers((await viewer.get("/payments?group=disputed")).text) == [DISPUTED]
    assert numbers((await viewer.get("/payments?group=held&supplier=OLYMPIC")).text) == [HELD]
    none = (await viewer.get("/payments?group=held&supplier=RAINIER")).text
    assert numbers(none) == []
    assert "No payment stands so" in none


async def test_what_contradicts_is_said_with_what_to_do_and_its_exception(room: Room) -> None:
    viewer = await room.person()

    text = (await viewer.get(f"/payments/{DISPUTED}")).text

    assert "bank says settled, and the ERP never released it" in text
    assert "have the bank stop it, and find out who sent it" in text
    assert re.search(r'<a href="/cases/[0-9a-f]{12}">ERP, bank and portal contradict each other</a>', text)
    assert f"/lineage/payment%3A{DISPUTED}" in text


async def test_a_run_shows_what_it_left_and_why(room: Room) -> None:
    text = (await (await room.person()).get(f"/payments/runs/{RUN}")).text

    for words in ("price above tolerance", "due 2026-12-18", "The run&#39;s limit was reached", "INV-88021"):
        assert words in text
    assert numbers(text) == [f"{RUN}-000{place}" for place in (1, 2, 3)]


async def test_a_run_shows_the_list_that_people_may_pay_by(room: Room) -> None:
    rows = await room.operations.search(Query(channel="supplier_invoice", limit=10), "-")
    written = await room.operations.view(rows[0].message_id, "-")
    assert written is not None

    async def messages_of(number: str) -> list[MessageView]:
        return [written] if number == RUN else []

    room.operations.payments = PaymentDesk(room.operations.paid, room.operations.paid, SystemClock(), messages_of)  # type: ignore[arg-type]
    viewer = await room.person()

    (file,) = (await viewer.get(f"/api/p2p/payment-runs/{RUN}")).json()["files"]

    assert (file["channel"], file["destination"]) == ("supplier_invoice", written.deliveries[0].destination)
    text = (await viewer.get(f"/payments/runs/{RUN}")).text
    assert f'href="/messages/{id_text(written.deliveries[0].message_id)}"' in text
    assert "No list was written" in (await viewer.get(f"/payments/runs/{BEFORE}")).text


async def test_what_came_back_names_the_reason_and_who_told_it(room: Room) -> None:
    text = (await (await room.person()).get(f"/payments/{BACK}")).text

    assert "account closed" in text
    assert '<span class="code">R02</span>' in text
    assert "camt.054" in text


async def test_what_is_not_known_is_not_there(room: Room) -> None:
    viewer = await room.person()

    for path in ("/payments/NONE", "/payments/runs/NONE", "/api/p2p/payments/NONE", "/api/p2p/payment-runs/NONE"):
        assert (await viewer.get(path)).status == 404, path


async def test_the_api_answers_as_the_page_and_refuses_what_it_does_not_know(room: Room) -> None:
    viewer = await room.person()

    rows = (await viewer.get("/api/p2p/payments?group=came_back")).json()
    runs = (await viewer.get("/api/p2p/payment-runs?limit=1")).json()

    assert [(row["number"], row["amount"], row["state"]) for row in rows] == [(BACK, "8450.00", "returned")]
    assert [(row["number"], row["sums"], row["left"]) for row in runs] == [(RUN, {"USD": "23430.15"}, 4)]
    assert (await viewer.get(f"/api/p2p/payment-runs/{RUN}")).json()["left"][0]["invoice"] == "INV-88021"
    for path in ("/api/p2p/payments?group=lost", "/api/p2p/payments?limit=0", "/api/p2p/payment-runs?limit=x"):
        assert (await viewer.get(path)).status == 400, path


async def test_nobody_who_is_not_signed_in_sees_a_payment(room: Room) -> None:
    stranger = AsgiClient(room.app)

    assert (await stranger.get("/api/p2p/payments")).status == 401
    assert (await stranger.get("/payments")).status == 303


@pytest.mark.parametrize(
    "path", ["/payments", f"/payments/{RUN}-0003", f"/payments/runs/{RUN}", "/payments?group=paid"]
)
async def test_who_answers_for_one_facility_sees_only_its_part(room: Room, path: str) -> None:
    someone = await room.person(Role.OPERATOR, "HARBOR-MAIN")

    text = (await someone.get(path)).text

    assert not [figure for figure in TOTAL_OF_OTHERS if figure in text]
    assert "your part" in text or "your facilities" in text


async def test_who_answers_for_none_of_them_sees_an_empty_page(room: Room) -> None:
    someone = await room.person(Role.OPERATOR, "HARBOR-WAREHOUSE")

    text = (await someone.get("/payments")).text

    assert "No payment is known yet" in text
    assert "No run was made yet" in text
    assert (await someone.get(f"/payments/{HELD}")).status == 404
    assert (await someone.get(f"/api/p2p/payment-runs/{RUN}")).status == 404


async def test_the_page_learns_that_a_payment_was_decided_anew(room: Room) -> None:
    viewer = await room.person()
    path = f"/payments/live?of={BACK}"
    before = (await viewer.get(path)).json()["shape"]

    room.operations.paid.bring(f"payment:{BACK}")

    assert (await viewer.get(path)).json()["shape"] != before
