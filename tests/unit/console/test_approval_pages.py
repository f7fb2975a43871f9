"""Approvals as pages and over the API: who sees what, what changed, whose answer counts."""

from __future__ import annotations

import re

import pytest

from engine.api.app import build_app
from engine.console import pages
from engine.console.approvals import Lines, laid_out
from engine.ports.accounts import Role
from engine.store.accounts import SqlAccounts
from tests.support.asgi_client import AsgiClient
from tests.support.operations_double import OperationsDouble
from tests.support.people import AuditDouble, enrol
from tests.support.suppliers import ANNA, BERT, CARA


class Room:
    def __init__(self, accounts: SqlAccounts) -> None:
        self.accounts, self.operations = accounts, OperationsDouble(10)
        self.app = build_app(self.operations, accounts, AuditDouble(), pages=pages())

    async def person(self, name: str, role: Role = Role.OPERATOR, *facilities: str) -> AsgiClient:
        if role is not Role.ADMIN:
            await enrol(self.accounts, f"admin.for.{name}", Role.ADMIN)
        session = await self.accounts.session(token := await enrol(self.accounts, name, role, facilities))
        assert session is not None
        return AsgiClient(self.app, token, session.csrf)

    async def ref(self, subject: str) -> str:
        rows = await self.operations.approvals.waiting("all", "-")
        return next(row.ref for row in rows if row.subject == subject)


@pytest.fixture
def room(accounts: SqlAccounts) -> Room:
    return Room(accounts)


async def test_the_first_list_is_of_what_waits_for_me(room: Room) -> None:
    bert = await room.person(BERT)

    text = (await bert.get("/approvals")).text

    found = re.findall(r'href="/approvals/[0-9a-f]{12}">([^<]+)</a>', text)
    assert sorted(found) == ["Bank details", "Supplier"]


async def test_a_bank_change_shows_old_and_new_with_the_last_four_only(room: Room) -> None:
    bert = await room.person(BERT)

    text = (await bert.get(f"/approvals/{await room.ref('bank_change')}")).text

    assert "****5678" in text
    assert "****9912" in text
    assert "00012345678" not in text
    assert "00099999912" not in text


async def test_who_brought_the_details_in_is_told_why_she_does_not_approve(room: Room) -> None:
    cara, ref = await room.person(CARA), await room.ref("bank_change")

    text = (await cara.get(f"/approvals/{ref}")).text
    assert "who asked for it does not decide it" in text

    refused = await cara.ask("POST", f"/api/p2p/approvals/{ref}/answers", b'{"action":"approve","reason":"mine"}')
    assert refused.status == 403
    await cara.post_form(f"/approvals/{ref}/answer", {"action": "approve", "reason": "mine"})
    assert await room.ref("bank_change") == ref
    trail = await room.operations.office.audit.records(f"approval {ref}")
    assert [(one.who, one.action) for one in trail] == [(CARA, "approval.refused")] * 2


async def test_another_person_approves_with_a_reason_and_it_is_audited(room: Room) -> None:
    bert, ref = await room.person(BERT), await room.ref("supplier")

    gone = await bert.post_form(f"/approvals/{ref}/answer", {"action": "approve", "reason": "seen its register"})

    assert (gone.status, gone.headers["location"]) == (303, "/approvals")
    assert [row.subject for row in await room.operations.approvals.waiting("all", BERT)] == ["bank_change"]
    trail = await room.operations.office.audit.records(f"approval {ref}")
    assert [(one.who, one.action, one.reason) for one in trail] == [(BERT, "approval.approve", "seen its register")]


async def test_without_a_reason_nothing_is_answered(room: Room) -> None:
    bert, ref = await room.person(BERT), await room.ref("supplier")

    assert (await bert.post_form(f"/approvals/{ref}/answer", {"action": "approve"})).status == 400
    asked = await bert.ask("POST", f"/api/p2p/approvals/{ref}/answers", b'{"action":"approve","reason":" "}')
    assert asked.status == 400
    assert await room.ref("supplier") == ref


async def test_what_changed_since_it_was_shown_is_not_approved(room: Room) -> None:
    bert, ref = await room.person(BERT), await room.ref("bank_change")
    body = b'{"action":"approve","reason":"called back","seen":"0000000000000000"}'

    assert (await bert.ask("POST", f"/api/p2p/approvals/{ref}/answers", body)).status == 409


async def test_a_viewer_sees_and_does_not_answer(room: Room) -> None:
    anna, ref = await room.person(ANNA, Role.VIEWER), await room.ref("bank_change")

    assert "Approve</summary>" not in (await anna.get(f"/approvals/{ref}")).text
    asked = await anna.ask("POST", f"/api/p2p/approvals/{ref}/answers", b'{"action":"approve","reason":"x"}')
    assert asked.status == 403


async def test_what_names_no_facility_does_not_exist_for_who_has_one_and_is_not_asked(room: Room) -> None:
    vera, ref = await room.person("vera", Role.OPERATOR, "HARBOR-NORTH"), await room.ref("bank_change")

    assert (await vera.get("/api/p2p/approvals?whose=all")).json() == []
    assert (await vera.get(f"/approvals/{ref}")).status == 404
    asked = await vera.ask("POST", f"/api/p2p/approvals/{ref}/answers", b'{"action":"approve","reason":"x"}')
    assert asked.status == 404


async def test_whom_the_policies_ask_about_a_supplier_sees_it_whatever_facility_she_answers_for(room: Room) -> None:
    bert, ref = await room.person(BERT, Role.OPERATOR, "HARBOR-NORTH"), await room.ref("bank_change")

    page = (await bert.get("/approvals")).text

    assert "belong to no facility" in page
    assert f"/approvals/{ref}" in page
    assert (await bert.get(f"/approvals/{ref}")).status == 200
    asked = await bert.post_json(f"/api/p2p/approvals/{ref}/answers", {"action": "approve", "reason": "called them"})
    assert asked.status == 200


async def test_who_answers_for_every_facility_is_told_of_no_limit(room: Room) -> None:
    bert = await room.person(BERT)

    assert "belong to no facility" not in (await bert.get("/approvals")).text


def test_lines_of_a_document_are_rows_of_one_table() -> None:
    found = laid_out(
        [("number", "REQ-1"), ("lines[1].item", "A"), ("lines[1].quantity", "3 EA"), ("lines[2].quantity", "5 EA")]
    )

    assert found.facts == [("number", "REQ-1")]
    assert found.tables == [Lines("lines", ["item", "quantity"], [["A", "3 EA"], ["", "5 EA"]])]


def test_what_every_line_of_a_wide_table_agrees_on_is_told_once() -> None:
    names = ("number", "item", "quantity", "description", "center", "supplier", "price", "deliver_to", "status")
    first = dict.fromkeys(names, "same") | {"number": "1", "item": "A"}
    second = first | {"number": "2", "item": "B", "deliver_to": "OR-2"}
    content = [(f"lines[{n}].{name}", text) for n, row in ((1, first), (2, second)) for name, text in row.items()]

    (table,) = laid_out(content).tables

    assert table.columns == ["number", "item", "quantity", "description", "center", "supplier", "deliver_to"]
    assert table.same == (("price", "same"), ("status", "same"))
    assert table.rows[1] == ["2", "B", "same", "same", "same", "same", "OR-2"]
