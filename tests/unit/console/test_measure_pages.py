"""Measures as pages: tiles that lead to the definition, the documents and the SQL behind each number."""

from __future__ import annotations

import re

from engine.api.app import build_app
from engine.console import pages
from engine.ports.accounts import Role
from engine.procure.measures.catalog import MEASURES, NOT_MEASURED
from engine.store.accounts import SqlAccounts
from tests.support.asgi_client import AsgiClient
from tests.support.operations_double import OperationsDouble
from tests.support.people import AuditDouble, enrol


async def person(accounts: SqlAccounts, *facilities: str) -> AsgiClient:
    await enrol(accounts, "first.admin", Role.ADMIN)
    token = await enrol(accounts, "maria.lind", Role.VIEWER, facilities)
    session = await accounts.session(token)
    assert session is not None
    return AsgiClient(build_app(OperationsDouble(10), accounts, AuditDouble(), pages=pages()), token, session.csrf)


async def test_every_measure_has_a_tile_that_leads_to_its_definition(accounts: SqlAccounts) -> None:
    text = (await (await person(accounts)).get("/measures?days=30")).text

    assert re.findall(r'<dt><a href="/measures/(\w+)\?days=30"', text) == list(MEASURES)
    assert all(title in text for title in NOT_MEASURED)
    assert "Exception opened to ended" in text


async def test_a_measure_shows_its_definition_owner_slices_documents_and_sql(accounts: SqlAccounts) -> None:
    text = (await (await person(accounts)).get("/measures/invoice_exception_rate?by=supplier")).text

    assert MEASURES["invoice_exception_rate"].meaning in text
    assert "accounts-payable" in text
    assert re.findall(r'class="bar-name">(\w+)<', text)
    assert "FROM p2p_milestones x" in text
    assert 'href="/orders/H-0"' in text


async def test_who_answers_for_one_facility_sees_only_its_documents_and_what_is_told_by_facility(
    accounts: SqlAccounts,
) -> None:
    viewer = await person(accounts, "HARBOR-NORTH")

    overview = (await viewer.get("/measures")).text
    text = (await viewer.get("/measures/invoice_exception_rate?by=facility")).text

    assert "payment_accuracy" not in overview
    assert re.findall(r'class="bar-name">([\w-]+)<', text) == ["HARBOR-NORTH"]
    assert "HARBOR-MAIN" not in text


async def test_an_unknown_measure_is_not_found(accounts: SqlAccounts) -> None:
    assert (await (await person(accounts)).get("/measures/none")).status == 404
