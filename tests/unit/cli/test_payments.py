"""`isthmus payments` in words, and the control socket's client: what the engine tells arrives as it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from engine.api.app import build_app
from engine.api.payments import RemotePayments
from engine.cli import payments as cli
from engine.ports.accounts import Role
from engine.ports.payments import PaymentAsk
from tests.support.asgi_client import AsgiClient
from tests.support.operations_double import OperationsDouble
from tests.support.payments_double import ACCOUNT, BACK, DISPUTED, RUN
from tests.support.people import AuditDouble, enrol, make_accounts


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[tuple[RemotePayments, OperationsDouble]]:
    accounts, operations = make_accounts(tmp_path), OperationsDouble(10)
    client = AsgiClient(build_app(operations, accounts, AuditDouble()), await enrol(accounts, "vera", Role.ADMIN))

    async def get(path: str, *, missing: bool = False, **query: str | None) -> Any:
        parts = "&".join(f"{name}={value}" for name, value in query.items() if value is not None)
        answer = await client.get(f"{path}?{parts}" if parts else path)
        return None if missing and answer.status == 404 else answer.json()

    yield RemotePayments(get), operations
    accounts.close()


async def test_the_client_reads_what_the_engine_tells(engine: tuple[RemotePayments, OperationsDouble]) -> None:
    remote, there = engine[0], engine[1].payments
    ask = PaymentAsk(group="disputed", supplier="OLYMPIC", limit=5)

    assert [one.number for one in await remote.payments(ask)] == [one.number for one in await there.payments(ask, "")]
    assert [one.sums for one in await remote.runs(5)] == [one.sums for one in await there.runs(5, "")]
    told, known = await remote.payment(BACK), await there.payment(BACK, "")
    assert told is not None
    assert known is not None
    assert (told.row.parts[0], told.told[0].at) == (known.row.parts[0], known.told[0].at)
    assert (await remote.payment("NONE"), await remote.run("NONE")) == (None, None)


async def test_a_run_is_printed_with_what_it_left_and_what_to_do(
    engine: tuple[RemotePayments, OperationsDouble], capsys: pytest.CaptureFixture[str]
) -> None:
    view = await engine[0].run(RUN)
    assert view is not None

    cli._print_run(view)

    printed = capsys.readouterr().out
    assert printed.startswith(f"{RUN}      2026-11-19    3            23,430.15 USD")
    for words in ("nobody verified the bank account", "not paid", "CASCADE/INV-88021", "price above tolerance"):
        assert words in printed


async def test_a_payment_is_printed_with_its_tellers_and_the_last_four_of_its_account(
    engine: tuple[RemotePayments, OperationsDouble], capsys: pytest.CaptureFixture[str]
) -> None:
    view = await engine[0].payment(DISPUTED)
    assert view is not None

    cli._print_payment(view)

    printed = capsys.readouterr().out
    assert "bank: settled (by camt.054)" in printed
    assert "bank says settled, and the erp never released it" in printed
    assert "account ****5678" in printed
    assert ACCOUNT not in printed
