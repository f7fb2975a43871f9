"""The rpc style, which older systems have: its calls are written, and served, from the WSDL like any other."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import requests
import zeep
from lxml import etree

from engine.connectors.soap.attachments import Parcel
from engine.connectors.soap.settings import SoapSourceSettings
from engine.connectors.soap.source import SoapSource
from engine.connectors.soap.zeep_client import Calls
from engine.core.errors import ConfigurationError, DestinationError
from engine.core.ids import id_text
from engine.protocols.soap.envelope import write_envelope
from engine.protocols.soap.wsdl import Operation, read_wsdl
from engine.protocols.soap.xop import INCLUDE
from tests.support.soap_room import TOKEN, Room, texts

NS, SOAP = "urn:harbor:rpc", "http://schemas.xmlsoap.org/wsdl/soap/"
WSDL = f"""<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:s="{SOAP}" xmlns:t="{NS}"
    xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="{NS}" name="Rpc">
  <types><xs:schema targetNamespace="{NS}"><xs:complexType name="Line"><xs:sequence>
    <xs:element name="Sku" type="xs:string"/><xs:element name="Quantity" type="xs:decimal"/>
  </xs:sequence></xs:complexType></xs:schema></types>
  <message name="In"><part name="number" type="xs:string"/><part name="line" type="t:Line"/>
    <part name="scan" type="xs:base64Binary"/></message>
  <message name="Out"><part name="reference" type="xs:string"/></message>
  <portType name="Rpc"><operation name="Submit"><input message="t:In"/><output message="t:Out"/></operation></portType>
  <binding name="Rpc" type="t:Rpc"><s:binding style="rpc" transport="http://schemas.xmlsoap.org/soap/http"/>
    <operation name="Submit"><s:operation soapAction="urn:submit"/>
      <input><s:body use="literal" namespace="{NS}"/></input>
      <output><s:body use="literal" namespace="{NS}"/></output></operation></binding>
  <service name="Rpc"><port name="Rpc" binding="t:Rpc"><s:address location="http://far.example/"/></port></service>
</definitions>"""
LINE = {"Sku": "a", "Quantity": "1.50"}


@pytest.fixture
def calls(tmp_path: Path) -> Calls:
    (tmp_path / "rpc.wsdl").write_text(WSDL)
    return Calls(tmp_path, "rpc.wsdl", "Submit")


def test_the_operation_is_the_element_and_its_parts_have_no_namespace(calls: Calls) -> None:
    written = calls.write({"number": "N1", "line": LINE, "scan": b"scan"})
    root = etree.fromstring(written.payload)

    assert (root.tag, written.action) == (f"{{{NS}}}Submit", "urn:submit")
    assert [one.tag for one in root] == ["number", "line", "scan"]
    assert "".join(str(text).strip() for text in root.find("line").itertext()) == "a1.50"  # type: ignore[union-attr]


def test_its_binary_part_goes_as_mtom_too(calls: Calls) -> None:
    parcel = Parcel("mtom", {})
    scan = parcel.take("c2Nhbg==")
    payload = parcel.with_includes(calls.write({"number": "N1", "line": LINE, "scan": scan}).payload)

    assert etree.fromstring(payload).find(f"scan/{INCLUDE}") is not None
    assert [one.body for one in parcel.parts] == [b"scan"]


def test_a_part_that_is_missing_or_unknown_is_refused_before_sending(calls: Calls) -> None:
    for parameters in ({"number": "N1"}, {"number": "N1", "line": LINE, "scan": b"", "other": "x"}):
        with pytest.raises(DestinationError):
            calls.write(parameters)


# ------------------------------------------------------------------ served
REFERENCE = f'<r:SubmitResponse xmlns:r="{NS}"><reference>{{message_id}}</reference></r:SubmitResponse>'
GOOD = f"""<t:Submit xmlns:t="{NS}"><number>N1</number><line><Sku>a</Sku><Quantity>1.50</Quantity></line>
    <scan>c2Nhbg==</scan></t:Submit>"""


class RpcRoom(Room):
    """Serves the WSDL above, or another text of it."""

    text = WSDL

    def settings(self, **settings: Any) -> SoapSourceSettings:
        (self.root / "rpc.wsdl").write_text(self.text)
        (self.root / "answer.xml").write_text(REFERENCE)
        usual = {"listen": f"127.0.0.1:{self.port}", "path": "/notes", "wsdl": "rpc.wsdl", "token": "env:TOKEN"}
        return SoapSourceSettings.model_validate(usual | {"answers": {"Submit": "answer.xml"}} | settings)


async def test_a_client_of_the_served_wsdl_calls_it_and_reads_the_answer(tmp_path: Path) -> None:
    async with RpcRoom(tmp_path).serving() as room:
        answer = await asyncio.to_thread(called_by_zeep, room.url)

    (message,) = room.door.accepted
    assert (message.message_type, len(answer)) == ("Submit", len(id_text(1)))
    root = etree.fromstring(message.body)
    assert (root.tag, [one.tag for one in root]) == (f"{{{NS}}}Submit", ["number", "line", "scan"])


def called_by_zeep(url: str) -> str:
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {TOKEN}"
        client = zeep.Client(f"{url}?wsdl", transport=zeep.Transport(session=session))  # type: ignore[no-untyped-call]
        return str(client.service.Submit(number="N1", line={"Sku": "a", "Quantity": "1.50"}, scan=b"scan"))


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        (("<number>N1</number>", ""), "Submit/line"),
        (("<number>N1</number>", "<number>N1</number><number>N1</number>"), "Submit/number[2]"),
        (("1.50", "SECRET"), "Submit/line/Quantity"),
        (("<number>", "<t:number>"), "Submit/number"),
        (("</t:Submit>", "<other/></t:Submit>"), "Submit/other"),
    ],
)
async def test_its_parts_are_checked_by_their_types(tmp_path: Path, changed: tuple[str, str], place: str) -> None:
    body = GOOD.replace(*changed).replace("N1</number>", "N1</t:number>" if "<t:number>" in changed else "N1</number>")
    async with RpcRoom(tmp_path).serving() as room:
        status, envelope = await room.post(write_envelope("1.1", body.encode(), []), SOAPAction="urn:submit")

    assert status == 500
    assert place in texts(envelope)
    assert "SECRET" not in texts(envelope)
    assert not room.door.accepted


def test_both_styles_are_served_by_one_service_and_what_is_encoded_says_so() -> None:
    found = read_wsdl("rpc.wsdl", lambda name: WSDL.encode(), lambda base, location: location)
    encoded = WSDL.replace('use="literal"', 'use="encoded"')

    assert found.operations == (Operation("Submit", "urn:submit", f"{{{NS}}}Submit", f"{{{NS}}}SubmitResponse"),)
    with pytest.raises(ConfigurationError, match="encoded") as caught:
        read_wsdl("rpc.wsdl", lambda name: encoded.encode(), lambda base, location: location)
    assert caught.value.where == "rpc.wsdl: Submit"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (('<part name="number" type="xs:string"/>', '<part name="number" element="t:Line"/>'), "a name and a type"),
        (('type="t:Line"', 'type="t:Absent"'), "cannot be used"),
    ],
)
def test_parts_that_cannot_be_told_are_refused_when_the_channel_is_read(changed: tuple[str, str], words: str) -> None:
    text = WSDL.replace(*changed).encode()

    with pytest.raises(ConfigurationError, match=words):
        read_wsdl("rpc.wsdl", lambda name: text, lambda base, location: location)


def test_only_the_parts_that_the_binding_puts_into_the_body_stand_there() -> None:
    text = WSDL.replace(f'<input><s:body use="literal" namespace="{NS}"/>',
                        f'<input><s:body use="literal" namespace="{NS}" parts="number line"/>').encode()  # fmt: skip
    found = read_wsdl("rpc.wsdl", lambda name: text, lambda base, location: location)
    without = etree.fromstring(GOOD.replace("<scan>c2Nhbg==</scan>", ""))

    assert found.schema.check(without) == []
    assert found.schema.check(etree.fromstring(GOOD)) != []


async def test_without_a_template_for_its_parts_the_answer_is_refused_when_the_channel_is_read(tmp_path: Path) -> None:
    room = RpcRoom(tmp_path)

    with pytest.raises(ConfigurationError, match="schema does not allow") as caught:
        SoapSource(room.settings(answers={}), room.context)
    assert "answers: Submit" in (caught.value.remedy or "")
