"""A recalled lot through its three doors: page, API and command line; who asks after it is written down."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from engine.api.app import build_app
from engine.api.p2p_client import RemoteP2p
from engine.canonical import InventoryMovement, MovementKind, Quantity
from engine.cli.recall import printed
from engine.console import pages
from engine.ports.accounts import Role
from engine.procure.desk.lots import lot_view
from engine.store.accounts import SqlAccounts
from tests.support.asgi_client import AsgiClient
from tests.support.operations_double import NOW, OperationsDouble
from tests.support.p2p_double import LOT, LOT_DEVICE, LOT_ITEM, desk_double
from tests.support.people import AuditDouble, enrol

ASKED = f"/api/p2p/lots?item={LOT_ITEM}&lot={LOT}"


async def person(accounts: SqlAccounts, *facilities: str) -> AsgiClient:
    app = build_app(OperationsDouble(1), accounts, AuditDouble(), pages=pages())
    await enrol(accounts, "first.admin", Role.ADMIN)
    token = await enrol(accounts, "maria.lind", Role.VIEWER, facilities)
    session = await accounts.session(token)
    assert session is not None
    return AsgiClient(app, token, session.csrf)


@pytest.mark.parametrize("item", [LOT_ITEM, LOT_DEVICE, f"(01){LOT_DEVICE}(17)271231(10){LOT}"])
async def test_a_lot_is_found_whole_by_item_device_or_label(item: str) -> None:
    found = await lot_view(desk_double(NOW)[1], item, "" if "(" in item else LOT)

    assert found is not None
    assert [(one.stage, one.key) for one in found.mentions] == [
        ("received", "RC-2401"), ("received", "RC-9"), ("sent_back", "RC-2402"), ("moved", "MV-1"), ("used", "US-1"),
        ("used", "US-1"), ("charged", "CH-1"),
    ]  # fmt: skip
    assert [(one.place, one.quantity) for one in found.places] == [("CORE", "8"), ("N-CORE", "1"), ("OR-3", "6")]
    assert (found.cases, found.notices[0].number) == (("K-118",), "FDA-2026-31")


async def test_what_a_movement_tells_already_is_not_counted_once_more_and_a_count_sets_it_anew() -> None:
    desk, matters = desk_double(NOW)
    (move,) = [one for one in matters.dossiers[f"lot:{LOT_ITEM}/{LOT}"].records if one.key == "MV-1"]
    told = InventoryMovement.model_validate_json(move.body).model_copy(
        update={"movement_number": "MV-0", "movement_kind": MovementKind.RECEIPT, "to_location": None,
                "quantity": Quantity(amount=Decimal(20)), "source_kind": "Receipt", "source_key": "RC-2401"}
    )  # fmt: skip
    counted = told.model_copy(
        update={"movement_number": "MV-9", "movement_kind": MovementKind.COUNT, "quantity": Quantity(amount=Decimal(5)),
                "location": "OR-3", "source_kind": None, "source_key": None}
    )  # fmt: skip
    for one in (told, counted):
        matters.keep(f"lot:{LOT_ITEM}/{LOT}", one, NOW - NOW)

    found = await desk.lot(LOT_ITEM, LOT, "ana")

    assert found is not None
    assert {one.place: one.quantity for one in found.places} == {"CORE": "8", "N-CORE": "1", "OR-3": "5"}


async def test_the_api_tells_a_lot_and_no_account(accounts: SqlAccounts) -> None:
    viewer = await person(accounts)

    told = await viewer.get(ASKED)

    assert (told.status, told.json()["cases"]) == (200, ["K-118"])
    assert "A-5512" not in told.text
    assert (await viewer.get(f"/api/p2p/lots?item={LOT_ITEM}&lot=l2291")).status == 404
    assert (await viewer.get("/api/p2p/lots")).status == 400
    assert (await AsgiClient(viewer.app).get(ASKED)).status == 401


async def test_of_a_lot_only_ones_own_facility_is_told(accounts: SqlAccounts) -> None:
    north = await person(accounts, "HARBOR-NORTH")

    told = (await north.get(ASKED)).json()

    assert [one["key"] for one in told["mentions"]] == ["RC-9"]
    assert ([one["place"] for one in told["places"]], told["cases"]) == (["N-CORE"], [])


async def test_who_asked_after_a_lot_is_audited_and_what_is_typed_in_vain_is_kept_nowhere() -> None:
    audit = AuditDouble()
    desk, _ = desk_double(NOW)
    desk._audit = audit

    await desk.lot("Joan Smith", "1", "ana")
    await desk.lot(LOT_ITEM, LOT, "ana")

    assert [(one.who, one.action, one.subject) for one in audit.kept] == [
        ("ana", "lot.viewed", f"lot {LOT_ITEM}/{LOT}")
    ]


async def test_the_page_leads_from_search_to_cases_places_and_what_went_back(accounts: SqlAccounts) -> None:
    viewer = await person(accounts)

    sent = await viewer.post_form("/recall/find", {"item": LOT_DEVICE, "lot": f" {LOT} "})
    text = (await viewer.get(sent.headers["location"])).text
    nothing = await viewer.post_form("/recall/find", {"item": "IMP-7", "lot": "L9"})

    assert sent.headers["location"] == f"/recall?item={LOT_DEVICE}&lot={LOT}"
    assert re.findall(r'<h2 id="h-(\w+)"', text) == ["used", "charged", "moved", "sent_back", "received"]
    assert "sterile barrier" in text
    assert 'href="/lineage/case%3AK-118"' in text
    assert 'aria-current="page">Recall</a>' in text
    assert (nothing.status, "No document names this lot" in nothing.text) == (200, True)
    assert (await viewer.get("/lineage/case:K-118")).status == 200


async def test_the_command_shows_what_the_engine_tells(accounts: SqlAccounts) -> None:
    viewer = await person(accounts)

    async def get(path: str, *, missing: bool = False, **query: str) -> object:
        answer = await viewer.get(f"{path}?{'&'.join(f'{name}={value}' for name, value in query.items())}")
        return None if missing and answer.status == 404 else answer.json()

    remote = RemoteP2p(get, get)
    found = await remote.lot(LOT_ITEM, LOT)
    assert found is not None
    lines = list(printed(found))

    assert "lies at: CORE 8 EA; N-CORE 1 EA; OR-3 6 EA" in lines
    assert "cases:   K-118" in lines
    assert lines[-1].split() == ["charged", "2026-11-20", "1", "EA", "K-118", "ChargeEvent", "CH-1"]
    assert await remote.lot(LOT_ITEM, "L9") is None
