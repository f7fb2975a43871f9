"""What a SOAP destination writes, sends, and understands of answers."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from lxml import etree
from pydantic import ValidationError

from engine.connectors.soap.destination import SoapDestination
from engine.connectors.soap.settings import SoapDestinationSettings
from engine.connectors.soap.zeep_client import Calls
from engine.core.clock import SystemClock
from engine.core.errors import ConfigurationError, DestinationError, RequiredFieldError, TransportError
from engine.core.loopback import free_port
from engine.ports.connector import Outbound, Semantics
from engine.protocols.soap.envelope import read_envelope, write_envelope
from engine.protocols.soap.fault import Fault, write_fault
from engine.protocols.soap.names import PASSWORD_DIGEST
from engine.protocols.soap.security import is_right, read_token
from tests.support.connector_doubles import Secrets, context
from tests.support.soap_room import Room
from tests.support.soap_site import NS, note, write_site
from tests.support.tripwire import Tripwire

DONE = f'<LeaveNoteResponse xmlns="{NS}"><Reference>R-77</Reference></LeaveNoteResponse>'.encode()
MAPPING = {"Number": "number", "Text": "text", "Line": "lines"}
DOCUMENT = {"number": "N1", "text": "<ä> & more", "lines": [{"sku": "a", "Quantity": 1.10}]}


class Far:
    """A service that answers as it is told; `asked` holds requests and bodies."""

    def __init__(self, root: Path) -> None:
        self.root, self.port = root, free_port()
        self.answer: tuple[int, bytes] = (200, write_envelope("1.1", DONE))
        self.asked: list[tuple[web.BaseRequest, bytes]] = []
        write_site(root)

    async def handle(self, request: web.BaseRequest) -> web.Response:
        self.asked.append((request, await request.read()))
        status, body = self.answer
        return web.Response(status=status, body=body, content_type="text/xml")

    def destination(self, **settings: Any) -> SoapDestination:
        made = SoapDestinationSettings.model_validate({"url": f"http://127.0.0.1:{self.port}/notes"} | settings)
        secrets = Secrets({"env:PASSWORD": "the password & more"})
        return SoapDestination(made, context(self.root, secrets=secrets, clock=SystemClock()))

    async def send(self, body: bytes = b"", **settings: Any) -> Any:
        destination = self.destination(**settings)
        try:
            return await destination.send(outbound(body))
        finally:
            await destination.close()

    def sent(self) -> etree._Element:
        payload = read_envelope(self.asked[-1][1]).payload
        assert payload is not None
        return payload


def outbound(body: bytes) -> Outbound:
    return Outbound(1, 1, "c", "correlation-1", "key-1", body or json.dumps(DOCUMENT).encode())


WITH_ZEEP = {"wsdl": "wsdl/notes.wsdl", "operation": "LeaveNote", "parameters": MAPPING}


@pytest.fixture
async def far(tmp_path: Path) -> AsyncIterator[Far]:
    far = Far(tmp_path)
    server = web.Server(far.handle, access_log=None)
    listening = await asyncio.get_running_loop().create_server(server, "127.0.0.1", far.port)
    yield far
    listening.close()
    await server.shutdown(0.05)


# ------------------------------------------------------------------ what is written
async def test_zeep_and_template_write_the_same_call(far: Far) -> None:
    (far.root / "note.xml").write_text(
        f'<n:LeaveNote xmlns:n="{NS}" xmlns:t="urn:isthmus:template"><n:Number>{{number}}</n:Number>'
        '<n:Text>{text}</n:Text><n:Line t:each="lines" sku="{sku}"><n:Quantity>{Quantity}</n:Quantity></n:Line>'
        "</n:LeaveNote>"
    )
    await far.send(**WITH_ZEEP)
    by_zeep = far.sent()
    await far.send(template="note.xml", action=f"{NS}:LeaveNote")
    by_template = far.sent()

    def told(root: etree._Element) -> list[Any]:
        return [(one.tag, dict(one.attrib), (one.text or "").strip()) for one in root.iter()]

    assert told(by_zeep) == told(by_template)
    assert by_zeep.findtext(f"{{{NS}}}Text") == "<ä> & more"
    assert {request.headers["SOAPAction"] for request, _ in far.asked} == {f'"{NS}:LeaveNote"'}


async def test_numbers_keep_their_digits(far: Far) -> None:
    await far.send(
        b'{"number": "N1", "text": "t", "lines": [{"sku": "a", "Quantity": 0.10000000000000000001}]}', **WITH_ZEEP
    )

    assert far.sent().findtext(f"{{{NS}}}Line/{{{NS}}}Quantity") == "0.10000000000000000001"


async def test_xml_goes_as_it_is(far: Far) -> None:
    delivered = await far.send(note("N9"), action="a", soap_version="1.2", reference_field="Reference")

    assert far.sent().findtext(f"{{{NS}}}Number") == "N9"
    assert far.asked[0][0].headers["Content-Type"] == 'application/soap+xml; charset=utf-8; action="a"'
    assert delivered.reference == "R-77"


async def test_an_attachment_goes_as_base64_of_its_element(far: Far) -> None:
    content = base64.b64encode(b"%PDF-1.7 \x00\xff").decode()
    body = json.dumps({"Number": "N1", "Text": "t", "Content": content}).encode()
    await far.send(body, wsdl="wsdl/notes.wsdl", operation="LeaveNote", attachments=["Content"])

    assert base64.b64decode(far.sent().findtext(f"{{{NS}}}Content") or "") == b"%PDF-1.7 \x00\xff"


async def test_a_username_token_proves_who_we_are(far: Far) -> None:
    await far.send(**WITH_ZEEP, username_token={"user": "harbor", "password": "env:PASSWORD"})
    token = read_token(read_envelope(far.asked[0][1]))

    assert token is not None
    assert token.is_digest
    assert is_right(token, "the password & more")
    assert b"the password" not in far.asked[0][1]
    assert PASSWORD_DIGEST.encode() in far.asked[0][1]


async def test_a_repeat_has_the_same_message_id(far: Far) -> None:
    for _ in range(2):
        await far.send(**WITH_ZEEP)
    ids = {read_envelope(body).message_id() for _, body in far.asked}

    assert len(ids) == 1


async def test_our_destination_and_our_source_understand_each_other(tmp_path: Path) -> None:
    room = Room(tmp_path)
    async with room.serving(username_token={"users": {"harbor": "env:PASSWORD"}}):
        far = Far(tmp_path)
        far.port = room.port
        for version_port in ("Notes11", "Notes12"):
            sent = WITH_ZEEP | {"port": version_port, "username_token": {"user": "harbor", "password": "env:PASSWORD"}}
            await far.send(**sent)

    assert [one.message_type for one in room.door.stored] == ["LeaveNote"]


# ------------------------------------------------------------------ what cannot be written
@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b'{"number": "CANARY"}', "LeaveNote"),
        (b'{"number": "CANARY", "text": "t", "lines": [{"Unknown": 1}]}', "LeaveNote"),
        (b'{"number": "CANARY", "text": "t", "lines": [{"sku": "a", "Quantity": "CANARY"}]}', "LeaveNote"),
        (b'["CANARY"]', "the document"),
        (b"CANARY", "the document"),
    ],
)
async def test_a_document_that_does_not_fit_is_refused_without_its_values(far: Far, body: bytes, where: str) -> None:
    with pytest.raises(DestinationError) as caught:
        await far.send(body, **WITH_ZEEP)

    assert "CANARY" not in str(caught.value)
    assert far.asked == []
    assert where in (caught.value.where or "")


async def test_a_template_asks_for_what_it_needs(far: Far) -> None:
    (far.root / "note.xml").write_text("<a>{number.of.order}</a>")
    with pytest.raises(RequiredFieldError) as caught:
        await far.send(template="note.xml")

    assert caught.value.where == "number.of.order"


# ------------------------------------------------------------------ answers
@pytest.mark.parametrize("version", ["1.1", "1.2"])
async def test_a_client_fault_is_refused_and_a_server_fault_unknown(far: Far, version: Any) -> None:
    far.answer = (500, write_fault(version, Fault("client", "CANARY")))
    with pytest.raises(DestinationError) as refused:
        await far.send(**WITH_ZEEP)
    far.answer = (500, write_fault(version, Fault("server", "CANARY")))
    with pytest.raises(TransportError) as unknown:
        await far.send(**WITH_ZEEP)

    assert unknown.value.sent
    assert "CANARY" not in f"{refused.value}{unknown.value}"
    assert ("Client" if version == "1.1" else "Sender") in str(refused.value)


async def test_a_fault_that_says_nothing_was_done_is_tried_again(far: Far) -> None:
    fault = write_fault("1.1", Fault("server", "busy")).replace(b"soap:Server<", b"soap:Server.Busy<")
    far.answer = (500, fault)
    with pytest.raises(TransportError) as caught:
        await far.send(**WITH_ZEEP, not_taken=["Server.Busy"])

    assert not caught.value.sent


async def test_a_fault_under_status_200_is_a_fault(far: Far) -> None:
    far.answer = (200, write_fault("1.1", Fault("client", "no")))
    with pytest.raises(DestinationError):
        await far.send(**WITH_ZEEP)


@pytest.mark.parametrize(("status", "sent"), [(503, False), (502, True)])
async def test_without_a_fault_the_status_decides(far: Far, status: int, sent: bool) -> None:
    far.answer = (status, b"<html>busy</html>")
    with pytest.raises(TransportError) as caught:
        await far.send(**WITH_ZEEP)

    assert caught.value.sent is sent


async def test_an_answer_with_a_doctype_is_not_read(far: Far, tmp_path: Path) -> None:
    with Tripwire(tmp_path) as wire:
        far.answer = (
            200,
            f'<!DOCTYPE a SYSTEM "{wire.url}">'.encode() + write_envelope("1.1", DONE).partition(b"\n")[2],
        )
        delivered = await far.send(**WITH_ZEEP, reference_field="Reference")

        assert delivered.reference is None
        assert wire.touched == []


def test_semantics_are_what_the_far_side_promises(tmp_path: Path) -> None:
    far = Far(tmp_path)

    assert far.destination(**WITH_ZEEP).semantics is Semantics.NEITHER
    assert far.destination(**WITH_ZEEP, idempotent=True).semantics is Semantics.IDEMPOTENT


# ------------------------------------------------------------------ the vetted copy
@pytest.mark.parametrize(
    "location", ["{url}", "{file}", "../../etc/hostname", "/etc/hostname", "//127.0.0.1/x.xsd", "ftp://127.0.0.1/x"]
)
def test_a_wsdl_fetches_nothing_from_elsewhere(tmp_path: Path, location: str) -> None:
    write_site(tmp_path)
    wsdl = tmp_path / "wsdl" / "notes.wsdl"
    with Tripwire(tmp_path) as wire:
        place = location.format(url=wire.url, file=wire.path.as_uri())
        wsdl.write_text(wsdl.read_text().replace("schemas/notes.xsd", place))
        with pytest.raises(ConfigurationError):
            Calls(tmp_path, "wsdl/notes.wsdl", "LeaveNote", None, None).prepare()

        assert wire.touched == []


def test_a_wsdl_with_a_doctype_is_refused(tmp_path: Path) -> None:
    write_site(tmp_path)
    wsdl = tmp_path / "wsdl" / "notes.wsdl"
    with Tripwire(tmp_path) as wire:
        wsdl.write_text(f'<!DOCTYPE a [<!ENTITY x SYSTEM "{wire.path.as_uri()}">]>{wsdl.read_text()}')
        with pytest.raises((ConfigurationError, Exception)) as caught:
            Calls(tmp_path, "wsdl/notes.wsdl", "LeaveNote", None, None).prepare()

        assert "DOCTYPE" in str(caught.value)
        assert wire.touched == []


async def test_check_tells_of_an_operation_that_is_not_there(far: Far) -> None:
    destination = far.destination(**WITH_ZEEP | {"operation": "Other"})
    health = await destination.check()
    await destination.close()

    assert not health.ok
    assert "operation" in health.text


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"wsdl": "a.wsdl"}, "go together"),
        ({"template": "a.xml", "operation": "A"}, "a template needs no operation"),
        ({"idempotent": True, "addressing": False}, "idempotent needs addressing"),
        ({"username_token": {"user": "a", "password": "env:P", "digest": False}}, "only over https"),
        ({"inquire_url": "http://x.example/"}, "cannot be asked"),
    ],
)
def test_settings_that_cannot_work_are_refused_with_words(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        SoapDestinationSettings.model_validate({"url": "http://x.example/"} | settings)

    assert words in str(caught.value)
