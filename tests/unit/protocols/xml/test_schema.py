"""Schemas as WSDLs have them: several of one namespace, without locations, in a circle; and what is told of a fault."""

from __future__ import annotations

import pytest

from engine.core.errors import ConfigurationError
from engine.protocols.soap.wsdl import read_schema, read_wsdl
from engine.protocols.xml.schema import Schema, compile_schema
from engine.protocols.xml.tree import parse_tree

XS = 'xmlns:xs="http://www.w3.org/2001/XMLSchema"'


def compiled(*texts: str, **documents: str) -> Schema:
    def load(name: str) -> bytes:
        if name not in documents:
            raise ConfigurationError("not given", where=name)
        return documents[name].encode()

    roots = [(f"inline-{number}", parse_tree(text.encode())) for number, text in enumerate(texts)]
    return compile_schema(roots, load, lambda base, location: location)


def told(schema: Schema, text: str) -> list[tuple[str, str]]:
    return [(one.place, one.what) for one in schema.check(parse_tree(text.encode()))]


def test_two_schemas_of_one_namespace_are_one() -> None:
    one = f'<xs:schema {XS} xmlns="urn:a" targetNamespace="urn:a"><xs:element name="A" type="T"/></xs:schema>'
    two = f'<xs:schema {XS} targetNamespace="urn:a"><xs:simpleType name="T"><xs:restriction base="xs:int"/>'
    schema = compiled(one, f"{two}</xs:simpleType></xs:schema>")

    assert told(schema, '<A xmlns="urn:a">1</A>') == []
    assert told(schema, '<A xmlns="urn:a">CANARY</A>') == [("A", "not of its type")]


def test_an_import_without_a_location_finds_its_neighbour() -> None:
    one = f'<xs:schema {XS} xmlns:b="urn:b" targetNamespace="urn:a"><xs:import namespace="urn:b"/>'
    two = f'<xs:schema {XS} targetNamespace="urn:b"><xs:simpleType name="T"><xs:restriction base="xs:int"/>'
    schema = compiled(f'{one}<xs:element name="A" type="b:T"/></xs:schema>', f"{two}</xs:simpleType></xs:schema>")

    assert told(schema, '<A xmlns="urn:a">x</A>') == [("A", "not of its type")]


def test_schemas_may_import_one_another_in_a_circle() -> None:
    def one(own: str, other: str, kind: str) -> str:
        return (
            f'<xs:schema {XS} xmlns:o="urn:{other}" targetNamespace="urn:{own}">'
            f'<xs:import namespace="urn:{other}" schemaLocation="{other}"/>{kind}</xs:schema>'
        )

    a = one(
        "a",
        "b",
        '<xs:element name="A" type="o:T"/><xs:simpleType name="U"><xs:restriction base="xs:int"/></xs:simpleType>',
    )
    b = one("b", "a", '<xs:simpleType name="T"><xs:restriction base="o:U"/></xs:simpleType>')
    schema = compiled(f'<xs:schema {XS}><xs:import namespace="urn:a" schemaLocation="a"/></xs:schema>', a=a, b=b)

    assert told(schema, '<A xmlns="urn:a">7</A>') == []
    assert told(schema, '<A xmlns="urn:a">x</A>') == [("A", "not of its type")]


def test_an_included_schema_takes_on_the_namespace_of_each_that_includes_it() -> None:
    bare = f'<xs:schema {XS}><xs:element name="E" type="xs:int"/></xs:schema>'

    def of(space: str) -> str:
        return f'<xs:schema {XS} targetNamespace="{space}"><xs:include schemaLocation="bare"/></xs:schema>'

    schema = compiled(of("urn:a"), of("urn:b"), bare=bare)

    assert [told(schema, f'<E xmlns="urn:{one}">1</E>') for one in "ab"] == [[], []]
    assert told(schema, "<E>1</E>") == [("E", "an element that the schema does not know")]


def test_findings_name_the_place_and_never_the_value() -> None:
    schema = compiled(
        f'<xs:schema {XS}><xs:element name="A"><xs:complexType><xs:sequence><xs:element name="L" maxOccurs="9">'
        '<xs:complexType><xs:sequence><xs:element name="Q" type="xs:decimal"/></xs:sequence>'
        '<xs:attribute name="n" type="xs:int"/></xs:complexType></xs:element></xs:sequence>'
        "</xs:complexType></xs:element></xs:schema>"
    )
    found = told(schema, '<A><L n="1"><Q>1</Q></L><L n="CANARY"><Q>CANARY</Q></L></A>')

    assert [place for place, _ in found] == ["A/L[2]", "A/L[2]/Q"]
    assert "CANARY" not in str(found)


@pytest.mark.parametrize(
    "text",
    [
        "<not-a-schema/>",
        f'<xs:schema {XS}><xs:element name="A" type="Missing"/></xs:schema>',
        f'<xs:schema {XS}><xs:include schemaLocation="absent"/></xs:schema>',
    ],
)
def test_a_schema_that_does_not_hold_together_is_told(text: str) -> None:
    with pytest.raises(ConfigurationError):
        compiled(text)


def test_only_a_wsdl_is_a_wsdl() -> None:
    bodies = {"a": b"<a/>", "b": b'<definitions xmlns="http://schemas.xmlsoap.org/wsdl/"/>'}
    for name in bodies:
        with pytest.raises(ConfigurationError):
            read_wsdl(name, bodies.__getitem__, lambda base, location: location)

    assert read_schema("b", bodies.__getitem__, lambda base, location: location).check(parse_tree(b"<a/>")) != []
