"""A service of the rpc style, which older suppliers have: its call is written from the WSDL like any other."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from engine.connectors.soap.attachments import Parcel
from engine.connectors.soap.zeep_client import Calls
from engine.core.errors import ConfigurationError, DestinationError
from engine.protocols.soap.wsdl import read_wsdl
from engine.protocols.soap.xop import INCLUDE

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


def test_our_own_service_is_not_described_so_and_says_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="document/literal"):
        read_wsdl("rpc.wsdl", lambda name: WSDL.encode(), lambda base, location: location)
