"""Files beside a call: kept with the message when they come, put beside the envelope when they go."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

import pytest
from aiohttp import web
from lxml import etree
from pydantic import ValidationError

from engine.connectors.soap.destination import SoapDestination
from engine.connectors.soap.settings import SoapDestinationSettings
from engine.core.errors import DestinationError
from engine.core.loopback import free_port
from engine.ports.connector import Attachment, Delivered, Outbound
from engine.ports.journal import ATTACHMENTS
from engine.protocols.soap.envelope import write_envelope
from engine.protocols.soap.package import Limits, Package, Part, read_package, write_package
from engine.protocols.soap.xop import include
from tests.support.connector_doubles import context
from tests.support.soap_room import Room, texts
from tests.support.soap_site import NS, call, write_site

SCAN = Part("scan@x", "application/pdf", b"%PDF \x00\xff", "Scan 1.pdf")
TAKES = {"token": "env:TOKEN", "most_attachments": 2, "max_attachment": "1KiB"}
CONTENT = b"<Content>" + include("scan@x") + b"</Content>"
LIMITS = Limits(5, 10_000)


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def package(number: str = "N1", inside: bytes = CONTENT, way: Any = "mtom", *parts: Part, version: Any = "1.1") -> Any:
    return write_package(
        way, version, f"{NS}:LeaveNote", call(number, "text", version, inside.decode()), parts or [SCAN]
    )


def content_of(body: bytes) -> str:
    return etree.fromstring(body).findtext(f"{{{NS}}}Content") or ""


# ------------------------------------------------------------------ taken in
@pytest.mark.parametrize("version", ["1.1", "1.2"])
async def test_an_included_file_is_kept_with_the_message_that_names_it(room: Room, version: str) -> None:
    content_type, body = package(version=version)
    async with room.serving(**TAKES):
        status, _ = await room.post(body, Content_Type=content_type)

    received = room.door.accepted[0]
    assert status == 200
    assert received.attachments == (Attachment(SCAN.name, "application/pdf", SCAN.body),)
    assert content_of(received.body) == f"cid:{SCAN.name}"
    assert (received.refusal, received.attributes["soap_version"]) == (None, version)


async def test_a_repeat_under_other_content_ids_is_the_same_message_and_another_file_a_conflict(room: Room) -> None:
    said = []
    async with room.serving(**TAKES):
        for content_id, body in (("scan@x", SCAN.body), ("other@y", SCAN.body), ("scan@x", b"another")):
            inside, sent = CONTENT.replace(b"scan@x", content_id.encode()), SCAN._replace(body=body)
            content_type, whole = package("N1", inside, "mtom", sent._replace(content_id=content_id))
            said.append((await room.post(whole, Content_Type=content_type))[0])

    assert said == [200, 200, 500]
    assert len(room.door.stored) == 1


async def test_files_that_nothing_names_are_kept_too(room: Room) -> None:
    content_type, body = package("N1", b"", "swa")
    async with room.serving(**TAKES):
        status, _ = await room.post(body, Content_Type=content_type)

    assert status == 200
    assert [one.body for one in room.door.accepted[0].attachments] == [SCAN.body]
    assert room.door.accepted[0].attributes["attachments"] == "1"


async def test_a_reference_to_no_part_is_refused_and_kept(room: Room) -> None:
    content_type, body = package("N1", CONTENT.replace(b"scan@x", b"nobody"))
    async with room.serving(**TAKES):
        status, answer = await room.post(body, Content_Type=content_type)

    assert status == 500
    assert "of no part" in texts(answer)
    assert room.door.stored[0].refusal is not None
    assert room.door.stored[0].attachments


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ([SCAN._replace(content_id=f"{n}@x") for n in range(3)], "more than 2"),
        ([SCAN._replace(body=b"x" * 1025)], "1024"),
    ],
)
async def test_too_many_or_too_large_files_are_refused_unkept(room: Room, parts: list[Part], words: str) -> None:
    content_type, body = package("N1", b"", "swa", *parts)
    async with room.serving(**TAKES):
        status, answer = await room.post(body, Content_Type=content_type)

    assert (status, room.door.accepted) == (400, [])
    assert words in texts(answer)


async def test_no_package_is_taken_where_none_is_asked_for(room: Room) -> None:
    content_type, body = package()
    async with room.serving():
        status, _ = await room.post(body, Content_Type=content_type)

    assert (status, room.door.accepted) == (415, [])


# ------------------------------------------------------------------ sent
class Far:
    """A service that keeps what it is sent; `answer` is what it says."""

    def __init__(self, root: Path, port: int) -> None:
        self.root, self.port = root, port
        self.answer = ("text/xml", write_envelope("1.1", f'<LeaveNoteResponse xmlns="{NS}"/>'.encode()))
        self.asked: list[tuple[str, bytes]] = []
        self.files = [Attachment("scan.pdf", "application/pdf", SCAN.body)]

    async def handle(self, request: web.BaseRequest) -> web.Response:
        self.asked.append((request.headers["Content-Type"], await request.read()))
        return web.Response(body=self.answer[1], headers={"Content-Type": self.answer[0]})

    async def send(self, document: dict[str, Any], **settings: Any) -> Delivered:
        usual = {"url": f"http://127.0.0.1:{self.port}/", "wsdl": "wsdl/notes.wsdl", "operation": "LeaveNote"}
        made = SoapDestinationSettings.model_validate(usual | settings)

        async def kept(message_id: int) -> list[Attachment]:
            return self.files

        destination = SoapDestination(made, context(self.root, services={ATTACHMENTS: kept}))
        try:
            return await destination.send(Outbound(1, 1, "c", "c-1", "k-1", json.dumps(document).encode()))
        finally:
            await destination.close()

    def package(self) -> Package:
        return read_package(*self.asked[-1], LIMITS)


@pytest.fixture
async def far(tmp_path: Path) -> AsyncIterator[Far]:
    write_site(tmp_path)
    port = free_port()
    far = Far(tmp_path, port)
    runner = web.ServerRunner(web.Server(far.handle, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield far
    await runner.cleanup()


NOTE = {"Number": "N1", "Text": "t"}
BINARY = {"attachments": ["Content"]}


@pytest.mark.parametrize("content", [base64.b64encode(SCAN.body).decode(), "cid:scan.pdf"])
async def test_mtom_sends_a_binary_parameter_as_a_part(far: Far, content: str) -> None:
    await far.send(NOTE | {"Content": content}, attachments_as="mtom", **BINARY)

    sent = far.package()
    assert sent.is_mtom
    assert [one.body for one in sent.parts] == [SCAN.body]
    assert include(sent.parts[0].content_id) in sent.envelope


async def test_inline_takes_a_kept_file_too(far: Far) -> None:
    await far.send(NOTE | {"Content": "cid:scan.pdf"}, **BINARY)

    assert base64.b64encode(SCAN.body) in far.asked[0][1]


async def test_what_is_sent_as_mtom_our_own_service_takes(far: Far, room: Room) -> None:
    await far.send(NOTE | {"Content": "cid:scan.pdf"}, attachments_as="mtom", **BINARY)
    content_type, body = far.asked[0]
    async with room.serving(**TAKES):
        status, _ = await room.post(body, Content_Type=content_type, SOAPAction=f"{NS}:LeaveNote")

    assert status == 200
    assert room.door.accepted[0].attachments[0].body == SCAN.body


async def test_swa_sends_the_files_kept_beside_the_message(far: Far) -> None:
    await far.send(NOTE, attachments_as="swa", with_attachments=True)

    sent = far.package()
    assert not sent.is_mtom
    assert [(one.file_name, one.media_type, one.body) for one in sent.parts] == [
        ("scan.pdf", "application/pdf", SCAN.body)
    ]


@pytest.mark.parametrize("content", ["cid:other.pdf", "no base64", 7])
async def test_what_is_neither_base64_nor_a_kept_file_is_refused_before_sending(far: Far, content: Any) -> None:
    with pytest.raises(DestinationError) as refused:
        await far.send(NOTE | {"Content": content}, attachments_as="mtom", **BINARY)

    assert (refused.value.where, far.asked) == ("Content", [])


async def test_a_parameter_that_is_no_binary_cannot_be_a_part(far: Far) -> None:
    with pytest.raises(DestinationError):
        await far.send(NOTE | {"Text": "c2Nhbg=="}, attachments_as="mtom", attachments=["Text"])

    assert far.asked == []


async def test_an_answer_with_parts_is_kept_with_what_it_includes(far: Far) -> None:
    payload = f'<LeaveNoteResponse xmlns="{NS}"><Reference>'.encode() + include("scan@x")
    envelope = write_envelope("1.1", payload + b"</Reference></LeaveNoteResponse>")
    far.answer = write_package("mtom", "1.1", "", envelope, [SCAN])
    delivered = await far.send(NOTE, reference_field="Reference")

    assert delivered.reference == base64.b64encode(SCAN.body).decode()


@pytest.mark.parametrize("way", ["mtom", "swa"])
async def test_parts_of_an_answer_that_stand_for_no_value_are_kept_as_files(
    far: Far, way: Literal["mtom", "swa"]
) -> None:
    terms = Part("terms@x", "text/plain", b"terms", "terms.txt")
    inside = include("scan@x") if way == "mtom" else b"cid:scan@x"
    payload = f'<LeaveNoteResponse xmlns="{NS}"><Reference>'.encode() + inside + b"</Reference></LeaveNoteResponse>"
    far.answer = write_package(way, "1.1", "", write_envelope("1.1", payload), [SCAN, terms])
    delivered = await far.send(NOTE, reference_field="Reference")

    beside = [(terms.name, "text/plain", b"terms")]
    if way == "swa":
        beside.insert(0, (SCAN.name, SCAN.media_type, SCAN.body))
        assert delivered.reference == f"cid:{SCAN.name}"
    assert [(one.name, one.media_type, one.body) for one in delivered.attachments] == beside
    assert b"terms@x" not in (delivered.response or b"")


async def test_what_a_destination_answered_is_not_sent_on_with_the_message(far: Far) -> None:
    far.files.append(Attachment("supplier/terms.txt", "text/plain", b"terms"))
    await far.send(NOTE, attachments_as="swa", with_attachments=True)

    assert [one.file_name for one in far.package().parts] == ["scan.pdf"]


async def test_an_answer_whose_parts_cannot_be_read_is_judged_by_its_status(far: Far) -> None:
    far.answer = ("multipart/related; boundary=b", b"no package")

    assert (await far.send(NOTE)).response == b"no package"


@pytest.mark.parametrize(
    "settings",
    [
        {"attachments_as": "mtom"},
        {"with_attachments": True},
        {"with_attachments": True, "attachments_as": "mtom", "attachments": ["Content"]},
    ],
)
def test_ways_that_lead_nowhere_are_told_when_the_site_is_read(settings: dict[str, Any]) -> None:
    usual = {"url": "http://far.example/", "wsdl": "wsdl/notes.wsdl", "operation": "LeaveNote"}
    with pytest.raises(ValidationError):
        SoapDestinationSettings.model_validate(usual | settings)
