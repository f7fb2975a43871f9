"""Measures over the API, and through the client that the command line uses."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest

from engine.api.app import build_app
from engine.api.measures import RemoteMeasures
from engine.ports.accounts import Role
from engine.ports.measures import MeasureAsk
from engine.procure.measures.catalog import MEASURES
from engine.store.accounts import SqlAccounts
from tests.support.asgi_client import AsgiClient
from tests.support.operations_double import OperationsDouble
from tests.support.people import AuditDouble, enrol

NOW = datetime.now(UTC)
MONTH = MeasureAsk(NOW - timedelta(days=30), NOW)


async def person(accounts: SqlAccounts, role: Role = Role.OPERATOR, *facilities: str) -> AsgiClient:
    await enrol(accounts, "first.admin", Role.ADMIN)
    token = await enrol(accounts, "maria.lind", role, facilities)
    session = await accounts.session(token)
    assert session is not None
    return AsgiClient(build_app(OperationsDouble(10), accounts, AuditDouble()), token, session.csrf)


def remote(client: AsgiClient) -> RemoteMeasures:
    async def get(path: str, **query: str | None) -> Any:

        found = await client.get(f"{path}?{urlencode({k: v for k, v in query.items() if v is not None})}")
        assert found.status == 200, found.text
        return json.loads(found.text)

    async def post(path: str, asked: Any) -> Any:
        found = await client.post_json(path, asked)
        assert found.status == 200, found.text
        return json.loads(found.text)

    return RemoteMeasures(get, post)


async def test_the_client_is_told_what_the_engine_says(accounts: SqlAccounts) -> None:
    measures = remote(await person(accounts))

    rows = await measures.figures(msgspec.structs.replace(MONTH, names=("invoice_exception_rate",), by="supplier"))
    trend = await measures.trend(msgspec.structs.replace(MONTH, names=("invoice_exception_rate",), parts=3))
    behind = await measures.behind(msgspec.structs.replace(MONTH, names=("invoice_exception_rate",), limit=3))
    promises = await measures.promises(MONTH)

    assert [row.of for row in rows] == ["CASCADE", "OLYMPIC", "RAINIER"]
    assert sum(int(row.denominator) for row in rows) == sum(int(part[0].denominator) for part in trend)
    assert len(behind) == 3
    assert {one.milestone for one in promises.rows} >= {"invoice_cycle", "exception_decided"}


async def test_without_a_name_every_measure_is_told(accounts: SqlAccounts) -> None:
    rows = await remote(await person(accounts)).figures(MONTH)

    assert {row.measure for row in rows} == set(MEASURES)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("name=none", 404),
        ("name=stock_outs&by=supplier", 409),
        ("since=yesterday", 400),
        ("since=2026-02-01&until=2026-01-01", 400),
        ("parts=9999", 400),
    ],
)
async def test_a_wrong_question_is_told_what_is_wrong(accounts: SqlAccounts, query: str, status: int) -> None:
    assert (await (await person(accounts)).get(f"/api/p2p/measures?{query}")).status == status


async def test_who_answers_for_some_facilities_gets_their_figures_and_no_check(accounts: SqlAccounts) -> None:
    client = await person(accounts, Role.OPERATOR, "HARBOR-NORTH")

    whole = await remote(client).figures(msgspec.structs.replace(MONTH, names=("invoice_exception_rate",)))
    sliced = await remote(client).figures(
        msgspec.structs.replace(MONTH, names=("invoice_exception_rate",), by="facility")
    )

    assert [(row.of, row.denominator) for row in sliced] == [("HARBOR-NORTH", whole[0].denominator)]
    assert (await client.get("/api/p2p/measures/check")).status == 403


@pytest.mark.parametrize(
    ("role", "facilities", "status"),
    [(Role.ADMIN, (), 200), (Role.ANALYST, (), 403), (Role.ADMIN, ("HARBOR-NORTH",), 403)],
)
async def test_only_an_administrator_of_everything_has_the_rows_made_anew(
    accounts: SqlAccounts, role: Role, facilities: tuple[str, ...], status: int
) -> None:
    client = await person(accounts, role, *facilities)

    assert (await client.post_json("/api/p2p/measures/remake", {})).status == status


async def test_the_client_is_told_of_how_many_matters_the_rows_were_made_anew() -> None:
    async def post(path: str, asked: Any) -> Any:
        return {"dossiers": 7} if (path, asked) == ("/api/p2p/measures/remake", {}) else None

    assert await RemoteMeasures(post, post).remake("nobody") == 7
