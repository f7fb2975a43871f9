"""XML gives the tree that its JSON would give, and nothing outside the document is ever touched."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import CharsetError, IsthmusError, StructureError
from engine.protocols.fhir.resource import read_tree
from engine.protocols.fhir.xml_reader import read_xml
from engine.protocols.fhir.xml_writer import write_xml

REQUEST = b"""<?xml version="1.0" encoding="UTF-8"?>
<SupplyRequest xmlns="http://hl7.org/fhir">
  <id value="s1"/><!-- a remark -->
  <text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml">Gauze &amp; tape</div></text>
  <contained><Device><id value="d"/></Device></contained>
  <extension url="urn:e"><valueBoolean value="true"/></extension>
  <status value="active"><extension url="urn:why"><valueCode value="x"/></extension></status>
  <itemCodeableConcept><coding><code value="007"/></coding></itemCodeableConcept>
  <quantity><value value="10.10"/></quantity>
  <supplier id="x"><reference value="Organization/o"/></supplier>
</SupplyRequest>"""


def test_xml_becomes_the_tree_of_its_json() -> None:
    assert read_xml(REQUEST, "R4") == {
        "resourceType": "SupplyRequest",
        "id": "s1",
        "text": {
            "status": "generated",
            "div": '<div xmlns="http://www.w3.org/1999/xhtml">Gauze &amp; tape</div>',
        },
        "contained": [{"resourceType": "Device", "id": "d"}],
        "extension": [{"url": "urn:e", "valueBoolean": True}],
        "status": "active",
        "_status": {"extension": [{"url": "urn:why", "valueCode": "x"}]},
        "itemCodeableConcept": {"coding": [{"code": "007"}]},
        "quantity": {"value": Decimal("10.10")},
        "supplier": [{"id": "x", "reference": "Organization/o"}],
    }


def test_digits_and_lists_survive_a_round_trip() -> None:
    body = b"""{"resourceType":"Patient","name":[{"given":["A",null],"_given":[null,{"id":"g"}]}],
      "multipleBirthInteger":2,"extension":[{"url":"urn:e","valueDecimal":1.500}]}"""
    tree = read_tree(body)

    again = read_xml(write_xml(tree), "R4")

    assert again == tree
    assert str(again["extension"][0]["valueDecimal"]) == "1.500"


HEAD = '<SupplyRequest xmlns="http://hl7.org/fhir">'


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ("", "line 1"),
        ("<SupplyRequest/>", "the root element"),
        ('<supplyrequest xmlns="http://hl7.org/fhir"/>', "the root element"),
        ('<Quantity xmlns="http://hl7.org/fhir"/>', "Quantity"),
        ('<InventoryReport xmlns="http://hl7.org/fhir"/>', "InventoryReport"),
        (f"{HEAD}<nope/></SupplyRequest>", "SupplyRequest"),
        (f"{HEAD}<resource_type value='x'/></SupplyRequest>", "SupplyRequest"),
        (f"{HEAD}<status value='a'/><status value='b'/></SupplyRequest>", "SupplyRequest.status"),
        (f"{HEAD}<quantity><value value='0x1'/></quantity></SupplyRequest>", "SupplyRequest.quantity.value"),
        (f"{HEAD}<quantity><value value='1e99999'/></quantity></SupplyRequest>", "SupplyRequest.quantity.value"),
        (f"{HEAD}<contained/></SupplyRequest>", "SupplyRequest.contained"),
    ],
)
def test_what_is_no_resource_is_refused_by_its_place(body: str, where: str | None) -> None:
    with pytest.raises(StructureError) as caught:
        read_xml(body.encode(), "R4")

    assert caught.value.where == where


def test_type_of_another_version_is_known_there() -> None:
    assert read_xml(b'<InventoryReport xmlns="http://hl7.org/fhir"/>', "R5") == {"resourceType": "InventoryReport"}


@pytest.mark.parametrize(
    "prolog",
    [
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">',
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>',
    ],
)
def test_doctype_is_refused_unread(prolog: str) -> None:
    with pytest.raises(StructureError) as caught:
        read_xml(f"{prolog}{HEAD}<status value='&e;'/></SupplyRequest>".encode(), "R4")

    assert caught.value.what == "a DOCTYPE is not taken"


def test_other_charsets_and_deep_nesting_are_refused() -> None:
    with pytest.raises(CharsetError):
        read_xml(f"{HEAD}</SupplyRequest>".encode("utf-16"), "R4")
    deep = "<extension url='u'>" * 5000 + "</extension>" * 5000
    with pytest.raises(StructureError):
        read_xml(f"{HEAD}{deep}</SupplyRequest>".encode(), "R4")


@given(st.binary(max_size=100))
def test_no_bytes_do_more_than_be_refused(body: bytes) -> None:
    for one in (body, HEAD.encode() + body + b"</SupplyRequest>"):
        try:
            read_xml(one, "R4")
        except IsthmusError:
            continue
