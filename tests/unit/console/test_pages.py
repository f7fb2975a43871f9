"""What people see and do on the pages, without a browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import quote

import msgspec
import pytest
from markupsafe import escape

from engine.api.app import build_app
from engine.console import pages
from engine.core.errors import IsthmusError
from engine.core.ids import id_text
from engine.ports.accounts import LOCKOUT_FAILURES, Role
from engine.ports.connector import Health
from engine.ports.journal import MessageRow, Query
from engine.ports.ledger import OutboundNumber
from engine.ports.operations import ChannelDiff
from engine.ports.states import MessageState
from engine.store.accounts import SqlAccounts
from tests.support.asgi_client import AsgiClient
from tests.support.operations_double import NOW, PDF, SCAN, OperationsDouble
from tests.support.people import PASSWORD, AuditDouble, enrol

PATIENT = "TESTPATIENT"


class Desk:
    def __init__(self, accounts: SqlAccounts) -> None:
        self.accounts, self.operations, self.audit = accounts, OperationsDouble(), AuditDouble()
        self.app = build_app(self.operations, accounts, self.audit, pages=pages())

    async def sit_down(self, role: Role = Role.ADMIN, name: str = "maria") -> AsgiClient:
        token = await enrol(self.accounts, name, role)
        session = await self.accounts.session(token)
        assert session is not None
        return AsgiClient(self.app, token, session.csrf)

    async def held(self, channel: str, code: str = "") -> MessageRow:
        rows = await self.operations.search(Query(channel=channel, states=(MessageState.HELD,), limit=99), "x")
        return next(row for row in rows if row.reason and row.reason.code.startswith(code))


@pytest.fixture
def desk(accounts: SqlAccounts) -> Desk:
    return Desk(accounts)


# ------------------------------------------------------------------ signing in
async def test_the_first_link_leads_to_the_console_and_works_once(desk: Desk) -> None:
    token = await desk.accounts.first_admin_link()
    form = {"name": "maria.lind", "password": PASSWORD, "again": PASSWORD}
    stranger = AsgiClient(desk.app)
    assert "First administrator" in (await stranger.get(f"/welcome/{token}")).text

    first, second = [await stranger.post_form(f"/welcome/{token}", form) for _ in range(2)]

    assert (first.status, first.headers["location"]) == (303, "/channels")
    assert "isthmus_session=" in first.headers["set-cookie"]
    assert (second.status, "set-cookie" in second.headers) == (410, False)
    assert "ask an administrator for a new one" in second.text


@pytest.mark.parametrize(("again", "password"), [("other words here", PASSWORD), ("short", "short")])
async def test_a_bad_first_password_keeps_the_form_and_the_link(desk: Desk, again: str, password: str) -> None:
    token = await desk.accounts.first_admin_link()
    form = {"name": "maria.lind", "password": password, "again": again}

    answer = await AsgiClient(desk.app).post_form(f"/welcome/{token}", form)

    assert answer.status == 400
    assert 'role="alert"' in answer.text
    assert 'value="maria.lind"' in answer.text
    assert await desk.accounts.link(token or "") is not None


async def test_failures_are_audited_and_lock_the_name_out(desk: Desk) -> None:
    await desk.sit_down()
    wrong = {"name": "maria", "password": "not this one at all"}
    client = AsgiClient(desk.app)

    statuses = [(await client.post_form("/sign-in", wrong)).status for _ in range(LOCKOUT_FAILURES + 1)]

    assert statuses == [401] * LOCKOUT_FAILURES + [429]
    assert [r.action for r in desk.audit.kept] == ["account.sign_in_failed"] * LOCKOUT_FAILURES + ["account.locked_out"]
    assert all(wrong["password"] not in str(r) for r in desk.audit.kept)


async def test_signing_out_ends_the_session(desk: Desk) -> None:
    client = await desk.sit_down()

    assert (await client.post_form("/sign-out", {})).headers["location"] == "/sign-in"
    assert (await client.get("/channels")).headers["location"] == "/sign-in"


async def test_changing_ones_password_needs_the_current_one(desk: Desk) -> None:
    client, new = await desk.sit_down(), "another vessel at the pier"
    bad = await client.post_form("/password", {"current": new, "password": new, "again": new})
    good = await client.post_form("/password", {"current": PASSWORD, "password": new, "again": new})

    assert (bad.status, good.status) == (400, 303)
    assert await desk.accounts.sign_in("maria", new)


# ------------------------------------------------------------------ attachments
async def test_an_attachment_is_listed_and_saved_never_shown_by_the_browser(desk: Desk) -> None:
    row = (await desk.operations.search(Query(channel="supplier_invoice", limit=1), "x"))[0]
    client = await desk.sit_down(Role.VIEWER)
    path = f"/messages/{id_text(row.message_id)}"

    page, file = await client.get(path), await client.get(f"{path}/attachments/0")

    assert f'href="{path}/attachments/0"' in page.text
    assert escape(SCAN.name) in page.text
    assert file.body == PDF
    assert file.headers["content-type"] == "application/octet-stream"
    assert file.headers["content-disposition"] == f"attachment; filename*=UTF-8''{quote(SCAN.name, safe='')}"
    assert file.headers["x-content-type-options"] == "nosniff"
    assert ("message.attachment", f"message {id_text(row.message_id)}") in {
        (record["action"], record["subject"]) for record in await desk.operations.audit_records(None, 20)
    }


# ------------------------------------------------------------------ what stands where
async def test_patient_data_is_on_the_message_page_only(desk: Desk) -> None:
    client, row = await desk.sit_down(), await desk.held("stock_requisition")
    for path in ("/channels", "/channels/stock_requisition", "/messages", "/held", "/revisions", "/audit", "/live"):
        assert PATIENT not in (await client.get(path)).text, path

    page = (await client.get(f"/messages/{id_text(row.message_id)}")).text

    assert PATIENT in page
    assert PATIENT not in re.search(r"<title>.*</title>", page, re.DOTALL)[0]  # type: ignore[index]


async def test_channels_in_trouble_stand_first_then_those_that_hold_messages_and_the_busy_ones(desk: Desk) -> None:
    text = (await (await desk.sit_down()).get("/channels")).text

    assert re.findall(r'<th scope="row"><a href="/channels/([^"]+)">', text) == [
        "supplier_invoice", "supply_charges", "stock_requisition", "admissions", "purchase_order_out",
        "supplier_onboarding",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("show", "names"),
    [
        ("trouble", ["supplier_invoice", "supply_charges"]),
        ("held", ["supplier_invoice", "stock_requisition"]),
        ("still", ["purchase_order_out", "supplier_onboarding"]),
    ],
)
async def test_channels_are_narrowed_to_those_in_question(desk: Desk, show: str, names: list[str]) -> None:
    text = (await (await desk.sit_down()).get(f"/channels?show={show}")).text

    assert re.findall(r'<th scope="row"><a href="/channels/([^"]+)">', text) == names
    assert f'<a href="/channels?show={show}" aria-current="true">' in text
    assert "4 of 6" in text, "the sums above stay those of all channels"


async def test_a_word_that_narrows_nothing_shows_all_channels(desk: Desk) -> None:
    text = (await (await desk.sit_down()).get("/channels?show=nonsense")).text

    assert len(re.findall(r"<tr data-row>", text)) == 6
    assert '<a href="/channels" aria-current="true">' in text


async def test_a_check_shows_what_needs_a_person_first_and_a_certificate_as_one(desk: Desk) -> None:
    async def found(channel: str | None = None) -> dict[str, Health]:
        return {
            "a.source": Health(True, "listens"),
            "b.erp": Health(False, "refused"),
            "c.certificate": Health(False, "tls/c.pem has expired"),
        }

    desk.operations.check = found  # type: ignore[method-assign]
    text = (await (await desk.sit_down()).post_form("/connections", {})).text

    assert re.findall(r'<th scope="row">([^<]+)</th>', text) == ["b.erp", "c.certificate", "a.source"]
    assert "2 of 3 need a person." in text
    assert re.findall(r"(not reachable|expired|willing)</span>", text) == ["not reachable", "expired", "willing"]


async def test_reading_a_message_is_audited_but_watching_its_state_is_not(desk: Desk) -> None:
    client, row = await desk.sit_down(), await desk.held("stock_requisition")
    path = f"/messages/{id_text(row.message_id)}"
    state = await client.get(f"{path}/state")
    assert state.json()["figures"]["message.state"][0] == "Held"
    assert not [r for r in await desk.operations.audit_records(None, 99) if r["action"] == "message.view"]

    await client.get(path)

    viewed = [r for r in await desk.operations.audit_records(None, 99) if r["action"] == "message.view"]
    assert [(r["who"], r["subject"]) for r in viewed] == [("maria", f"message {id_text(row.message_id)}")]


@pytest.mark.parametrize(
    ("acknowledged", "note", "words"),
    [
        (None, None, "not acknowledged yet"),
        (None, "not acknowledged within 4h", "acknowledgement overdue"),
        ("accepted", None, "acknowledged"),
        ("rejected", "AK905 4", "rejected by the partner"),
    ],
)
async def test_what_a_partner_said_of_an_interchange_stands_beside_its_delivery(
    desk: Desk, acknowledged: str | None, note: str | None, words: str
) -> None:
    client, row = await desk.sit_down(), await desk.held("stock_requisition")
    view = await desk.operations.view(row.message_id, "x")
    assert view is not None
    number = OutboundNumber("lakeside", 41, view.deliveries[0].idempotency_key, "850", NOW, acknowledged, NOW, note)
    sent = [msgspec.structs.replace(view.deliveries[0], acknowledgement=number), *view.deliveries[1:]]
    desk.operations._views[row.message_id] = msgspec.structs.replace(view, deliveries=sent)

    page = (await client.get(f"/messages/{id_text(row.message_id)}")).text

    told = re.search(r'<p class="acknowledgement">(.*?)</p>', page, re.DOTALL)
    assert told is not None
    assert words in told[1]
    assert "000000041" in told[1]
    assert (note or "") in told[1]


async def test_markup_in_a_message_is_text(desk: Desk) -> None:
    client, row = await desk.sit_down(), await desk.held("stock_requisition")
    body = b'MSH|^~\\&|<script>alert(1)</script>|"onload=x\rPID|1'
    new = await desk.operations.resend(row.message_id, "x", "x", body)

    page = (await client.get(f"/messages/{id_text(new)}")).text

    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page


async def test_pages_have_no_inline_script_or_style(desk: Desk) -> None:
    client, row = await desk.sit_down(), await desk.held("stock_requisition")
    one = f"/messages/{id_text(row.message_id)}"
    for path in ("/channels", "/messages", one, f"{one}/edit", "/held", "/revisions", "/people", "/connections"):
        page = (await client.get(path)).text
        assert not re.search(r"<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=|<style|https?://", page), path


async def test_a_viewer_is_shown_no_button_that_changes(desk: Desk) -> None:
    await desk.sit_down()
    viewer, row = await desk.sit_down(Role.VIEWER, "vera"), await desk.held("stock_requisition")
    known = {"/sign-out", "/messages/find"}

    for path in ("/channels/admissions", "/messages", f"/messages/{id_text(row.message_id)}", "/held", "/revisions"):
        page = (await viewer.get(path)).text
        assert set(re.findall(r'method="post" action="([^"]+)"', page)) <= known, path
        assert "/people" not in page


# ------------------------------------------------------------------ searching
async def test_a_searched_value_never_stands_in_the_address(desk: Desk) -> None:
    client = await desk.sit_down()
    row = await desk.held("stock_requisition")
    value = row.keys[0][1]

    answer = await client.post_form("/messages/find", {"value": value, "field": "key"})
    location = answer.headers["location"]
    page = (await client.get(location)).text

    assert value not in location
    assert page.count("data-row") == 1
    assert id_text(row.message_id) in page


@pytest.mark.parametrize(
    ("form", "wanted"),
    [
        ({"value": "REQ-2026-4"}, lambda row: False),
        ({"value": "REQ-2026-4", "prefix": "yes"}, lambda row: row.keys[0][1].startswith("REQ-2026-4")),
        ({"value": "REQ-2026-4*"}, lambda row: row.keys[0][1].startswith("REQ-2026-4")),
        ({"value": "OR0000057"}, lambda row: row.natural_id == "OR0000057"),
        ({"value": "0CMV4WF8G001S", "field": "message"}, lambda row: id_text(row.message_id) == "0CMV4WF8G001S"),
        ({"value": "0CMV4WF8G001S", "field": "correlation"}, lambda row: row.correlation_id == "0CMV4WF8G001S"),
        ({"value": "0000000000000", "field": "message"}, lambda row: False),
        ({"channel": "admissions", "state": "FILTERED"}, lambda row: row.reason and row.reason.code == "FILTERED"),
        ({"type": "810"}, lambda row: row.message_type == "810"),
        ({"since": "2026-11-20T15:40"}, lambda row: row.received_at >= datetime(2026, 11, 20, 15, 40, tzinfo=UTC)),
    ],
)
async def test_every_way_to_search_finds_exactly_what_it_says(
    desk: Desk, form: dict[str, str], wanted: Callable[[MessageRow], object]
) -> None:
    client = await desk.sit_down()

    answer = await client.post_form("/messages/find", form)
    page = (await client.get(answer.headers["location"])).text

    everything = await desk.operations.search(Query(limit=10_000), "x")
    expected = [id_text(row.message_id) for row in everything if wanted(row)][:50]
    assert re.findall(r'class="id" href="/messages/(\w{13})"', page) == expected


async def test_pages_go_back_in_time_without_gap_or_overlap(desk: Desk) -> None:
    client, path, seen = await desk.sit_down(), "/messages", []
    while path:
        page = (await client.get(path)).text
        seen += re.findall(r'class="id" href="/messages/(\w{13})"', page)
        older = re.search(r'rel="next" href="([^"]+)"', page)
        path = older[1].replace("&amp;", "&") if older else ""

    everything = await desk.operations.search(Query(limit=10_000), "x")
    assert seen == [id_text(row.message_id) for row in everything]


async def test_another_session_cannot_use_my_search(desk: Desk) -> None:
    mine, theirs = await desk.sit_down(), await desk.sit_down(Role.VIEWER, "vera")
    location = (await mine.post_form("/messages/find", {"value": "REQ-2026-4001"})).headers["location"]

    page = (await theirs.get(location)).text

    assert "REQ-2026-4001" not in page
    assert "no longer remembered" in page


# ------------------------------------------------------------------ acting
@pytest.mark.parametrize("action", ["resend", "discard"])
async def test_nothing_happens_to_a_message_without_a_reason(desk: Desk, action: str) -> None:
    client, row = await desk.sit_down(), await desk.held("stock_requisition")

    answer = await client.post_form(f"/messages/{id_text(row.message_id)}/{action}", {"reason": "  "})

    assert answer.status == 400
    assert desk.operations.sent == []


async def test_an_edited_message_goes_out_with_the_edit_and_nothing_else(desk: Desk) -> None:
    client, row = await desk.sit_down(), await desk.held("stock_requisition")
    path = f"/messages/{id_text(row.message_id)}"
    before = await desk.operations.view(row.message_id, "x")
    assert before is not None
    form = {"text": before.body.decode().replace("\r", "\r\n").replace("|BX|", "|EA|"), "style": "utf-8:1"}

    answer = await client.post_form(f"{path}/edit", form | {"reason": "unit was wrong"})

    new = await desk.operations.search(Query(limit=1), "x")
    assert answer.headers["location"] == f"/messages/{id_text(new[0].message_id)}"
    view = await desk.operations.view(new[0].message_id, "x")
    assert view is not None
    assert view.body == before.body.replace(b"|BX|", b"|EA|")
    assert view.row.parent_id == row.message_id


async def test_what_was_typed_survives_a_refused_edit(desk: Desk) -> None:
    client, row = await desk.sit_down(), await desk.held("stock_requisition")

    answer = await client.post_form(
        f"/messages/{id_text(row.message_id)}/edit", {"text": "MSH|my long work", "style": "utf-8:1", "reason": ""}
    )

    assert answer.status == 400
    assert "MSH|my long work" in answer.text


async def test_a_delivery_is_touched_through_its_own_message_only(desk: Desk) -> None:
    client = await desk.sit_down()
    mine, other = await desk.held("supplier_invoice"), await desk.held("stock_requisition")
    view = await desk.operations.view(other.message_id, "x")
    assert view is not None
    foreign = id_text(view.deliveries[0].delivery_id)

    answer = await client.post_form(
        f"/messages/{id_text(mine.message_id)}/deliveries/{foreign}/confirm", {"reason": "x", "reference": ""}
    )

    assert answer.status == 404
    assert desk.operations.sent == []


async def test_many_held_messages_are_resent_at_once_but_never_an_unknown_outcome(desk: Desk) -> None:
    client = await desk.sit_down()
    rows = await desk.operations.search(Query(states=(MessageState.HELD,), limit=99), "x")
    unsure = {row.message_id for row in rows if row.reason and row.reason.code == "T003"}
    assert unsure
    form = {"id": [id_text(row.message_id) for row in rows] + ["nonsense", "0" * 13], "reason": "fixed"}

    await client.post_form("/held/resend", form)

    resent = {subject for method, subject, _, _ in desk.operations.sent if method == "resend"}
    assert resent == {f"message {id_text(r.message_id)}" for r in rows if r.message_id not in unsure}
    assert f"{len(resent)} messages resent" in (await client.get("/held")).text


async def test_one_refusal_does_not_stop_the_others(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    client = await desk.sit_down()
    rows = await desk.operations.search(Query(channel="stock_requisition", states=(MessageState.HELD,), limit=9), "x")
    real = desk.operations.resend

    async def refuse_first(message_id: int, who: str, reason: str, body: bytes | None = None) -> int:
        if message_id == rows[0].message_id:
            raise IsthmusError("the message is not HELD any more")
        return await real(message_id, who, reason, body)

    monkeypatch.setattr(desk.operations, "resend", refuse_first)

    await client.post_form("/held/resend", {"id": [id_text(r.message_id) for r in rows], "reason": "fixed"})

    assert len(desk.operations.sent) == len(rows) - 1
    page = (await client.get("/held")).text
    assert "Some could not be resent" in page


async def test_deploying_names_channels_and_keeps_the_note(desk: Desk) -> None:
    client = await desk.sit_down()

    await client.post_form("/revisions/deploy", {"channel": ["item_master"], "reason": "items from the MMIS"})
    await client.post_form("/revisions/deploy", {"reason": "nothing chosen"})

    assert desk.operations.sent == [("deploy", "channel item_master", "maria", "items from the MMIS")]


async def test_only_what_can_be_deployed_is_offered(desk: Desk) -> None:
    async def diff() -> list[ChannelDiff]:
        return [ChannelDiff(change, change, 1, [], ["why"]) for change in ("changed", "removed", "unreadable")]

    desk.operations.diff = diff  # type: ignore[method-assign]
    text = (await (await desk.sit_down()).get("/revisions")).text

    assert re.findall(r'name="channel" value="(\w+)" id="d-', text) == ["changed"]
    assert [word in text for word in (">removed<", ">unreadable<", "Deploy chosen")] == [True, True, True]


async def test_an_invitation_shows_its_link_once_and_is_audited(desk: Desk) -> None:
    client = await desk.sit_down()
    form = {"name": "tom", "role": "operator", "facilities": "HARBOR-MAIN, HARBOR-NORTH"}

    page = (await client.post_form("/people/invite", form)).text

    found = re.search(r"http://engine\.test/welcome/([\w-]+)", page)
    assert found
    link = await desk.accounts.link(found[1])
    assert link is not None
    assert (link.name, link.role) == ("tom", Role.OPERATOR)
    assert found[1] not in (await client.get("/people")).text
    assert desk.audit.kept[-1].action == "account.invite"
    assert found[1] not in str(desk.audit.kept)


async def test_states_without_anything_to_show_say_what_to_do(desk: Desk) -> None:
    client = await desk.sit_down()

    assert "No message matches" in (await client.get("/messages?state=DISCARDED")).text
    assert "Not checked yet" in (await client.get("/connections")).text
    assert "No record" in (await client.get("/audit?subject=nothing")).text


async def test_a_replay_is_planned_before_it_is_done(desk: Desk) -> None:
    client = await desk.sit_down()

    plan = (await client.post_form("/replays/plan?channel=admissions", {})).text
    assert "Nothing has been done yet" in plan
    assert desk.operations.sent == []

    await client.post_form("/replays", {"plan_id": "plan-1", "reason": "new rule"})
    assert desk.operations.sent == [("replay", "plan-1", "maria", "new rule")]
