"""Exceptions and orders as pages: what is shown, who may act, what becomes of a decision."""

from __future__ import annotations

import re

import pytest

from engine.api.app import build_app
from engine.canonical import CaseAction, CaseVerb
from engine.console import pages
from engine.console.p2p import flat, shown_lines
from engine.ports.accounts import Role
from engine.ports.p2p_operations import EvidenceLine
from engine.store.accounts import SqlAccounts
from tests.support.asgi_client import AsgiClient
from tests.support.operations_double import OperationsDouble
from tests.support.p2p_double import CASE_ID, CASE_REF, MemoryRecords
from tests.support.people import AuditDouble, enrol


class Room:
    def __init__(self, accounts: SqlAccounts) -> None:
        self.accounts, self.operations = accounts, OperationsDouble(10)
        self.app = build_app(self.operations, accounts, AuditDouble(), pages=pages())

    @property
    def matters(self) -> MemoryRecords:
        return self.operations.matters

    async def person(self, role: Role, *facilities: str, name: str = "maria.lind") -> AsgiClient:
        if role is not Role.ADMIN:
            await enrol(self.accounts, "first.admin", Role.ADMIN)
        token = await enrol(self.accounts, name, role, facilities)
        session = await self.accounts.session(token)
        assert session is not None
        return AsgiClient(self.app, token, session.csrf)


@pytest.fixture
def room(accounts: SqlAccounts) -> Room:
    return Room(accounts)


def titles(text: str) -> list[str]:
    return re.findall(r'<th scope="row"><a href="/cases/[0-9a-f]{12}">([^<]+)</a>', text)


async def test_the_queue_shows_the_most_important_first_and_marks_what_is_late(room: Room) -> None:
    viewer = await room.person(Role.VIEWER)

    text = (await viewer.get("/cases")).text

    assert titles(text)[0] == "The same amount was invoiced as 9-0998"
    assert len(titles(text)) == 4
    assert text.count(">late</span>") == 2


async def test_the_queue_is_filtered_by_owner_supplier_and_type(room: Room) -> None:
    viewer = await room.person(Role.VIEWER)

    assert len(titles((await viewer.get("/cases?owner=buyer")).text)) == 2
    assert len(titles((await viewer.get("/cases?owner=buyer&supplier=CASCADE")).text)) == 1
    assert titles((await viewer.get("/cases?type=nothing")).text) == []


async def test_who_answers_for_one_facility_sees_its_matters_only(room: Room) -> None:
    north = await room.person(Role.OPERATOR, "HARBOR-NORTH")

    assert len(titles((await north.get("/cases")).text)) == 2
    assert (await north.get(f"/cases/{CASE_REF}")).status == 404
    assert (await north.get("/orders/PO-4711")).status == 404
    assert (await north.get("/orders/PO-4712")).status == 200
    form = {"action": "accept", "reason": "why not"}
    await north.post_form(f"/cases/{CASE_REF}/act", form)
    assert room.matters.taken == []
    assert (await north.get("/api/p2p/lineage/PO-4711")).status == 404
    assert (await north.get("/lineage/PO-4711")).status == 404
    assert (await north.get("/api/p2p/invoices/CASCADE/INV-88021")).status == 404
    assert (await north.get("/api/p2p/summary")).json()["open"] == 2


async def test_a_case_shows_rule_flip_inputs_and_the_figures_that_differ(room: Room) -> None:
    viewer = await room.person(Role.VIEWER)

    text = (await viewer.get(f"/cases/{CASE_REF}")).text

    assert "upper limit 2 %" in text
    assert "A price of 12.75 or less" in text
    assert "differs: price<" in text
    assert "differs: unit, received<" in text
    assert "<dt>tolerance percent</dt><dd>2</dd>" in text
    assert '<form method="post" action="/cases' not in text, "a viewer decides nothing"


async def test_a_decision_becomes_a_document_with_its_reason(room: Room) -> None:
    operator = await room.person(Role.OPERATOR)
    text = (await operator.get(f"/cases/{CASE_REF}")).text
    seen = re.search(r'name="seen" value="([0-9a-f]+)"', text)
    assert seen is not None
    form = {
        "action": "correct",
        "reason": "typing error",
        "line": "2",
        "what": "order_line_number",
        "value": "1",
        "seen": seen[1],
    }

    answer = await operator.post_form(f"/cases/{CASE_REF}/act", form)

    assert answer.headers["location"] == f"/cases/{CASE_REF}"
    (action,) = room.matters.taken
    assert isinstance(action, CaseAction)
    assert (action.case_id, action.action, action.who, action.reason) == (
        CASE_ID, CaseVerb.CORRECT, "maria.lind", "typing error",
    )  # fmt: skip
    assert (action.corrections[0].field, action.corrections[0].value) == ("lines[2].order_line_number", "1")
    after = (await operator.get(f"/cases/{CASE_REF}")).text
    assert "you corrected it; somebody else accepts it" in after
    await operator.post_form(f"/cases/{CASE_REF}/act", {"action": "accept", "reason": "now it is right"})
    assert len(room.matters.taken) == 1, "four eyes"


async def test_a_line_is_split_in_exact_quantities(room: Room) -> None:
    operator = await room.person(Role.OPERATOR)
    form = {"action": "split", "reason": "two orders", "line": "2", "unit": "EA", "quantity_1": "4.5",
            "order_line_1": "2", "quantity_2": "5.5", "order_line_2": "1", "order_2": "PO-4712"}  # fmt: skip

    await operator.post_form(f"/cases/{CASE_REF}/act", form)

    (action,) = room.matters.taken
    assert isinstance(action, CaseAction)
    parts = [(str(one.quantity.amount), one.order_number, one.order_line_number) for one in action.parts]
    assert parts == [("4.5", None, 2), ("5.5", "PO-4712", 1)]


@pytest.mark.parametrize(
    "ask",
    [
        {"action": "accept", "reason": " "},
        {"action": "explode", "reason": "x"},
        {"action": "correct", "reason": "x"},
        {"action": "hold", "reason": "x", "hold_until": "soon"},
        {"action": "split", "reason": "x", "parts": [[1, "NaN", "EA", "", 1], [1, "1", "EA", "", 2]]},
        {"action": "reassign", "reason": "x"},
    ],
)
async def test_a_decision_that_cannot_be_read_is_refused(room: Room, ask: dict[str, object]) -> None:
    operator = await room.person(Role.OPERATOR)

    answer = await operator.post_json(f"/api/p2p/cases/{CASE_REF}/actions", ask)

    assert answer.status == 400
    assert room.matters.taken == []


async def test_an_order_is_found_by_its_invoice_and_shows_its_way(room: Room) -> None:
    viewer = await room.person(Role.VIEWER)

    found = await viewer.post_form("/orders/find", {"value": "INV-88021"})
    text = (await viewer.get(found.headers["location"])).text

    assert found.headers["location"] == "/orders/PO-4711"
    assert re.findall(r'way-stage">(\w+)', text) == ["order", "acknowledgement", "receipt", "invoice"]
    assert "Nothing has this number" in (await viewer.post_form("/orders/find", {"value": "INV-8"})).text
    assert (await viewer.post_form("/orders/find", {"value": "OLYMPIC"})).status == 200


async def test_an_invoice_that_waits_says_for_what_until_when_and_because_of_which_source(room: Room) -> None:
    viewer = await room.person(Role.VIEWER)

    status = (await viewer.get("/api/p2p/invoices/OLYMPIC/9-1001")).json()

    assert (status["state"], status["waits_for"], status["because"]) == ("waiting", "receipt", "warehouse receipts")
    assert status["until"] == "2026-11-21T06:00:00Z"


def test_facts_are_shown_with_their_way_and_empty_ones_are_not() -> None:
    facts = {"a": {"b_c": "1"}, "lines": [{"price": "2"}], "none": None, "many": ["x", "y"]}

    assert list(flat(facts)) == [("a b c", "1"), ("lines 1 price", "2"), ("many", "x, y")]


async def test_the_way_from_bytes_to_bank_is_a_page_by_stages(room: Room) -> None:
    viewer = await room.person(Role.VIEWER)

    order = (await viewer.get("/orders/PO-4711")).text
    page = await viewer.get("/lineage/PO-4711")

    assert 'href="/lineage/order%3APO-4711"' in order
    assert page.status == 200
    assert re.findall(r'<h2 id="h-(\w+)"', page.text)[:2] == ["document", "decision"]
    assert (await viewer.get("/lineage/PO-9")).status == 404


def test_of_a_long_invoice_the_line_in_question_comes_first_then_what_differs() -> None:
    lines = [EvidenceLine(f"{n}", "", None, None, None, ("price",) if n in (9, 200) else ()) for n in range(1, 301)]

    assert [one.number for one in shown_lines(lines, lines[199])] == ["200", "9"]
    assert [one.number for one in shown_lines(lines, None)] == ["9", "200"]
    assert [one.number for one in shown_lines(lines, lines[199], every=True)][:3] == ["200", "1", "2"]
    assert len(shown_lines(lines, lines[199], every=True)) == 300
    assert [one.number for one in shown_lines(lines[:10], lines[8])][:3] == ["9", "1", "2"]
    assert len(shown_lines([one for one in lines if not one.differs], None)) == 298


async def test_the_line_that_an_exception_is_about_is_marked(room: Room) -> None:
    viewer = await room.person(Role.VIEWER)

    text = (await viewer.get(f"/cases/{CASE_REF}")).text

    marked = re.findall(r'<tr class="own" aria-current="true"><th scope="row">(\w+)', text)
    assert marked == ["2"]
