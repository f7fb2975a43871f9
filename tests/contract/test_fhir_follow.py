"""The contract of `fhir_poll` and `fhir_subscription`: each version once, whatever is told, lost or said twice."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import ValidationError

from engine.connectors.fhir.poll import FhirPoll
from engine.connectors.fhir.settings import FhirPollSettings, FhirSubscriptionSettings
from engine.connectors.fhir.subscription import FhirSubscription
from engine.core.errors import ConfigurationError, StoreError
from engine.core.loopback import free_port
from engine.ports.connector import ConnectorContext
from tests.support.connector_contract import (
    LIMIT,
    PATIENCE,
    Answer,
    SourceHarness,
    connect_when_up,
    source_contract,
)
from tests.support.connector_doubles import Door, Secrets, context
from tests.support.fhir_server import FhirServer

TOKEN = "a-token-for-tests"
JSON = "application/fhir+json"


def supply(number: int, **more: Any) -> dict[str, Any]:
    return {"resourceType": "SupplyRequest", "status": "active", "quantity": {"value": number}} | more


def of(door: Door) -> list[tuple[str | None, Any]]:
    return [(one.natural_id, json.loads(one.body)["quantity"]["value"]) for one in door.accepted]


# ---------------------------------------------------------------- polling
class Writer:
    """Saves at the server and watches whether it arrives."""

    def __init__(self, harness: PollHarness) -> None:
        self.harness = harness

    async def send(self, body: bytes) -> Answer:
        door, before, asked = self.harness.door, len(self.harness.door.stored), self.harness.door.asked
        self.harness.server.save(json.loads(body))
        while len(door.stored) == before:
            await asyncio.sleep(0.01)
            if door.failure is not None and door.asked > asked:
                return Answer.SILENT
        return Answer.ACCEPTED

    async def close(self) -> None:
        await self.harness.server.stop()


class PollHarness(SourceHarness):
    type = "fhir_poll"
    exempt = dict.fromkeys(
        ("repeat", "conflict", "oversize", "protocol", "tls", "store_failure"), "a server that is asked is told nothing"
    )

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.server = FhirServer()

    def settings(self) -> dict[str, Any]:
        return {"url": self.server.url, "resource": "SupplyRequest", "poll": "20ms"}

    async def connect(self) -> Writer:
        await self.server.start()
        return Writer(self)

    def message(self, key: str, text: str = "text", size: int = 0) -> bytes:
        return json.dumps(supply(1, text=f"{key}|{text}")).encode()


class Hook:
    """Tells of whole resources, as an R4 server does."""

    def __init__(self, port: int) -> None:
        self.port, self.session = port, aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1))

    async def send(self, body: bytes) -> Answer:
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": JSON}
        try:
            url = f"http://127.0.0.1:{self.port}/notifications"
            async with self.session.post(url, data=body, headers=headers) as response:
                await response.read()
                return {200: Answer.ACCEPTED, 503: Answer.AGAIN}.get(response.status, Answer.REFUSED)
        except aiohttp.ClientError:
            return Answer.SILENT

    async def close(self) -> None:
        await self.session.close()


class SubscriptionHarness(SourceHarness):
    type = "fhir_subscription"
    exempt = {"conflict": "a version of a resource is what it is: the first one that came"}  # noqa: RUF012

    def settings(self) -> dict[str, Any]:
        return {
            "listen": f"127.0.0.1:{self.port}",
            "token": "env:TOKEN",
            "max_body": f"{LIMIT}B",
            "body_timeout": "1s",
            "server": {"url": f"http://127.0.0.1:{free_port()}/fhir", "resource": "SupplyRequest"},
        }

    def context(self) -> ConnectorContext:
        return context(self.folder, secrets=Secrets({"env:TOKEN": TOKEN}), format="fhir")

    async def connect(self) -> Hook:
        _, writer = await connect_when_up(self.port)
        writer.close()
        await writer.wait_closed()
        return Hook(self.port)

    def message(self, key: str, text: str = "text", size: int = 0) -> bytes:
        return json.dumps(supply(1, id=key, meta={"versionId": "1"}, text={"div": text + "." * size})).encode()

    async def break_protocol(self) -> None:
        reader, writer = await connect_when_up(self.port)
        writer.write(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
        while await reader.read(4096):
            pass
        writer.close()


TestFhirPollContract = source_contract(PollHarness)
TestFhirSubscriptionContract = source_contract(SubscriptionHarness)


@pytest.fixture
async def server() -> AsyncIterator[FhirServer]:
    one = FhirServer()
    await one.start()
    yield one
    await one.stop()


def poll(server: FhirServer, root: Path, **more: Any) -> FhirPoll:
    settings = {"url": server.url, "resource": "SupplyRequest", "query": {"status": "active"}} | more
    return FhirPoll(FhirPollSettings.model_validate(settings), context(root))


async def look(server: FhirServer, root: Path, door: Door, **more: Any) -> FhirPoll:
    """One look of a source that has just been started."""
    one = poll(server, root, **more)
    await one.look(door)
    await one._client.close()
    return one


async def test_every_change_is_taken_once_across_pages_and_restarts(server: FhirServer, tmp_path: Path) -> None:
    door = Door()
    for n in range(5):
        server.save(supply(n), f"s{n}")
    server.save(supply(9, status="draft"))
    await look(server, tmp_path, door, page=2)
    server.save(supply(10), "s1")
    server.save(supply(11), "s9", seconds=-200)  # shown late, with an earlier time
    again = await look(server, tmp_path, door, page=2)

    first = [(f"SupplyRequest/s{n}/1", n) for n in range(5)]
    assert of(door) == [*first, ("SupplyRequest/s9/1", 11), ("SupplyRequest/s1/2", 10)]
    assert door.asked == 7  # what the mark remembers is not even offered
    assert again.problem is None


@pytest.mark.parametrize("seconds", [1, 0])
async def test_a_server_without_links_is_read_to_its_end(server: FhirServer, tmp_path: Path, seconds: int) -> None:
    """Also when a page holds changes of one moment only."""
    server.links, door = False, Door()
    for n in range(7):
        server.save(supply(n), f"s{n}", seconds=seconds)
    await look(server, tmp_path, door, page=2)

    assert sorted(of(door)) == [(f"SupplyRequest/s{n}/1", n) for n in range(7)]


async def test_a_link_to_another_server_is_not_followed(server: FhirServer, tmp_path: Path) -> None:
    server.next_at = "http://127.0.0.1:1/fhir/SupplyRequest?_page=2"
    for n in range(3):
        server.save(supply(n))
    one = await look(server, tmp_path, Door(), page=2, bearer=None)

    assert "another server" in str(one.problem)


async def test_a_link_to_itself_ends(server: FhirServer, tmp_path: Path) -> None:
    server.next_at = "SupplyRequest?_count=1&_page=0"
    for n in range(3):
        server.save(supply(n))

    assert "circle" in str((await look(server, tmp_path, Door(), page=1)).problem)


async def test_a_store_that_fails_moves_no_mark(server: FhirServer, tmp_path: Path) -> None:
    door = Door()
    server.save(supply(1), "s1")
    door.failure = StoreError("full")
    await look(server, tmp_path, door)
    door.failure = None
    await look(server, tmp_path, door)

    assert of(door) == [("SupplyRequest/s1/1", 1)]


async def test_a_server_that_is_down_or_refuses_is_asked_less_often(server: FhirServer, tmp_path: Path) -> None:
    one = poll(server, tmp_path, poll="1s")
    server.failing = 503
    waits = [await one.look(Door()) for _ in range(3)]
    server.failing = 403
    refused = await one.check()
    server.failing = 0
    waits.append(await one.look(Door()))
    await one._client.close()

    assert waits == [2, 4, 8, 1]
    assert (refused.ok, (await one.check()).ok) == (False, True)


async def test_a_server_that_says_when_to_come_again_is_left_alone_until_then(
    server: FhirServer, tmp_path: Path
) -> None:
    one = poll(server, tmp_path, poll="1s")
    server.failing, server.headers = 429, {"Retry-After": "120"}

    assert [await one.look(Door()) for _ in range(2)] == [120, 120]
    await one._client.close()


async def test_one_resource_dated_ahead_hides_no_later_change(server: FhirServer, tmp_path: Path) -> None:
    door, now = Door(), server.now
    server.now = datetime(2126, 1, 1, tzinfo=UTC)
    server.save(supply(1), "ahead")
    await look(server, tmp_path, door)
    server.now = now
    server.save(supply(2), "later")
    await look(server, tmp_path, door)

    assert [value for _, value in of(door)] == [1, 2]


# ---------------------------------------------------------------- being told
@asynccontextmanager
async def told(far: FhirServer, root: Path, door: Door, **more: Any) -> AsyncIterator[tuple[FhirSubscription, Any]]:
    port = free_port()
    settings = {
        "listen": f"127.0.0.1:{port}", "token": "env:TOKEN",
        "server": {"url": far.url, "resource": "SupplyRequest", "poll": "1h"} | more.pop("server", {}),
    } | more  # fmt: skip
    values = FhirSubscriptionSettings.model_validate(settings)
    one = FhirSubscription(values, context(root, secrets=Secrets({"env:TOKEN": TOKEN})))
    task = asyncio.ensure_future(one.run(door))
    _, writer = await connect_when_up(port)
    writer.close()
    async with asyncio.timeout(PATIENCE):
        while not far.asked:  # the look at the start
            await asyncio.sleep(0.01)

    async def tell(tree: Any = None, path: str = "", method: str = "POST", token: str = TOKEN) -> int:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": JSON}
        data = None if tree is None else json.dumps(tree).encode()
        async with (
            aiohttp.ClientSession() as session,
            session.request(
                method, f"http://127.0.0.1:{port}/notifications{path}", data=data, headers=headers
            ) as answer,
        ):
            return answer.status

    try:
        yield one, tell
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def notified(kind: str, since: int, *events: tuple[int, str], held: Any = (), r4: bool = False) -> dict[str, Any]:
    numbered = [{"eventNumber": str(n), "focus": {"reference": f"SupplyRequest/{id_}"}} for n, id_ in events]
    status: dict[str, Any] = {
        "resourceType": "SubscriptionStatus", "type": kind, "eventsSinceSubscriptionStart": str(since),
        "notificationEvent": numbered,
    }  # fmt: skip
    if r4:
        parts = [
            {"name": "notification-event", "part": [
                {"name": "event-number", "valueString": one["eventNumber"]},
                {"name": "focus", "valueReference": one["focus"]},
            ]} for one in numbered
        ]  # fmt: skip
        count = {"name": "events-since-subscription-start", "valueString": str(since)}
        status = {"resourceType": "Parameters", "parameter": [{"name": "type", "valueCode": kind}, count, *parts]}
    entries = [{"resource": status}, *({"resource": one} for one in held)]
    return {"resourceType": "Bundle", "type": "history" if r4 else "subscription-notification", "entry": entries}


async def test_an_empty_notification_asks_the_server(server: FhirServer, tmp_path: Path) -> None:
    door = Door()
    async with told(server, tmp_path, door) as (_, tell):
        server.save(supply(1), "s1")
        statuses = [await tell(), await tell({}), await tell(token="wrong")]

    assert statuses == [200, 200, 401]
    assert of(door) == [("SupplyRequest/s1/1", 1)]


async def test_a_resource_that_is_told_and_found_is_one_message(server: FhirServer, tmp_path: Path) -> None:
    """Found, it is written otherwise; a version is a version."""
    door = Door()
    async with told(server, tmp_path, door) as (_, tell):
        saved = server.save(supply(1), "s1")
        statuses = [
            await tell(saved | {"text": {"div": "another writing"}}, "/SupplyRequest/s1", "PUT"),
            await tell(),
            await tell({"resourceType": "Patient", "id": "p1"}),
            await tell(path="/SupplyRequest/s1/2"),
        ]

    assert statuses == [200, 200, 200, 404]
    assert of(door) == [("SupplyRequest/s1/1", 1)]
    assert len(door.stored) == 1


@pytest.mark.parametrize("r4", [False, True])
async def test_ids_are_read_and_a_gap_is_caught_up(server: FhirServer, tmp_path: Path, r4: bool) -> None:
    door = Door()
    async with told(server, tmp_path, door) as (_, tell):
        assert await tell(notified("handshake", 0, r4=r4)) == 200
        server.save(supply(1), "s1")
        assert await tell(notified("event-notification", 1, (1, "s1"), r4=r4)) == 200
        server.save(supply(2), "s2")  # its notification is lost
        assert await tell(notified("heartbeat", 1, r4=r4)) == 200
        before = len(door.accepted)
        server.save(supply(3), "s3")
        assert await tell(notified("event-notification", 3, (3, "s3"), r4=r4)) == 200
        server.save(supply(4), "s4")
        caught_up = of(door)
        assert await tell(notified("heartbeat", 4, r4=r4)) == 200

    assert before == 1
    assert caught_up == [("SupplyRequest/s1/1", 1), ("SupplyRequest/s2/1", 2), ("SupplyRequest/s3/1", 3)]
    assert of(door)[3:] == [("SupplyRequest/s4/1", 4)]


async def test_what_is_held_in_a_notification_is_taken_and_its_events_are_known_after_a_restart(
    server: FhirServer, tmp_path: Path
) -> None:
    door = Door()
    async with told(server, tmp_path, door) as (_, tell):
        one = server.save(supply(1), "s1")
        assert await tell(notified("event-notification", 1, (1, "s1"), held=[one])) == 200
    server.asked.clear()
    async with told(server, tmp_path, door) as (_, tell):
        two, reads = server.save(supply(2), "s2"), len(server.asked)
        assert await tell(notified("event-notification", 2, (2, "s2"), held=[two])) == 200
        assert len(server.asked) == reads  # no gap, nothing to ask

    assert of(door) == [("SupplyRequest/s1/1", 1), ("SupplyRequest/s2/1", 2)]


async def test_a_notification_is_told_again_when_the_server_or_the_store_fails(
    server: FhirServer, tmp_path: Path
) -> None:
    door = Door()
    async with told(server, tmp_path, door) as (_, tell):
        server.save(supply(1), "s1")
        server.failing = 500
        statuses = [await tell(notified("event-notification", 1, (1, "s1")))]
        server.failing, door.failure = 0, StoreError("full")
        statuses.append(await tell(notified("event-notification", 1, (1, "s1"))))
        door.failure = None
        statuses.append(await tell(notified("event-notification", 1, (1, "s1"))))

    assert statuses == [503, 503, 200]
    assert of(door) == [("SupplyRequest/s1/1", 1)]


async def test_an_address_in_use_is_told_as_that(server: FhirServer, tmp_path: Path) -> None:
    far = {"url": server.url, "resource": "SupplyRequest"}
    settings = {"listen": f"127.0.0.1:{server.port}", "token": "env:TOKEN", "server": far}
    values = FhirSubscriptionSettings.model_validate(settings)
    one = FhirSubscription(values, context(tmp_path, secrets=Secrets({"env:TOKEN": TOKEN})))

    with pytest.raises(ConfigurationError, match="cannot listen"):
        await asyncio.wait_for(one.run(Door()), PATIENCE)


@pytest.mark.parametrize(
    "body", [[1], {"resourceType": "Bundle", "type": "batch"}, {"resourceType": 1}, notified("x", 1)]
)
async def test_what_is_no_notification_is_refused(server: FhirServer, tmp_path: Path, body: Any) -> None:
    async with told(server, tmp_path, door := Door()) as (_, tell):
        assert await tell(body) == 400

    assert door.stored == []


@pytest.mark.parametrize(
    ("more", "fields"),
    [
        ({}, {"criteria": "SupplyRequest?status=active"}),
        ({"topic": "urn:topic"}, {"criteria": "urn:topic"}),
        ({"topic": "urn:topic", "server": {"version": "R5"}}, {"topic": "urn:topic", "content": "id-only"}),
    ],
)
async def test_a_subscription_is_made_once_and_renewed(
    server: FhirServer, tmp_path: Path, more: dict[str, Any], fields: dict[str, Any]
) -> None:
    more = more | {"server": {"query": {"status": "active"}} | more.get("server", {})}
    for _ in range(2):
        registering = {"register": True, "endpoint": "https://engine.harbor.example/notifications"}
        async with told(server, tmp_path, Door(), **registering, **more) as (one, _), asyncio.timeout(PATIENCE):
            while not (await one.check()).ok:
                await asyncio.sleep(0.01)

    [versions] = [several for (kind, _), several in server.versions.items() if kind == "Subscription"]
    assert len(versions) == 2
    assert {name: versions[1].get(name) for name in fields} == fields
    assert f"Bearer {TOKEN}" in json.dumps(versions[1])


@pytest.mark.parametrize(
    "change",
    [{"register": True}, {"register": True, "endpoint": "https://a.example", "token": None},
     {"register": True, "endpoint": "https://a.example", "server": {"version": "R5"}},
     {"server": {"query": {"_count": "3"}}}, {"server": {"since": "2026-01-01T00:00:00"}}, {"server": {"page": 0}}],
)  # fmt: skip
def test_settings_that_cannot_be_meant_are_refused(change: dict[str, Any]) -> None:
    server = {"url": "https://a.example/fhir", "resource": "SupplyRequest"}
    usual = {"listen": "127.0.0.1:0", "token": "env:T", "server": server}
    FhirSubscriptionSettings.model_validate(usual)
    with pytest.raises(ValidationError):
        FhirSubscriptionSettings.model_validate(usual | change | {"server": server | change.get("server", {})})
