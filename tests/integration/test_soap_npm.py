"""Our SOAP source and destination with npm's `soap` at the other end. It drops attributes and checks no schema."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from engine.connectors.soap.destination import SoapDestination
from engine.connectors.soap.settings import SoapDestinationSettings
from engine.core.clock import SystemClock
from engine.core.errors import DestinationError, TransportError
from engine.core.loopback import free_port
from engine.ports.connector import Delivered, Outbound
from tests.support import npm_soap
from tests.support.connector_doubles import Secrets, context
from tests.support.soap_room import TOKEN, Room
from tests.support.soap_site import NS, write_site

pytestmark = pytest.mark.integration
PASSWORD = "the password & more"
STRANGER = {"user": "stranger", "password": "env:PASSWORD"}
USERS = {"username_token": {"users": {"harbor": "env:PASSWORD"}}}


async def test_its_client_calls_our_source(tmp_path: Path) -> None:
    room = Room(tmp_path)
    async with room.serving(**USERS):
        calls = [("harbor", PASSWORD, "N1", "a"), ("harbor", PASSWORD, "N2", ""), ("harbor", "wrong", "N3", "a")]
        printed = await asyncio.gather(*(npm_soap.call(f"{room.url}?wsdl", *one) for one in calls))
    taken, without_attribute, stranger = (json.loads(one) for one in printed)

    assert "result" in taken, taken
    assert "a required attribute is missing" in without_attribute["fault"]
    assert stranger["fault"] == "user or password is wrong"
    received = room.door.accepted[0]
    root = etree.fromstring(received.body)
    assert root.findtext(f"{{{NS}}}Text") == "<ä> & more"
    assert root.find(f"{{{NS}}}Line").get("sku") == "a"
    assert len(room.door.accepted) == 1


async def test_its_client_brings_a_file_as_mtom(tmp_path: Path) -> None:
    room = Room(tmp_path)
    async with room.serving(token="env:TOKEN", most_attachments=2):
        printed = json.loads(await npm_soap.call_with_file(f"{room.url}?wsdl", TOKEN, "N1"))

    assert "result" in printed, printed
    received = room.door.accepted[0]
    file = received.attachments[0]
    assert (file.media_type, file.body) == ("application/pdf", b"\x00\xff\r\n--%")
    assert etree.fromstring(received.body).findtext(f"{{{NS}}}Content") == f"cid:{file.name}"


async def test_our_destination_calls_its_server(tmp_path: Path) -> None:
    port, wsdl = free_port(), tmp_path / write_site(tmp_path)
    (tmp_path / "note.xml").write_text(
        f'<n:LeaveNote xmlns:n="{NS}"><n:Number>{{Number}}</n:Number><n:Text>{{Text}}</n:Text></n:LeaveNote>'
    )
    by_wsdl = {"wsdl": "wsdl/notes.wsdl", "operation": "LeaveNote"}
    by_template = {"template": "note.xml", "action": f"{NS}:LeaveNote"}
    async with npm_soap.serving(wsdl, port) as printed:
        first = await _send(tmp_path, port, {"Number": "N1", "Text": "<ä> & more"}, **by_wsdl)
        second = await _send(tmp_path, port, {"Number": "N2", "Text": "quick"}, **by_template)
        with pytest.raises(DestinationError) as refused:
            await _send(tmp_path, port, {"Number": "N3", "Text": "refuse"}, **by_wsdl)
        with pytest.raises(TransportError) as failed:
            await _send(tmp_path, port, {"Number": "N4", "Text": "fail"}, **by_wsdl)
        with pytest.raises((DestinationError, TransportError)):
            await _send(tmp_path, port, {"Number": "N5", "Text": "no"}, **by_wsdl, username_token=STRANGER)
        took = [json.loads(await printed.readline()) for _ in range(2)]

    assert (first.reference, second.reference) == ("R-N1", "R-N2")
    assert [one["Text"] for one in took] == ["<ä> & more", "quick"]
    assert failed.value.sent
    assert "N3" not in str(refused.value)


async def _send(root: Path, port: int, document: dict[str, str], **settings: Any) -> Delivered:
    usual = {"url": f"http://127.0.0.1:{port}/notes", "reference_field": "Reference", "timeout": "30s"}
    user = {"username_token": {"user": "harbor", "password": "env:PASSWORD"}}
    made = SoapDestinationSettings.model_validate(usual | user | settings)
    secrets = Secrets({"env:PASSWORD": PASSWORD})
    destination = SoapDestination(made, context(root, secrets=secrets, clock=SystemClock()))
    try:
        key = document["Number"]
        return await destination.send(Outbound(1, 1, "c", "correlation-1", key, json.dumps(document).encode()))
    finally:
        await destination.close()
