"""XML messages: values by path, and what is never taken."""

from __future__ import annotations

import time
from datetime import date
from decimal import Decimal

import pytest

from engine.core.errors import DataTypeError, FieldError, RequiredFieldError, SizeLimitError, StructureError
from engine.protocols.xml.message import XmlMessage
from engine.protocols.xml.tree import parse_tree

ORDER = b"""<?xml version="1.0" encoding="UTF-8"?>
<!-- from the shop -->
<o:Order xmlns:o="urn:shop" xmlns:x="urn:other" version="3">
  <o:Header><o:Number> PO-1 </o:Number><x:Number>other</x:Number><o:Day>2026-11-21T08:00:00Z</o:Day></o:Header>
  <o:Lines><o:Line sku="A1"><o:Qty>2.50</o:Qty></o:Line><o:Line sku="B2"><o:Qty>many</o:Qty></o:Line></o:Lines>
  <o:Note>a <b>bold</b> word</o:Note><o:Empty/>
</o:Order>"""


@pytest.fixture
def order() -> XmlMessage:
    return XmlMessage.parse(ORDER, {"s": "urn:shop", "x": "urn:other"})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("Header/Number", "PO-1"),
        ("/Order/Header/Number", "PO-1"),
        ("/s:Order/x:Header", None),
        ("s:Header/x:Number", "other"),
        ("Header/Number[2]", "other"),
        ("Lines/Line[2]/@sku", "B2"),
        ("Lines.Line[2].sku", "B2"),
        ("Lines.Line[1].Qty", "2.50"),
        ("//Qty", "2.50"),
        ("*/Number", "PO-1"),
        ("@version", "3"),
        ("version", "3"),
        ("Note", "a"),
        ("Lines", None),
        ("Empty", ""),
        ("Lines/Line[3]/@sku", None),
        ("/Invoice/Header", None),
    ],
)
def test_a_path_names_a_value(order: XmlMessage, path: str, value: str | None) -> None:
    assert order.get(path) == value


def test_values_are_typed_by_what_they_are_asked_for(order: XmlMessage) -> None:
    lines = order.all("Lines/Line")

    assert (order.name, order.date("Header/Day")) == ("Order", date(2026, 11, 21))
    assert lines[0].number("Qty") == Decimal("2.50")
    with pytest.raises(DataTypeError):
        lines[1].number("Qty")
    with pytest.raises(RequiredFieldError):
        order.require("Empty")


def test_the_bytes_stay_as_they_came(order: XmlMessage) -> None:
    assert order.encode() == ORDER


@pytest.mark.parametrize("path", ["", "a//", "a[0]", "a/@b/c", "a[x]", "count(//a)", "a|b", "../a", "/".join("a" * 50)])
def test_what_is_no_path_is_refused_by_name(order: XmlMessage, path: str) -> None:
    with pytest.raises(FieldError):
        order.get(path)


def test_a_prefix_must_be_declared(order: XmlMessage) -> None:
    with pytest.raises(FieldError) as caught:
        order.get("po:Header")

    assert "namespaces" in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        '<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;">]><a>&y;</a>',
        '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd"><a/>',
    ],
)
def test_a_doctype_is_never_taken(text: str, encoding: str) -> None:
    with pytest.raises(StructureError):
        XmlMessage.parse(text.encode(encoding))


@pytest.mark.parametrize("body", [b"", b"<a>", b"{}", b"<a>&x;</a>", b"\xff\xfe", b"<a>" * 300 + b"</a>" * 300])
def test_what_is_not_xml_is_refused(body: bytes) -> None:
    with pytest.raises(StructureError):
        XmlMessage.parse(body)


def test_a_tree_of_too_many_elements_is_refused() -> None:
    with pytest.raises(SizeLimitError):
        parse_tree(b"<a>" + b"<b/>" * 11 + b"</a>", most_elements=10)


CXML = b"""<?xml version="1.0" encoding="UTF-8"?>
<!-- from the supplier's shop -->
<!DOCTYPE cXML SYSTEM
  "http://xml.cxml.org/schemas/cXML/1.2.045/cXML.dtd">
<cXML payloadID="1@shop.example"><Request><OrderRequest/></Request></cXML>
"""


def test_a_doctype_that_only_names_a_dtd_is_passed_over_where_the_channel_says_so() -> None:
    message = XmlMessage.parse(CXML, ignore_doctype=True)

    assert (message.name, message.get("@payloadID"), message.encode()) == ("cXML", "1@shop.example", CXML)


def test_a_doctype_is_refused_unless_the_channel_says_so() -> None:
    with pytest.raises(StructureError, match="DOCTYPE"):
        XmlMessage.parse(CXML)


def test_lines_keep_their_numbers_without_the_doctype() -> None:
    with pytest.raises(StructureError) as told:
        XmlMessage.parse(CXML.replace(b"</cXML>", b"</wrong>"), ignore_doctype=True)

    assert told.value.where == "line 5"


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b'<!DOCTYPE a SYSTEM "b" [<!ENTITY % c SYSTEM "d">%c;]><a/>',
        b'<!DOCTYPE a SYSTEM "b.dtd"><!DOCTYPE a SYSTEM "c.dtd"><a/>',
        b'<a/><!DOCTYPE a SYSTEM "b.dtd">',
        b'<!doctype a SYSTEM "b.dtd"><a/>',
        b'<!DOCTYPE a SYSTEM "b.dtd"><a>&defined_there;</a>',
        '<!DOCTYPE a SYSTEM "b.dtd"><a/>'.encode("utf-16"),
        b"<!DOCTYPE a SYSTEM b.dtd><a/>",
        b'<?xml version="1.0" encoding="UTF-7"?><!DOCTYPE a SYSTEM "b.dtd"><a/>',
    ],
)
def test_any_other_doctype_or_entity_is_refused_in_any_case(body: bytes) -> None:
    with pytest.raises(StructureError):
        XmlMessage.parse(body, ignore_doctype=True)


def test_a_long_head_that_is_no_doctype_costs_no_time_to_speak_of() -> None:
    for head in (b"<!--" + b"-" * 100_000, b"<!DOCTYPE " + b"a" * 100_000, b" " * 100_000, b"<!-- -->" * 50_000):
        began = time.process_time()
        with pytest.raises(StructureError):
            XmlMessage.parse(head, ignore_doctype=True)
        assert time.process_time() - began < 4.0  # some ms; with the square of the length: minutes
