"""What a SOAP service says of itself, takes in, and answers."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
import zeep
from lxml import etree
from pydantic import ValidationError
from zeep.wsse.username import UsernameToken

from engine.connectors.soap.settings import SoapSourceSettings
from engine.connectors.soap.source import SoapSource
from engine.core.errors import ConfigurationError, StoreError
from engine.ports.connector import Reason, Received, Settled
from engine.protocols.soap.envelope import write_envelope
from engine.protocols.soap.names import ENVELOPES, MEDIA_TYPES, Version
from engine.protocols.soap.security import write_token
from tests.support.connector_doubles import Clock
from tests.support.soap_room import Room, texts
from tests.support.soap_site import NS, call, note

USERS = {"username_token": {"users": {"clinic": "env:PASSWORD"}}}
PASSWORD = "the password & more"


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


# ------------------------------------------------------------------ what it says of itself
async def test_the_wsdl_has_our_address_and_leads_to_the_schemas_it_imports(room: Room) -> None:
    async with room.serving():
        _, wsdl = await room.get("wsdl")
        status, schema = await room.get("doc=1")
        inner_status, inner = await room.get("doc=2")

    assert b"nowhere.example" not in wsdl
    assert wsdl.count(f'location="{room.url}"'.encode()) == 2
    assert f'schemaLocation="{room.url}?doc=1"'.encode() in wsdl
    assert (status, inner_status) == (200, 200)
    assert f'schemaLocation="{room.url}?doc=2"'.encode() in schema
    assert b"minExclusive" in inner


@pytest.mark.parametrize("query", ["doc=3", "doc=-1", "doc=99999", "doc=../x", "other"])
async def test_no_other_document_is_served(room: Room, query: str) -> None:
    async with room.serving():
        status, _ = await room.get(query)

    assert status in (404, 405)


async def test_zeep_reads_the_wsdl_and_calls_with_a_digest(room: Room) -> None:
    def talk() -> Any:
        wsse = UsernameToken("clinic", PASSWORD, use_digest=True)
        client = zeep.Client(f"{room.url}?wsdl", wsse=wsse)
        return client.service.LeaveNote(Number="N1", Text="<ä>", Line=[{"sku": "a", "Quantity": "1.50"}])

    async with room.serving(**USERS):
        await asyncio.to_thread(talk)

    received = room.door.accepted[0]
    root = etree.fromstring(received.body)
    assert root.findtext(f"{{{NS}}}Text") == "<ä>"
    assert root.find(f"{{{NS}}}Line").get("sku") == "a"
    assert received.message_type == "LeaveNote"
    assert received.attributes["operation"] == "LeaveNote"
    assert received.attributes["soap_action"] == f"{NS}:LeaveNote"
    assert received.attributes["user"] == "clinic"
    assert PASSWORD not in str(received)


async def test_zeep_is_told_why_a_password_is_not_taken(room: Room) -> None:
    def talk() -> None:
        wsse = UsernameToken("clinic", "wrong", use_digest=True)
        zeep.Client(f"{room.url}?wsdl", wsse=wsse).service.LeaveNote(Number="N1", Text="text")

    async with room.serving(**USERS):
        with pytest.raises(zeep.exceptions.Fault) as caught:
            await asyncio.to_thread(talk)

    assert caught.value.message == "user or password is wrong"
    assert caught.value.code == "wsse:FailedAuthentication"
    assert room.door.stored == []


async def test_zeep_speaks_soap_1_2_and_reads_its_faults(room: Room) -> None:
    def talk() -> None:
        wsse = UsernameToken("clinic", PASSWORD, use_digest=True)
        client = zeep.Client(f"{room.url}?wsdl", wsse=wsse, port_name="Notes12")
        client.service.LeaveNote(Number="N1", Text="text")
        client.service.Remind(Number="N1")
        client.service.LeaveNote(Number="N2", Text="text", Line=[{"sku": "a", "Quantity": "-1"}])

    async with room.serving(**USERS):
        with pytest.raises(zeep.exceptions.Fault) as caught:
            await asyncio.to_thread(talk)

    assert [one.message_type for one in room.door.accepted] == ["LeaveNote", "Remind"]
    assert caught.value.code == "soap:Sender"
    assert "limits of its type" in caught.value.message


# ------------------------------------------------------------------ calls
@pytest.mark.parametrize("version", ["1.1", "1.2"])
async def test_a_repeat_by_message_id_is_answered_as_the_first_time(room: Room, version: Version) -> None:
    headers = {"Content_Type": f'{MEDIA_TYPES[version]}; action="{NS}:LeaveNote"'}
    async with room.serving():
        answers = [await room.post(call("N1", version=version), **headers) for _ in range(2)]

    assert [status for status, _ in answers] == [200, 200]
    assert [one.version for _, one in answers] == [version, version]
    assert answers[1][1].block("{http://www.w3.org/2005/08/addressing}RelatesTo") is not None
    assert len(room.door.accepted) == 1


async def test_the_id_may_stand_in_the_message(room: Room) -> None:
    async with room.serving(natural_id="Number", token="env:TOKEN"):
        await room.post(write_envelope("1.1", note("N7")))
        status, fault = await room.post(write_envelope("1.1", note("N7", "another")))

    assert room.door.accepted[0].natural_id == "N7"
    assert status == 500
    assert "M007" in texts(fault)


@pytest.mark.parametrize(
    ("inside", "words"),
    [
        ("<Line sku='a'><Quantity>CANARY</Quantity></Line>", "Line/Quantity"),
        ("<Line><Quantity>1</Quantity></Line>", "a required attribute is missing"),
        ("<Line sku='a' CANARY='1'><Quantity>1</Quantity></Line>", "an attribute that is not known"),
        ("<Other>CANARY</Other>", "an element that may not stand here"),
    ],
)
async def test_what_the_schema_does_not_allow_is_refused_and_kept(room: Room, inside: str, words: str) -> None:
    async with room.serving():
        status, fault = await room.post(call("N1", inside=inside))

    assert status == 500
    assert words in texts(fault)
    assert "CANARY" not in texts(fault)
    assert room.door.stored[0].refusal is not None


async def test_an_element_of_no_operation_and_a_wrong_action_are_refused(room: Room) -> None:
    async with room.serving():
        _, unknown = await room.post(write_envelope("1.1", b"<Other/>"))
        _, misnamed = await room.post(call("N1"), SOAPAction=f'"{NS}:Remind"')

    assert "no operation of this service" in texts(unknown)
    assert "no operation of this service" in texts(misnamed)
    assert room.door.accepted == []


async def test_only_named_operations_are_taken(room: Room) -> None:
    reminder = f'<Remind xmlns="{NS}"><Number>N1</Number></Remind>'.encode()
    async with room.serving(operations=["LeaveNote"], token="env:TOKEN"):
        _, fault = await room.post(write_envelope("1.1", reminder))

    assert "no operation of this service" in texts(fault)


async def test_a_one_way_operation_is_answered_with_nothing(room: Room) -> None:
    reminder = f'<Remind xmlns="{NS}"><Number>N1</Number></Remind>'.encode()
    async with room.serving():
        status, body = await room.post_raw(write_envelope("1.1", reminder))

    assert (status, body) == (202, b"")


async def test_a_result_is_filled_from_its_template(room: Room) -> None:
    (room.root / "answer.xml").write_text(
        f'<LeaveNoteResponse xmlns="{NS}"><Reference>{{message_id}}/{{correlation_id}}</Reference></LeaveNoteResponse>'
    )
    async with room.serving(answers={"LeaveNote": "answer.xml"}, token="env:TOKEN"):
        status, envelope = await room.post(call("N1"), X_Correlation_Id="upstream-1")

    assert status == 200
    assert texts(envelope).endswith("/upstream-1")


async def test_a_header_that_must_be_understood_and_is_not_is_told(room: Room) -> None:
    block = f'<x:Deal xmlns:x="urn:x" xmlns:s="{ENVELOPES["1.1"]}" s:mustUnderstand="1"/>'
    async with room.serving():
        status, fault = await room.post(call("N1", headers=block))

    assert status == 500
    assert "MustUnderstand" in texts(fault)
    assert room.door.stored == []


async def test_another_soap_is_a_version_mismatch(room: Room) -> None:
    async with room.serving():
        _, fault = await room.post(b'<e:Envelope xmlns:e="urn:soap-9"><e:Body/></e:Envelope>')

    assert "VersionMismatch" in texts(fault)


async def test_a_store_that_fails_is_a_server_fault_to_try_again(room: Room) -> None:
    room.door.failure = StoreError("the disk is gone")
    async with room.serving():
        status, fault = await room.post(call("N1"))

    assert status == 503
    assert "Server" in texts(fault)


@pytest.mark.parametrize(("delivered", "status"), [(True, 200), (False, 500)])
async def test_after_delivery_the_answer_says_whether_it_arrived(room: Room, delivered: bool, status: int) -> None:
    def settled(received: Received) -> asyncio.Future[Settled]:
        future = asyncio.get_running_loop().create_future()
        future.set_result(Settled(delivered, None if delivered else Reason("T002", "refused there")))
        return future

    room.door.settled = settled
    async with room.serving(acknowledge="after_delivery", token="env:TOKEN"):
        told, envelope = await room.post(call("N1"))

    assert told == status
    assert ("T002" in texts(envelope)) is not delivered


async def test_a_large_call_is_read_beside_the_loop_and_taken(room: Room) -> None:
    async with room.serving():
        status, _ = await room.post(call("N1", "x" * 200_000))

    assert status == 200


# ------------------------------------------------------------------ who calls
def token(clock: Clock, nonce: bytes = b"nonce-0123456789", **changed: Any) -> str:
    facts: dict[str, Any] = {"user": "clinic", "password": PASSWORD, "now": clock.now()} | changed
    return write_token("1.1", nonce=nonce, **facts)


async def test_a_token_is_taken_once(tmp_path: Path) -> None:
    clock = Clock()
    room = Room(tmp_path, clock)
    async with room.serving(**USERS):
        first, _ = await room.post(call("N1", headers=token(clock)))
        again, fault = await room.post(call("N2", headers=token(clock)))

    assert (first, again) == (200, 500)
    assert "used before" in texts(fault)
    assert len(room.door.stored) == 1


async def test_a_token_whose_call_was_not_stored_may_come_again(tmp_path: Path) -> None:
    clock = Clock()
    room = Room(tmp_path, clock)
    async with room.serving(**USERS):
        room.door.failure = StoreError("the disk is gone")
        first, _ = await room.post(call("N1", headers=token(clock)))
        room.door.failure = None
        again, _ = await room.post(call("N1", headers=token(clock)))

    assert (first, again) == (503, 200)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"user": "nobody"}, "user or password is wrong"),
        ({"password": "wrong"}, "user or password is wrong"),
        ({"nonce": b""}, "needs a nonce"),
        ({"now": Clock().now() - timedelta(minutes=6)}, "created too long ago"),
        ({"now": Clock().now() + timedelta(minutes=6)}, "created too long ago"),
        ({"digest": False}, "must come as digest"),
    ],
)
async def test_a_token_that_proves_nothing_is_refused_and_nothing_kept(
    tmp_path: Path, changed: dict[str, Any], words: str
) -> None:
    room = Room(tmp_path, Clock())
    async with room.serving(**USERS):
        status, fault = await room.post(call("N1", headers=token(Clock(), **changed)))

    assert status == 500
    assert words in texts(fault)
    assert room.door.stored == []


async def test_without_a_token_nothing_is_taken(room: Room) -> None:
    async with room.serving(**USERS):
        _, fault = await room.post(call("N1"))

    assert "UsernameToken is required" in texts(fault)
    assert room.door.stored == []


async def test_a_bearer_token_is_asked_for_before_the_body(room: Room) -> None:
    async with room.serving():
        status, _ = await room.post(call("N1"), Authorization="Bearer wrong")

    assert status == 401
    assert room.door.stored == []


async def test_text_passwords_are_taken_from_this_machine(tmp_path: Path) -> None:
    clock = Clock()
    room = Room(tmp_path, clock)
    users = {"username_token": USERS["username_token"] | {"passwords": "text"}}
    async with room.serving(**users):
        status, _ = await room.post(call("N1", headers=token(clock, digest=False)))

    assert status == 200


# ------------------------------------------------------------------ settings
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "needs a token"),
        ({"token": "env:T", "wsdl": "../x.wsdl"}, "relative to it"),
        ({"token": "env:T", "natural_id": "count(//a)"}, "names with slashes"),
        ({"username_token": {"users": {"a": "env:P"}, "passwords": "text"}}, "need tls"),
        ({"username_token": {"users": {}}}, "at least 1"),
    ],
)
def test_settings_that_cannot_work_are_refused_with_words(room: Room, settings: dict[str, Any], words: str) -> None:
    usual = {"listen": "192.0.2.1:1", "wsdl": "wsdl/notes.wsdl"}
    with pytest.raises(ValidationError) as caught:
        SoapSourceSettings.model_validate(usual | settings)

    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"answers": {"Other": "x.xml"}}, "no such operation"),
        ({"wsdl": "wsdl/absent.wsdl"}, "cannot be read"),
        ({"wsdl": "wsdl/schemas/notes.xsd"}, "not a WSDL"),
        ({"service": "Other"}, "no such service"),
        ({"answers": {"LeaveNote": "wrong.xml"}}, "not the response element"),
    ],
)
def test_a_service_that_cannot_be_served_is_told_at_the_start(room: Room, changed: dict[str, Any], words: str) -> None:
    (room.root / "wrong.xml").write_text("<a/>")
    settings = room.settings(token="env:TOKEN", **changed)
    with pytest.raises(ConfigurationError) as caught:
        SoapSource(settings, room.context)

    assert words in str(caught.value)


# ------------------------------------------------------------------ the shipped service
async def test_the_shipped_service_takes_an_invoice_and_answers_with_its_receipt(room: Room) -> None:
    site = Path(__file__).resolve().parents[3]
    channel = yaml.safe_load((site / "channels/invoices/service_invoice_in.yaml").read_text())
    kept = {
        name: value for name, value in channel["source"].items() if name not in ("type", "format", "username_token")
    }
    case = site / "channels/invoices/service_invoice_in.cases/two_visits/input.xml"
    room.context = msgspec.structs.replace(room.context, root=site)
    changed = kept | {"listen": f"127.0.0.1:{room.port}", "path": "/notes", "token": "env:TOKEN"}
    async with room.serving(**changed):
        answers = [await room.post(write_envelope("1.1", case.read_bytes())) for _ in range(2)]

    assert [status for status, _ in answers] == [200, 200]
    assert texts(answers[0][1]) == texts(answers[1][1])
    assert [one.natural_id for one in room.door.accepted] == ["HS-88014"]


@pytest.mark.parametrize("declared", ["", "<?xml version='1.0' encoding='iso-8859-1'?>"])
async def test_an_older_character_set_may_be_said_by_header_or_document(tmp_path: Path, declared: str) -> None:
    body = declared + call("1", "Größe").decode().partition("?>")[2].strip()
    async with Room(tmp_path).serving() as room:
        status, _ = await room.post(body.encode("latin-1"), Content_Type="text/xml; charset=ISO-8859-1")

    assert status == 200
    assert "Größe" in room.door.accepted[0].body.decode()
