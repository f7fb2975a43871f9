"""Conditions of a FHIR client against what the channel took in: If-Match, If-None-Exist, and reads after updates."""

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
channel: requests
version: 1
title: Requests of a hospital
source:
  type: fhir
  format: fhir
  listen: 127.0.0.1:{port}
  token: env:FHIR_TOKEN
  search: true
  resources: [SupplyRequest]
index:
  id: id
  identifier: identifier.value
"""
HERE = "/fhir/SupplyRequest"


class Client:
    def __init__(self, session: aiohttp.ClientSession, base: str, engine: Engine) -> None:
        self._session, self._base, self._engine = session, base, engine

    async def ask(self, method: str, path: str, tree: Any = None, **headers: str) -> tuple[int, Any, Any]:
        """Status, headers and tree; names of headers with _ for -."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        given |= {"Authorization": "Bearer token-of-tests", "Content-Type": "application/fhir+json"}
        data = json.dumps(tree).encode() if tree is not None else None
        async with self._session.request(method, self._base + path, data=data, headers=given) as response:
            text = await response.text()
            return response.status, response.headers, json.loads(text) if text else None

    async def indexed(self) -> None:
        """Return when the workers have read every message: then its keys are there."""
        async with asyncio.timeout(20):
            while any(one.state.name == "RECEIVED" and one.count for one in await self._engine.store.journal.counts()):
                await asyncio.sleep(0.02)


@asynccontextmanager
async def served(root: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Client]:
    monkeypatch.setenv("FHIR_TOKEN", "token-of-tests")
    (root / "channels").mkdir(parents=True)
    port = free_port()
    (root / "channels/requests.yaml").write_text(CHANNEL.format(port=port))
    async with running(root, deploy_all=True) as engine, aiohttp.ClientSession() as session:
        _, writer = await connect_when_up(port)
        writer.close()
        yield Client(session, f"http://127.0.0.1:{port}", engine)


def request(number: str, status: str = "active", **more: Any) -> dict[str, Any]:
    identifier = [{"system": "urn:requests", "value": number}]
    return {"resourceType": "SupplyRequest", "identifier": identifier, "status": status} | more


async def test_an_update_must_name_the_newest_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with served(tmp_path, monkeypatch) as client:
        status, first, _ = await client.ask("PUT", f"{HERE}/s1", request("A", "draft", id="s1"))
        assert status == 201
        second = request("A", id="s1")
        status, answered, _ = await client.ask("PUT", f"{HERE}/s1", second, If_Match=first["ETag"])
        assert (status, answered["ETag"] != first["ETag"]) == (200, True)

        repeated = await client.ask("PUT", f"{HERE}/s1", second, If_Match=first["ETag"])
        late = await client.ask("PUT", f"{HERE}/s1", request("A", "completed", id="s1"), If_Match=first["ETag"])
        never = await client.ask("PUT", f"{HERE}/s1", request("A", "suspended", id="s1"), If_Match='W/"99"')
        unknown = await client.ask("PUT", f"{HERE}/s2", request("B", id="s2"), If_Match='W/"1"')

        assert (repeated[0], repeated[1]["ETag"]) == (200, answered["ETag"])
        assert (late[0], never[0], unknown[0]) == (412, 412, 412)
        assert "newest version" in never[2]["issue"][0]["details"]["text"]
        _, _, read = await client.ask("GET", f"{HERE}/s1")
        assert read["status"] == "active"
        await client.indexed()  # also once the index knows it, an update without a version is an update
        assert (await client.ask("PUT", f"{HERE}/s1", request("A", "completed", id="s1")))[0] == 200


async def test_a_create_on_condition_acts_when_nothing_matches_and_not_when_one_or_several_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(tmp_path, monkeypatch) as client:
        made = [await client.ask("POST", HERE, request(number)) for number in ("C-1", "C-2", "C-2")]
        await client.indexed()

        none = await client.ask("POST", HERE, request("C-0"), If_None_Exist="identifier=urn:requests|C-0")
        one = await client.ask("POST", HERE, request("C-1", "draft"), If_None_Exist="identifier=urn%3Arequests%7CC-1")
        several = await client.ask("POST", HERE, request("C-2"), If_None_Exist="?identifier=urn:requests|C-2")

        assert (none[0], one[0], several[0]) == (201, 200, 412)
        assert one[1]["Location"] == made[0][1]["Location"]
        _, _, found = await client.ask("GET", f"{HERE}?identifier=C-1")
        assert [entry["resource"]["status"] for entry in found["entry"]] == ["active"]
        await read_and_updated(client)


async def read_and_updated(client: Client) -> None:
    """What was created is read at its Location, and after its update as that."""
    _, headers, _ = await client.ask("POST", HERE, request("D", id="mine"))
    own = headers["Location"].split("/")[3]
    status, _, read = await client.ask("GET", headers["Location"])
    assert (status, read["status"]) == (200, "active")

    await client.ask("PUT", f"{HERE}/{own}", request("D", "completed", id=own), If_Match=headers["ETag"])

    _, answered, read = await client.ask("GET", f"{HERE}/{own}")
    assert (read["id"], read["status"]) == (own, "completed")
    head = await client.ask("HEAD", f"{HERE}/{own}")
    assert (head[0], head[1]["ETag"], head[2]) == (200, answered["ETag"], None)
    _, _, able = await client.ask("GET", "/fhir/metadata")
    assert able["rest"][0]["resource"][0]["versioning"] == "versioned-update"
