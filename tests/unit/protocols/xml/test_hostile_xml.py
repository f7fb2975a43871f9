"""Hostile XML: refused in words, with no file opened and nobody called, wherever XML comes in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.core.errors import ConfigurationError, IsthmusError, SizeLimitError, StructureError, TransformError
from engine.protocols.fhir.xml_reader import read_xml
from engine.protocols.soap.envelope import read_envelope
from engine.protocols.soap.template import compile_template
from engine.protocols.xml.schema import compile_schema
from engine.protocols.xml.stylesheet import Stylesheet
from engine.protocols.xml.tree import parse_tree
from tests.support.tripwire import SECRET, Tripwire

ENVELOPE = '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><a>{0}</a></e:Body></e:Envelope>'
BOMB = '<!DOCTYPE a [<!ENTITY x0 "ha">{}]>'.format(
    "".join(f'<!ENTITY x{n} "{f"&x{n - 1};" * 10}">' for n in range(1, 12))
)
XSL = (
    'xmlns:xsl="http://www.w3.org/1999/XSL/Transform" version="1.0" '
    'xmlns:e="http://exslt.org/common" extension-element-prefixes="e"'
)


@pytest.fixture
def tripwire(tmp_path: Path) -> Iterator[Tripwire]:
    with Tripwire(tmp_path) as wire:
        yield wire


def hostile(wire: Tripwire, encoding: str = "utf-8") -> dict[str, bytes]:
    """Each attack as a whole document."""
    file, url = wire.path.as_uri(), wire.url
    documents = {
        "external entity, file": f'<!DOCTYPE a [<!ENTITY x SYSTEM "{file}">]>{ENVELOPE.format("&x;")}',
        "external entity, network": f'<!DOCTYPE a [<!ENTITY x SYSTEM "{url}">]>{ENVELOPE.format("&x;")}',
        "parameter entity": f'<!DOCTYPE a [<!ENTITY % p SYSTEM "{url}"> %p;]>{ENVELOPE.format("")}',
        "external DTD": f'<!DOCTYPE a SYSTEM "{url}">{ENVELOPE.format("")}',
        "external DTD, file": f'<!DOCTYPE a SYSTEM "{file}">{ENVELOPE.format("")}',
        "entity in an attribute": f'<!DOCTYPE a [<!ENTITY x "y">]><a b="&x;">{url}</a>',
        "billion laughs": BOMB + ENVELOPE.format("&x11;"),
        "blow-up in an attribute": BOMB + '<a b="&x11;"/>',
    }
    return {name: text.encode(encoding) for name, text in documents.items()}


READERS: dict[str, Callable[[bytes], object]] = {
    "tree": parse_tree,
    "envelope": read_envelope,
    "template": lambda body: compile_template(body, "t.xml"),
    "fhir": lambda body: read_xml(body, "R4"),
    "stylesheet": lambda body: Stylesheet(body, "s.xsl"),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32", "utf-7", "cp037"])
def test_every_reader_refuses_every_attack_untouched(tripwire: Tripwire, reader: str, encoding: str) -> None:
    for name, body in hostile(tripwire, encoding).items():
        with pytest.raises(IsthmusError) as caught:
            READERS[reader](f'<?xml version="1.0" encoding="{encoding}"?>'.encode(encoding) + body)
        assert SECRET not in str(caught.value), name

    assert tripwire.touched == []


def test_xinclude_stays_what_it_is(tripwire: Tripwire) -> None:
    included = f'<i:include xmlns:i="http://www.w3.org/2001/XInclude" href="{tripwire.path}" parse="text"/>'
    root = parse_tree(ENVELOPE.format(included).encode())

    assert SECRET not in "".join(map(str, root.itertext()))
    assert tripwire.touched == []


def test_what_a_document_says_of_stylesheet_and_schema_is_not_followed(tripwire: Tripwire) -> None:
    parse_tree(
        f'<?xml-stylesheet href="{tripwire.url}" type="text/xsl"?><a xsi:schemaLocation="urn:x {tripwire.url}" '
        f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"/>'.encode()
    )

    assert tripwire.touched == []


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(StructureError):
        parse_tree(b"<a>" * 5000 + b"</a>" * 5000)


def test_more_elements_than_a_message_needs_are_refused() -> None:
    with pytest.raises(SizeLimitError):
        read_envelope(ENVELOPE.format("<b/>" * 300_000).encode())


# ------------------------------------------------------------------ schemas
def test_a_schema_takes_nothing_that_was_not_given(tripwire: Tripwire) -> None:
    """An import without a document that was given, spelt as file or URL, is not looked for."""
    for location in (tripwire.url, tripwire.path.as_uri(), str(tripwire.path)):
        root = parse_tree(
            f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:import namespace="urn:x" '
            f'schemaLocation="{location}"/><xs:element name="a"/></xs:schema>'.encode()
        )
        with pytest.raises(IsthmusError):
            compile_schema([("a.xsd", root)], _refusing, lambda base, place: place)

    assert tripwire.touched == []


def _refusing(name: str) -> bytes:
    raise ConfigurationError("not given", where=name)


def test_a_document_under_check_cannot_bring_a_schema(tripwire: Tripwire) -> None:
    root = parse_tree(b'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="a"/></xs:schema>')
    schema = compile_schema([("a.xsd", root)], _refusing, lambda base, place: place)
    hinted = f'<a xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:x {tripwire.url}" '
    schema.check(parse_tree(f'{hinted} xsi:noNamespaceSchemaLocation="{tripwire.path}"/>'.encode()))

    assert tripwire.touched == []


# ------------------------------------------------------------------ XSLT
@pytest.mark.parametrize(
    "inside",
    [
        "<xsl:copy-of select=\"document('{url}')\"/>",
        "<xsl:copy-of select=\"document('{file}')\"/>",
        '<xsl:copy-of select="document(/a/@href)"/>',
        '<e:document href="{path}.out">x</e:document>',
    ],
)
def test_a_stylesheet_reads_and_writes_nothing(tripwire: Tripwire, inside: str) -> None:
    filled = inside.format(url=tripwire.url, file=tripwire.path.as_uri(), path=tripwire.path)
    text = f'<xsl:stylesheet {XSL}><xsl:template match="/"><r>{filled}</r></xsl:template></xsl:stylesheet>'
    stylesheet = Stylesheet(text.encode(), "s.xsl")
    try:
        made = stylesheet.apply(parse_tree(f'<a href="{tripwire.path.as_uri()}"/>'.encode()))
    except TransformError:
        made = b""

    assert SECRET.encode() not in made
    assert tripwire.touched == []
    assert not Path(f"{tripwire.path}.out").exists()


@pytest.mark.parametrize("kind", ["import", "include"])
def test_a_stylesheet_brings_in_no_other(tripwire: Tripwire, kind: str) -> None:
    with pytest.raises(ConfigurationError):
        Stylesheet(f'<xsl:stylesheet {XSL}><xsl:{kind} href="{tripwire.url}"/></xsl:stylesheet>'.encode(), "s.xsl")

    assert tripwire.touched == []


def test_a_stylesheet_that_never_ends_is_stopped() -> None:
    text = f'<xsl:stylesheet {XSL}><xsl:template match="/" name="t"><xsl:call-template name="t"/></xsl:template>'
    with pytest.raises(TransformError):
        Stylesheet(f"{text}</xsl:stylesheet>".encode(), "s.xsl").apply(parse_tree(b"<a/>"))


def test_a_stylesheet_does_its_work() -> None:
    text = f'<xsl:stylesheet {XSL}><xsl:output omit-xml-declaration="yes"/><xsl:template match="/">'
    stylesheet = Stylesheet(
        f'{text}<n><xsl:value-of select="/a/@n"/></n></xsl:template></xsl:stylesheet>'.encode(), "s"
    )

    assert stylesheet.apply(parse_tree(b'<a n="7"/>')).strip() == b"<n>7</n>"
