"""What a FHIR channel took in is read and searched: by its owner's token, audited, exact, this channel's alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from engine.app import Engine, running
from engine.core.loopback import free_port
from tests.support.connector_contract import connect_when_up

CHANNEL = """
channel: {name}
version: 1
title: Requests of a hospital
source:
  type: fhir
  format: fhir
  listen: 127.0.0.1:{port}
  token: env:FHIR_TOKEN
  search: true
  resources: [SupplyRequest, Device]
index:
  id: id
  identifier: identifier.value
  status: status
"""
HEADERS = {"Authorization": "Bearer token-of-tests", "Content-Type": "application/fhir+json"}


class Peer:
    def __init__(self, session: aiohttp.ClientSession, port: int, engine: Engine) -> None:
        self.session, self.base, self.engine = session, f"http://127.0.0.1:{port}", engine

    async def ask(self, method: str, path: str, tree: Any = None, **more: Any) -> tuple[int, Any]:
        data = json.dumps(tree).encode() if tree is not None else None
        headers = HEADERS | more.pop("headers", {})
        async with self.session.request(
            method, f"{self.base}{path}", data=more.pop("data", data), headers=headers
        ) as response:
            text = await response.text()
            return response.status, json.loads(text) if text.startswith("{") else text

    async def make(self, tree: Any) -> str:
        """Create; the id that it got."""
        async with self.session.post(
            f"{self.base}/fhir/{tree['resourceType']}", json=tree, headers=HEADERS
        ) as response:
            assert response.status == 201
            return response.headers["Location"].split("/")[3]

    async def found(self, path: str) -> list[dict[str, Any]]:
        status, bundle = await self.ask("GET", path)
        assert (status, bundle["type"]) == (200, "searchset")
        return [one["resource"] for one in bundle.get("entry", [])]

    async def indexed(self) -> None:
        """Return when the workers have read every message: then its keys are there."""
        async with asyncio.timeout(30):
            while any(
                count.state.name == "RECEIVED" and count.count for count in await self.engine.store.journal.counts()
            ):
                await asyncio.sleep(0.02)


@asynccontextmanager
async def served(root: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Peer, Peer]]:
    monkeypatch.setenv("FHIR_TOKEN", "token-of-tests")
    (root / "channels/supply").mkdir(parents=True)
    ports = {"requests": free_port(), "others": free_port()}
    for name, port in ports.items():
        (root / f"channels/supply/{name}.yaml").write_text(CHANNEL.format(name=name, port=port))
    async with running(root, deploy_all=True) as engine, aiohttp.ClientSession() as session:
        for port in ports.values():
            _, writer = await connect_when_up(port)
            writer.close()
        yield Peer(session, ports["requests"], engine), Peer(session, ports["others"], engine)


def request(number: str, status: str = "active", **more: Any) -> dict[str, Any]:
    identifier = [{"system": "urn:requests", "value": number}]
    return {"resourceType": "SupplyRequest", "identifier": identifier, "status": status} | more


async def test_reads_searches_and_versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with served(tmp_path, monkeypatch) as (peer, other):
        made = await peer.make(request("R-1", quantity={"value": 1}))
        await other.make(request("R-1"))
        for n in range(2, 6):
            await peer.make(request(f"R-{n}", "draft" if n == 5 else "active"))
        for state in ("active", "completed"):
            await peer.ask("PUT", "/fhir/SupplyRequest/s1", request("R-9", state, id="s1"))
        await peer.indexed()

        status, read = await peer.ask("GET", f"/fhir/SupplyRequest/{made}")
        assert (status, read["id"], read["meta"]["versionId"]) == (200, made, made)
        _, updated = await peer.ask("GET", "/fhir/SupplyRequest/s1")
        assert (updated["status"], updated["id"]) == ("completed", "s1")
        version = f"/fhir/SupplyRequest/s1/_history/{updated['meta']['versionId']}"
        assert (await peer.ask("GET", version))[1] == updated

        assert [one["id"] for one in await peer.found("/fhir/SupplyRequest?identifier=urn:requests|R-1")] == [made]
        assert await peer.found("/fhir/SupplyRequest?identifier=urn:others|R-1") == []
        assert len(await peer.found("/fhir/SupplyRequest?identifier=R-1")) == 1
        assert len(await peer.found("/fhir/SupplyRequest?status=active")) == 4
        assert await peer.found("/fhir/Device?_count=5") == []
        assert [one["id"] for one in await peer.found(f"/fhir/SupplyRequest?_id={made},s1")] == [made, "s1"]
        assert await peer.found(f"/fhir/SupplyRequest?_id={made}&status=draft") == []
        assert await peer.found(f"/fhir/SupplyRequest?_id={made}&_lastUpdated=lt2020") == []
        assert await peer.found("/fhir/SupplyRequest?_lastUpdated=lt2020") == []
        assert len(await peer.found("/fhir/SupplyRequest?_lastUpdated=ge2020-01-01T00:00:00Z&status=draft")) == 1
        posted = {"Content-Type": "application/x-www-form-urlencoded"}
        _, by_form = await peer.ask("POST", "/fhir/SupplyRequest/_search", headers=posted, data=b"identifier=R-9")
        assert [one["resource"]["status"] for one in by_form["entry"]] == ["completed"]
        records = await peer.engine.store.audit.records(limit=3)
        assert {(one.who, one.action) for one in records} == {("token of the channel", "fhir.search")}
        assert "R-9" not in str(records)


async def test_pages_follow_links_to_the_end_and_hold_each_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(tmp_path, monkeypatch) as (peer, _):
        made = [await peer.make(request(f"R-{n}")) for n in range(5)]
        await peer.indexed()
        found, path = [], "/fhir/SupplyRequest?_count=2&status=active"
        while path:
            _, bundle = await peer.ask("GET", path)
            found += [one["resource"]["id"] for one in bundle.get("entry", [])]
            url = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), "")
            assert url.startswith(peer.base) or not url
            path = url.removeprefix(peer.base)

    assert found == made[::-1]


async def test_entries_of_a_transaction_are_read_at_their_location(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = {"resource": request("R-1"), "request": {"method": "POST", "url": "SupplyRequest"}}
    async with served(tmp_path, monkeypatch) as (peer, _):
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry, entry]}
        _, answer = await peer.ask("POST", "/fhir/", bundle)
        location = answer["entry"][1]["response"]["location"]
        by_version, by_id = [await peer.ask("GET", one) for one in (location, location.split("/_history")[0])]

    assert by_version[0] == by_id[0] == 200
    assert by_version[1]["identifier"][0]["value"] == "R-1"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/fhir/SupplyRequest/absent", 404),
        ("/fhir/SupplyRequest/ZZZZZZZZZZZZZ", 404),
        ("/fhir/Patient/p1", 404),
        ("/fhir/SupplyRequest/s1/_history/none", 404),
        ("/fhir/SupplyRequest?patient=p1", 400),
        ("/fhir/SupplyRequest?status:not=x", 400),
        ("/fhir/SupplyRequest?status=urn:x|y", 400),
        ("/fhir/SupplyRequest?_lastUpdated=yesterday", 400),
        ("/fhir/SupplyRequest?_count=many", 400),
        ("/fhir/SupplyRequest?_sort=status", 400),
        ("/fhir/SupplyRequest?_before=x", 400),
    ],
)
def test_what_is_not_there_or_not_answered_is_said(path: str, status: int, answers: dict[str, tuple[int, Any]]) -> None:
    assert answers[path][0] == status
    assert answers[path][1]["resourceType"] == "OperationOutcome"


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, Any]]:
    """One engine for all of them."""
    marks = test_what_is_not_there_or_not_answered_is_said.pytestmark
    paths = [path for mark in marks if mark.name == "parametrize" for path, _ in mark.args[1]]

    async def asked() -> dict[str, tuple[int, Any]]:
        with pytest.MonkeyPatch.context() as patch:
            async with served(tmp_path_factory.mktemp("site"), patch) as (peer, _):
                return {path: await peer.ask("GET", path) for path in paths}

    return asyncio.run(asked())
