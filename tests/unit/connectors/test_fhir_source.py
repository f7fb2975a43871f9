"""The FHIR server: each interaction as HL7 writes it, each refusal an OperationOutcome."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from fhir.resources.R4B.bundle import Bundle as ReadBundle
from fhir.resources.R4B.capabilitystatement import CapabilityStatement
from fhir.resources.R4B.operationoutcome import OperationOutcome
from pydantic import ValidationError

from engine.connectors.fhir.settings import FhirSourceSettings
from engine.connectors.fhir.source import FhirSource
from engine.core.errors import DiskFullError
from engine.core.loopback import free_port
from engine.ports.connector import Reason, Received, Settled
from engine.protocols.fhir.xml_reader import read_xml
from tests.support.connector_contract import connect_when_up
from tests.support.connector_doubles import Door, Secrets, context

TOKEN = "a-long-token-for-tests"
JSON, XML = "application/fhir+json", "application/fhir+xml"
REQUEST = b'{"resourceType":"SupplyRequest","quantity":{"value":10.10},"itemCodeableConcept":{"text":"Gauze"}}'


class Answer:
    """Status, headers and body of one answer."""

    def __init__(self, status: int, headers: Any, body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    @property
    def tree(self) -> Any:
        return json.loads(self.body)

    @property
    def issue(self) -> Any:
        """Of an OperationOutcome that an independent reader understands."""
        OperationOutcome.model_validate_json(self.body)
        return self.tree["issue"][0]


class Served:
    """A running server and a client of it."""

    def __init__(self, root: Path, format: str = "json", **settings: Any) -> None:
        self.port, self.door = free_port(), Door()
        values = {"listen": f"127.0.0.1:{self.port}", "token": "env:TOKEN"} | settings
        surroundings = context(root, secrets=Secrets({"env:TOKEN": TOKEN}), format=format)
        self.source = FhirSource(FhirSourceSettings.model_validate(values), surroundings)

    async def ask(self, method: str, path: str, body: Any = None, kind: str = JSON, **headers: str) -> Answer:
        sent = json.dumps(body).encode() if isinstance(body, dict) else body
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        given = {"Authorization": f"Bearer {TOKEN}", "Content-Type": kind} | named
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, f"http://127.0.0.1:{self.port}/fhir{path}", data=sent, headers=given) as response,
        ):
            return Answer(response.status, response.headers, await response.read())


@contextlib.asynccontextmanager
async def served(root: Path, format: str = "json", **settings: Any) -> AsyncIterator[Served]:
    one = Served(root, format, **settings)
    task = asyncio.ensure_future(one.source.run(one.door))
    _, writer = await connect_when_up(one.port)
    writer.close()
    try:
        yield one
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def entry(resource: Any, method: str = "POST", url: str = "", **request: str) -> dict[str, Any]:
    url = url or resource["resourceType"]
    return {"resource": resource, "request": {"method": method, "url": url} | request}


def bundle(kind: str, *entries: Any, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)} | more


DEVICE = {"resourceType": "Device", "id": "d1"}
SUPPLY = {"resourceType": "SupplyRequest", "itemCodeableConcept": {"text": "Gauze"}}


# ---------------------------------------------------------------- one resource
async def test_create_is_kept_verbatim_and_located(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        answer = await server.ask("POST", "/SupplyRequest", REQUEST)

    [kept] = server.door.stored
    assert (answer.status, kept.body, kept.message_type) == (201, REQUEST, "SupplyRequest")
    assert answer.headers["Location"].startswith("/fhir/SupplyRequest/")
    assert answer.headers["ETag"].startswith('W/"')
    assert answer.issue["severity"] == "information"


async def test_create_without_a_key_is_never_taken_for_a_repeat(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        answers = [await server.ask("POST", "/SupplyRequest", REQUEST) for _ in range(2)]

    assert [one.status for one in answers] == [201, 201]
    assert len(server.door.accepted) == 2


@pytest.mark.parametrize("header", [{"If_None_Exist": "identifier=urn:x|1"}, {"Idempotency_Key": "k-1"}])
async def test_repeated_conditional_create_acts_once_and_another_body_is_a_conflict(
    tmp_path: Path, header: dict[str, str]
) -> None:
    async with served(tmp_path) as server:
        bodies = (REQUEST, REQUEST, REQUEST.replace(b"Gauze", b"Tape"))
        answers = [await server.ask("POST", "/SupplyRequest", body, **header) for body in bodies]

    assert [one.status for one in answers] == [201, 200, 409]
    assert answers[0].headers["Location"] == answers[1].headers["Location"]
    assert answers[2].issue["code"] == "conflict"
    assert len(server.door.accepted) == 1


async def test_update_of_a_version_is_taken_once_and_another_body_fails_its_precondition(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        bodies: list[dict[str, Any]] = [DEVICE, DEVICE, DEVICE | {"status": "inactive"}]
        answers = [await server.ask("PUT", "/Device/d1", body, If_Match='W/"3"') for body in bodies]

    assert [one.status for one in answers] == [200, 200, 412]
    assert answers[0].headers["Location"].startswith("/fhir/Device/d1/_history/")
    assert len(server.door.accepted) == 1


async def test_version_in_the_resource_tells_a_repeated_update(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        body = DEVICE | {"meta": {"versionId": "4"}}
        statuses = [(await server.ask("PUT", "/Device/d1", body)).status for _ in range(2)]

    assert statuses == [200, 200]
    assert [one.natural_id for one in server.door.accepted] == ["Device/d1/4"]


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "where"),
    [
        ("POST", "/SupplyRequest", b"{", {}, "line 1, column 2"),
        ("POST", "/SupplyRequest", DEVICE, {}, "resourceType"),
        ("PUT", "/Device/d2", DEVICE, {}, "Device.id"),
        ("PUT", "/Device/d1", DEVICE, {"If_Match": "3"}, "If-Match"),
        ("POST", "/SupplyRequest", b'{"resourceType":"SupplyRequest","id":"a b"}', {}, "SupplyRequest.id"),
        ("POST", "/", bundle("collection", entry(DEVICE)), {}, "Bundle.type"),
        ("POST", "/", bundle("batch"), {}, "Bundle.entry"),
        ("POST", "/$process-message", bundle("message", entry(DEVICE)), {}, "Bundle.entry[0].resource"),
    ],
)
async def test_what_cannot_be_read_is_refused_by_its_place_and_kept(
    tmp_path: Path, method: str, path: str, body: Any, headers: dict[str, str], where: str
) -> None:
    async with served(tmp_path) as server:
        answer = await server.ask(method, path, body, **headers)

    assert answer.status == 400
    assert answer.issue["expression"] == [where]
    assert answer.issue["details"]["coding"][0]["code"] == "M005"
    assert [one.refusal is not None for one in server.door.stored] == [True]


async def test_refused_body_can_be_corrected_under_its_key(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        broken = await server.ask("POST", "/SupplyRequest", b"{", Idempotency_Key="k")
        corrected = await server.ask("POST", "/SupplyRequest", REQUEST, Idempotency_Key="k")

    assert (broken.status, corrected.status) == (400, 201)


async def test_channel_refusal_is_told_with_its_code(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        server.door.judge = lambda received: Reason("M006", "not taken", "MSH-9")
        answer = await server.ask("POST", "/SupplyRequest", REQUEST)

    assert answer.status == 422
    assert answer.issue["details"] == {"coding": [{"system": "urn:isthmus:code", "code": "M006"}], "text": "not taken"}


# ---------------------------------------------------------------- who, what, how much
@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/SupplyRequest/1", 405, "not-supported"),
        ("DELETE", "/SupplyRequest/1", 405, "not-supported"),
        ("POST", "/SupplyRequest/1", 405, "not-supported"),
        ("POST", "/supplyrequest", 404, "not-found"),
        ("POST", "/SupplyRequest/../x", 404, "not-found"),
        ("POST", "/Patient", 404, "not-found"),
        ("POST", "/SupplyRequest/1/2/3", 404, "not-found"),
    ],
)
async def test_what_is_not_served_is_said(tmp_path: Path, method: str, path: str, status: int, code: str) -> None:
    async with served(tmp_path, resources=["SupplyRequest", "Device"]) as server:
        answer = await server.ask(method, path, REQUEST)

    assert (answer.status, answer.issue["code"]) == (status, code)
    assert server.door.asked == 0


async def test_who_asks_is_checked_first(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        answer = await server.ask("POST", "/SupplyRequest", REQUEST, Authorization="Bearer wrong")
        unknown = await server.ask("GET", "/secret", Authorization="Bearer wrong")

    assert (answer.status, answer.issue["code"], unknown.status) == (401, "login", 401)
    assert server.door.asked == 0


async def test_other_media_types_and_large_bodies_are_refused(tmp_path: Path) -> None:
    async with served(tmp_path, max_body="1kB") as server:
        other = await server.ask("POST", "/SupplyRequest", REQUEST, kind="text/plain")
        large = await server.ask("POST", "/SupplyRequest", REQUEST + b" " * 2000)

    assert (other.status, other.issue["code"]) == (415, "not-supported")
    assert (large.status, large.issue["code"]) == (413, "too-long")


async def test_body_of_another_version_is_refused(tmp_path: Path) -> None:
    async with served(tmp_path, version="R5") as server:
        other = await server.ask("POST", "/SupplyRequest", REQUEST, kind=f"{JSON}; fhirVersion=4.0")
        same = await server.ask("POST", "/SupplyRequest", REQUEST, kind=f"{JSON}; fhirVersion=5.0")

    assert (other.status, same.status) == (415, 201)


async def test_large_bundle_is_read_beside_the_loop(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        answer = await server.ask("POST", "/", bundle("batch", *[entry(SUPPLY | {"text": {"div": "x" * 200}})] * 700))

    assert answer.status == 200
    assert len(server.door.accepted) == 700


@pytest.mark.parametrize("name", ["\u0000", "x" * 300, "\u202e"])
async def test_names_that_cannot_be_stored_are_stored_as_their_digest(tmp_path: Path, name: str) -> None:
    named = {"identifier": {"system": "urn:x", "value": name}}
    async with served(tmp_path) as server:
        answers = [await server.ask("POST", "/", bundle("transaction", entry(DEVICE), **named)) for _ in range(2)]

    [kept] = server.door.accepted
    assert [one.status for one in answers] == [200, 200]
    assert all(value.isprintable() for value in (kept.natural_id, *kept.attributes.values()))


async def test_name_that_is_given_twice_means_one_thing(tmp_path: Path) -> None:
    """Whoever validates and whoever splits read the same entries."""
    twice = json.dumps(bundle("transaction", entry(DEVICE), entry(DEVICE)))
    twice = twice[:-1] + f', "entry": [{json.dumps(entry(SUPPLY | {"quantity": {"value": 1}}))}]}}'
    async with served(tmp_path, validate_resources=True, transactions="entries") as server:
        answer = await server.ask("POST", "/", twice.encode())

    assert answer.status == 200
    assert [one.message_type for one in server.door.accepted] == ["SupplyRequest"]


async def test_failing_store_asks_to_try_again(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        server.door.failure = DiskFullError("full")
        answer = await server.ask("POST", "/", bundle("transaction", entry(DEVICE), entry(SUPPLY)))

    assert (answer.status, answer.issue["code"]) == (503, "transient")
    assert answer.headers["Retry-After"] == "5"


async def test_mistake_of_ours_shows_no_value(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        server.door.failure = ValueError("CANARY")
        answer = await server.ask("POST", "/SupplyRequest", REQUEST)

    assert (answer.status, answer.issue["code"]) == (500, "exception")
    assert b"CANARY" not in answer.body


async def test_capabilities_are_readable_by_anybody_and_fit_their_definition(tmp_path: Path) -> None:
    async with served(tmp_path, resources=["SupplyRequest"], version="R4B") as server:
        answer = await server.ask("GET", "/metadata", Authorization="")
        as_xml = await server.ask("GET", "/metadata?_format=xml")

    read = CapabilityStatement.model_validate_json(answer.body)
    assert (read.fhirVersion, read.rest[0].resource[0].type) == ("4.3.0", "SupplyRequest")
    assert read_xml(as_xml.body, "R4B") == answer.tree


async def test_validation_on_request_names_the_place_and_not_the_value(tmp_path: Path) -> None:
    async with served(tmp_path, validate_resources=True) as server:
        bad = await server.ask("POST", "/SupplyRequest", SUPPLY | {"quantity": {"value": "CANARY"}})
        good = await server.ask("POST", "/SupplyRequest", SUPPLY | {"quantity": {"value": 1}})

    assert (bad.status, good.status) == (400, 201)
    assert bad.issue["expression"] == ["SupplyRequest.quantity.value"]
    assert b"CANARY" not in bad.body


# ---------------------------------------------------------------- XML
XML_REQUEST = b'<SupplyRequest xmlns="http://hl7.org/fhir"><quantity><value value="10.10"/></quantity></SupplyRequest>'


async def test_xml_becomes_json_with_its_digits_and_is_answered_in_xml(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        answer = await server.ask("POST", "/SupplyRequest", XML_REQUEST, kind=XML)

    assert answer.status == 201
    assert server.door.stored[0].body == b'{"resourceType":"SupplyRequest","quantity":{"value":10.10}}'
    assert read_xml(answer.body, "R4")["issue"][0]["severity"] == "information"


async def test_bytes_channel_keeps_xml_as_it_came(tmp_path: Path) -> None:
    async with served(tmp_path, format="bytes") as server:
        await server.ask("POST", "/SupplyRequest", XML_REQUEST, kind=XML)

    assert server.door.stored[0].body == XML_REQUEST


async def test_hostile_xml_is_refused(tmp_path: Path) -> None:
    evil = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>' + XML_REQUEST
    async with served(tmp_path) as server:
        answer = await server.ask("POST", "/SupplyRequest", evil, kind=XML)

    assert answer.status == 400
    assert server.door.accepted == []


# ---------------------------------------------------------------- bundles
async def test_batch_takes_what_it_can_and_tells_each_entry(tmp_path: Path) -> None:
    async with served(tmp_path, resources=["SupplyRequest", "Device"]) as server:
        asked = bundle(
            "batch",
            entry(SUPPLY, ifNoneExist="identifier=urn:x|1"),
            entry(DEVICE, "PUT", "Device/d1"),
            entry(DEVICE, "PUT", "Device/d2"),
            entry({"resourceType": "Patient"}),
            {"request": {"method": "GET", "url": "Patient/1"}},
        )
        answer = await server.ask("POST", "/", asked)

    ReadBundle.model_validate_json(answer.body)
    responses = [one["response"] for one in answer.tree["entry"]]
    assert (answer.status, answer.tree["type"]) == (200, "batch-response")
    assert [one["status"][:3] for one in responses] == ["201", "200", "400", "422", "400"]
    assert responses[2]["outcome"]["issue"][0]["expression"] == ["Bundle.entry[2].request.url"]
    assert [one.message_type for one in server.door.accepted] == ["SupplyRequest", "Device"]
    assert len(server.door.stored) == 4


async def test_transaction_with_one_bad_entry_takes_nothing(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        answer = await server.ask("POST", "/", bundle("transaction", entry(SUPPLY), entry(DEVICE, "PUT", "Device/d2")))

    assert answer.status == 400
    assert answer.issue["expression"] == ["Bundle.entry[1].request.url"]
    assert server.door.accepted == []


async def test_transaction_that_updates_one_resource_twice_is_refused(tmp_path: Path) -> None:
    twice = [entry(DEVICE, "PUT", "Device/d1"), entry(DEVICE | {"status": "active"}, "PUT", "Device/d1")]
    async with served(tmp_path) as server:
        answer = await server.ask("POST", "", bundle("transaction", *twice))

        assert (answer.status, answer.issue["expression"]) == (400, ["Bundle.entry[1].request.url"])


async def test_transaction_by_entries_is_one_message_an_entry_and_repeated_acts_once(tmp_path: Path) -> None:
    async with served(tmp_path, transactions="entries") as server:
        asked = bundle("transaction", entry(SUPPLY), entry(DEVICE), id="b-1")
        first, again = [await server.ask("POST", "/", asked) for _ in range(2)]

    ReadBundle.model_validate_json(first.body)
    assert first.tree["type"] == "transaction-response"
    assert [[e["response"]["status"] for e in one.tree["entry"]] for one in (first, again)] == [
        ["201 Created"] * 2,
        ["200 OK"] * 2,
    ]
    assert [one.natural_id for one in server.door.accepted] == ["Bundle/b-1#0", "Bundle/b-1#1"]
    assert [json.loads(one.body)["resourceType"] for one in server.door.accepted] == ["SupplyRequest", "Device"]


async def test_transaction_that_was_stored_in_part_is_completed_when_it_comes_again(tmp_path: Path) -> None:
    """No name of its own: the same bytes are the same transaction."""
    async with served(tmp_path, transactions="entries") as server:
        asked = bundle("transaction", entry(SUPPLY), entry(DEVICE), entry(SUPPLY))
        server.door.judge = lambda received: _fail_at(server, received, 1)
        broken = await server.ask("POST", "/", asked)
        server.door.judge = lambda received: None
        again = await server.ask("POST", "/", asked)

    assert (broken.status, again.status) == (503, 200)
    assert len(server.door.accepted) == 3


def _fail_at(server: Served, received: Received, position: int) -> None:
    if received.attributes["entry"] == str(position):
        raise DiskFullError("full")


async def test_transaction_is_one_message_unless_told_otherwise(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        asked = bundle("transaction", entry(SUPPLY), entry(DEVICE), id="b-1")
        answer = await server.ask("POST", "/", asked)
        other = await server.ask("POST", "/", bundle("transaction", entry(SUPPLY), id="b-1"))

    assert (answer.status, other.status) == (200, 409)
    assert [one.body for one in server.door.accepted] == [json.dumps(asked).encode()]
    assert len(answer.tree["entry"]) == 2


async def test_bundle_with_too_many_entries_is_refused(tmp_path: Path) -> None:
    async with served(tmp_path, max_entries=1) as server:
        answer = await server.ask("POST", "/", bundle("batch", entry(SUPPLY), entry(SUPPLY)))

    assert answer.status == 400
    assert answer.issue["details"]["coding"][0]["code"] == "M003"


async def test_message_is_answered_with_a_message_that_names_it(tmp_path: Path) -> None:
    header = {
        "resourceType": "MessageHeader",
        "id": "h-1",
        "eventCoding": {"system": "urn:events", "code": "supply"},
        "source": {"endpoint": "urn:sender"},
    }
    async with served(tmp_path) as server:
        asked = bundle("message", {"resource": header}, {"resource": SUPPLY})
        answers = [await server.ask("POST", "/$process-message", asked) for _ in range(2)]

    ReadBundle.model_validate_json(answers[0].body)
    response = answers[0].tree["entry"][0]["resource"]
    assert response["response"] == {"identifier": "h-1", "code": "ok"}
    assert response["eventCoding"]["code"] == "supply"
    assert [one.natural_id for one in server.door.accepted] == ["MessageHeader/h-1"]


async def test_answer_after_delivery_waits_for_it(tmp_path: Path) -> None:
    def settled(received: Received) -> asyncio.Future[Settled]:
        future: asyncio.Future[Settled] = asyncio.get_running_loop().create_future()
        future.set_result(Settled(received.message_type == "Device", None))
        return future

    async with served(tmp_path, acknowledge="after_delivery") as server:
        server.door.settled = settled
        done = await server.ask("POST", "/Device", DEVICE)
        held = await server.ask("POST", "/SupplyRequest", SUPPLY)

    assert (done.status, held.status) == (201, 202)


# ---------------------------------------------------------------- settings
@pytest.mark.parametrize(
    "change", [{"token": None}, {"resources": ["supplyrequest"]}, {"version": "DSTU2"}, {"max_entries": 0}]
)
def test_settings_that_cannot_be_meant_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        FhirSourceSettings.model_validate({"listen": "127.0.0.1:0", "token": "env:T"} | change)
