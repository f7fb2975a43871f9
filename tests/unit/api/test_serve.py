"""Over real sockets: early refusal of bodies, the control socket, TLS, stopping."""

from __future__ import annotations

import asyncio
import ssl
import stat
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from engine.api.app import build_app
from engine.api.client import ControlClient, RemoteError
from engine.api.serve import serve, serve_control, tls_context
from engine.api.wire import to_wire
from engine.core.errors import ConfigurationError
from engine.ports.approvals import ApprovalAsk
from engine.ports.journal import Query
from engine.ports.p2p_operations import CaseAsk
from engine.ports.procure import CaseQuery
from engine.ports.states import DeliveryState, MessageState
from engine.ports.web import TlsFiles, WebSettings
from engine.store.accounts import SqlAccounts
from tests.support.certificates import Authority
from tests.support.operations_double import OperationsDouble
from tests.support.p2p_double import CASE_REF
from tests.support.people import AuditDouble

HUNDRED_MB = 100_000_000
FORGED = b"Cookie: isthmus_session=forged\r\n"


async def _send_until_refused(url: str, cookie: bytes, *, waits: bool) -> tuple[int, bytes]:
    """How many bytes of a 100 MB body left us, and the answer, when we waited for it before the body."""
    port = int(url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = b"POST /api/deploy HTTP/1.1\r\nHost: localhost\r\n" + cookie
    writer.write(head + f"Content-Length: {HUNDRED_MB}\r\n\r\n".encode())
    answer = await asyncio.wait_for(reader.read(12), 5) if waits else b""
    sent = 0
    try:
        while sent < HUNDRED_MB:
            writer.write(b"x" * 65_536)
            await asyncio.wait_for(writer.drain(), 5)
            sent += 65_536
    except (ConnectionError, TimeoutError):
        pass
    writer.transport.abort()
    return sent, answer


@pytest.mark.parametrize("waits", [True, False])
@pytest.mark.parametrize("cookie", [b"", FORGED])
async def test_a_hundred_megabytes_from_a_stranger_are_refused_after_the_head(
    accounts: SqlAccounts, cookie: bytes, waits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from uvicorn.protocols.http.h11_impl import H11Protocol

    taken: list[int] = []
    original = H11Protocol.data_received
    monkeypatch.setattr(H11Protocol, "data_received", lambda self, d: (taken.append(len(d)), original(self, d))[1])
    async with serve(build_app(OperationsDouble(1), accounts, AuditDouble()), "127.0.0.1:0") as url:
        sent, answer = await _send_until_refused(url, cookie, waits=waits)

    assert answer == (b"HTTP/1.1 401" if waits else b"")
    assert sent < HUNDRED_MB
    assert sum(taken) <= 64_000


async def test_it_stops_with_a_connection_open_and_leaves_no_task(accounts: SqlAccounts) -> None:
    before = asyncio.all_tasks()
    async with serve(build_app(OperationsDouble(1), accounts, AuditDouble()), "127.0.0.1:0") as url:
        _, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
    writer.close()

    assert asyncio.all_tasks() == before


async def test_a_connection_that_never_ends_its_head_is_closed(
    accounts: SqlAccounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.api.serve.LOOK_SECONDS", 0.05)
    async with serve(build_app(OperationsDouble(1), accounts, AuditDouble()), "127.0.0.1:0") as url:
        port = int(url.rpartition(":")[2])
        silent, _ = await asyncio.open_connection("127.0.0.1", port)
        after_one, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /heal")

        assert await asyncio.wait_for(silent.read(), 5) == b""
        assert (await asyncio.wait_for(after_one.read(), 5)).endswith(b"ok\n")


async def test_a_taken_address_is_a_configuration_error(accounts: SqlAccounts) -> None:
    app = build_app(OperationsDouble(1), accounts, AuditDouble())
    async with serve(app, "127.0.0.1:0") as url:
        with pytest.raises(ConfigurationError, match="cannot listen"):
            async with serve(app, url.removeprefix("http://")):
                pass


@pytest.mark.parametrize("address", ["8600", "localhost", "127.0.0.1:http", ":1"])
async def test_an_address_without_host_and_port_is_refused(accounts: SqlAccounts, address: str) -> None:
    with pytest.raises(ConfigurationError):
        async with serve(build_app(OperationsDouble(1), accounts, AuditDouble()), address):
            pass


# ------------------------------------------------------------------ the control socket
@pytest.fixture
async def operations(accounts: SqlAccounts, tmp_path: Path) -> AsyncIterator[tuple[ControlClient, OperationsDouble]]:
    double = OperationsDouble(60)
    async with (
        serve_control(build_app(double, accounts, AuditDouble()), tmp_path / "control.sock") as path,
        ControlClient(path) as client,
    ):
        yield client, double


async def test_only_its_owner_may_open_the_control_socket(accounts: SqlAccounts, tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    async with serve_control(build_app(OperationsDouble(1), accounts, AuditDouble()), path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    assert not path.exists()


async def test_the_client_sees_exactly_what_the_operations_see(
    operations: tuple[ControlClient, OperationsDouble],
) -> None:
    client, double = operations
    held = Query(states=(MessageState.HELD,), limit=5)

    rows = await client.search(held)
    assert to_wire(rows) == to_wire(await double.search(held, "x"))
    assert to_wire(await client.view(rows[0].message_id)) == to_wire(await double.view(rows[0].message_id, "x"))
    assert (await client.status()).channels[0].counts == (await double.status()).channels[0].counts
    assert await client.diff() == await double.diff()
    assert await client.history() == await double.history(None)
    assert await client.check() == await double.check()
    assert await client.view(1) is None


async def test_changes_carry_the_system_users_name(operations: tuple[ControlClient, OperationsDouble]) -> None:
    client, double = operations
    row = (await client.search(Query(states=(MessageState.HELD,), channel="supplier_invoice", limit=1)))[0]
    view = await client.view(row.message_id)
    assert view is not None

    await client.confirm_delivery(view.deliveries[0].delivery_id, "someone else", "seen in the ERP", "SI-77")

    method, _, who, reason = double.sent[-1]
    assert (method, reason) == ("confirm_delivery", "seen in the ERP")
    assert who.startswith("os:")
    after = await client.view(row.message_id)
    assert after is not None
    assert (after.deliveries[0].state, after.deliveries[0].reference) == (DeliveryState.DELIVERED, "SI-77")


async def test_an_edited_body_arrives_byte_for_byte(operations: tuple[ControlClient, OperationsDouble]) -> None:
    client, double = operations
    row = (await client.search(Query(states=(MessageState.HELD,), limit=1)))[0]
    body = bytes(range(256))

    new = await client.resend(row.message_id, "", "corrected", body)

    view = await double.view(new, "x")
    assert view is not None
    assert view.body == body


async def test_every_other_change_goes_through(operations: tuple[ControlClient, OperationsDouble]) -> None:
    client, double = operations
    rows = await client.search(Query(states=(MessageState.HELD,), limit=2))
    view = await client.view(rows[1].message_id)
    assert view is not None

    await client.discard(rows[0].message_id, "", "test message")
    await client.resend_delivery(view.deliveries[0].delivery_id, "", "period is open")
    await client.set_channel("admissions", "stopped", "", "maintenance")
    plan = await client.plan_replay(Query(channel="admissions"), "", 2)
    assert await client.replay(plan.plan_id, "", "new rule") == 12
    assert (await client.deploy(["item_master"], "", "first"))[0].revision == 4
    assert (await client.rollback("admissions", 1)).revision == 1
    assert await client.prune(datetime.now(UTC) - timedelta(days=30)) == 0
    assert await client.audit_records("channel admissions", 5)
    methods = [sent[0] for sent in double.sent]
    assert methods == ["discard", "resend_delivery", "set_channel", "replay", "deploy", "rollback", "prune"]


async def test_a_refusal_comes_back_with_its_code_and_words(
    operations: tuple[ControlClient, OperationsDouble],
) -> None:
    client, _ = operations
    row = (await client.search(Query(states=(MessageState.TRANSFORMED,), limit=1)))[0]

    with pytest.raises(RemoteError, match="not HELD") as refused:
        await client.resend(row.message_id, "", "why")

    assert refused.value.remote_code == "E000"


async def test_a_change_without_reason_is_refused(operations: tuple[ControlClient, OperationsDouble]) -> None:
    client, double = operations
    row = (await client.search(Query(states=(MessageState.HELD,), limit=1)))[0]

    with pytest.raises(RemoteError, match="reason"):
        await client.discard(row.message_id, "", "  ")

    assert double.sent == []


async def test_without_an_engine_the_client_says_so(tmp_path: Path) -> None:
    async with ControlClient(tmp_path / "none.sock") as client:
        with pytest.raises(ConfigurationError, match="no engine"):
            await client.status()


# ------------------------------------------------------------------ TLS
async def test_tls_is_1_2_or_newer_and_marks_the_answer(accounts: SqlAccounts, tmp_path: Path) -> None:
    files, authority = TlsFiles(tmp_path / "c.pem", tmp_path / "k.pem"), Authority()
    authority.issue(files.certificate, files.key)
    trust = ssl.create_default_context(cafile=str(authority.write(tmp_path / "ca.pem")))
    app = build_app(OperationsDouble(1), accounts, AuditDouble(), WebSettings(tls=files))
    async with (
        serve(app, "127.0.0.1:0", files) as url,
        aiohttp.ClientSession() as http,
        http.get(f"{url}/healthz", ssl=trust) as answer,
    ):
        assert url.startswith("https://")
        assert "strict-transport-security" in answer.headers

    assert tls_context(files).minimum_version == ssl.TLSVersion.TLSv1_2


async def test_tls_files_that_cannot_be_read_are_a_configuration_error(accounts: SqlAccounts, tmp_path: Path) -> None:
    files = TlsFiles(tmp_path / "none.pem", tmp_path / "none.key")

    with pytest.raises(ConfigurationError, match="certificate"):
        async with serve(build_app(OperationsDouble(1), accounts, AuditDouble()), "127.0.0.1:0", files):
            pass


async def test_the_client_sees_and_decides_exceptions_as_the_operations_do(
    operations: tuple[ControlClient, OperationsDouble],
) -> None:
    client, double = operations

    assert to_wire(await client.p2p.cases(CaseQuery())) == to_wire(await double.p2p.cases(CaseQuery(), "x"))
    assert [one.owner for one in await client.p2p.cases(CaseQuery(owner="buyer"))] == ["buyer", "buyer"]
    assert to_wire(await client.p2p.order("PO-4711")) == to_wire(await double.p2p.order("PO-4711", "x"))
    assert to_wire(await client.p2p.lineage("PO-4713")) == to_wire(await double.p2p.lineage("PO-4713", "x"))
    assert to_wire(await client.p2p.summary()) == to_wire(await double.p2p.summary("x"))
    status = await client.p2p.invoice("OLYMPIC", "9-1001")
    assert status is not None
    assert status.waits_for == "receipt"
    assert await client.p2p.case("0" * 12) is None
    view = await client.p2p.case(CASE_REF)
    assert view is not None
    assert view.row.case_id.startswith("order:PO-4711#")
    await client.p2p.act(CASE_REF, CaseAsk("accept", "agreed", view.seen))
    assert [one.kind for one in double.matters.taken] == ["CaseAction"]


async def test_the_client_sees_approvals_and_its_user_answers_only_where_the_policies_ask_for_her(
    operations: tuple[ControlClient, OperationsDouble],
) -> None:
    client, double = operations
    rows = await client.approvals.waiting("all")

    assert sorted(row.subject for row in rows) == ["bank_change", "supplier"]
    assert await client.approvals.waiting("mine") == []
    assert await client.approvals.approval("0" * 12) is None
    view = await client.approvals.approval(rows[0].ref)
    assert view is not None
    with pytest.raises(RemoteError, match="nobody of this name"):
        await client.approvals.answer(rows[0].ref, ApprovalAsk("approve", "fine", view.seen))
    assert [one.action for one in double.office.audit.kept] == ["approval.refused"]
