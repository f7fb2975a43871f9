"""Whatever bytes come as an envelope, they are a message or a coded refusal; whatever is filled in stays text."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from engine.core.errors import IsthmusError, MessageError, RequiredFieldError
from engine.protocols.soap.envelope import check_understood, payload_bytes, read_envelope, write_envelope
from engine.protocols.soap.fault import Fault, read_fault, write_fault
from engine.protocols.soap.names import ENVELOPES, WSA, WSSE, WSU
from engine.protocols.soap.package import Limits, Part, read_package, write_package
from engine.protocols.soap.security import SecurityTokenError, read_token
from engine.protocols.soap.template import compile_template
from engine.protocols.soap.xop import name_parts, put_in, references
from engine.protocols.xml.tree import parse_tree

SPACES = st.sampled_from([*ENVELOPES.values(), WSSE, WSU, *WSA, "urn:x", ""])
NAMES = st.sampled_from(
    ["Envelope", "Header", "Body", "Fault", "Security", "UsernameToken", "Username", "Password", "Nonce", "Created",
     "MessageID", "faultcode", "Code", "Value", "a"]
)  # fmt: skip
TEXTS = st.sampled_from(["", "soap:Client", "bm9uY2U=", "2026-11-21T00:00:00Z", "not base64 !", "ä<&>", "  "])
ATTRIBUTES = st.dictionaries(st.sampled_from(["Type", f"{{{ENVELOPES['1.1']}}}mustUnderstand", "a"]), TEXTS, max_size=2)


@st.composite
def elements(draw: Any, depth: int = 4) -> etree._Element:
    space = draw(SPACES)
    one = etree.Element(f"{{{space}}}{draw(NAMES)}" if space else draw(NAMES))
    for name, value in draw(ATTRIBUTES).items():
        one.set(name, value)
    one.text = draw(TEXTS)
    for child in draw(st.lists(elements(depth - 1), max_size=3)) if depth else ():
        one.append(child)
    return one


@st.composite
def envelopes(draw: Any) -> bytes:
    """Envelopes that are nearly right."""
    space = draw(st.sampled_from(list(ENVELOPES.values())))
    root = etree.Element(f"{{{space}}}Envelope")
    header = etree.SubElement(root, f"{{{space}}}Header")
    security = etree.SubElement(header, f"{{{WSSE}}}Security")
    for part in draw(st.lists(elements(2), max_size=3)):
        draw(st.sampled_from([header, security])).append(part)
    body = etree.SubElement(root, f"{{{space}}}Body")
    for part in draw(st.lists(elements(2), max_size=2)):
        body.append(part)
    return etree.tostring(root)


def judged(body: bytes) -> None:
    try:
        envelope = read_envelope(body)
        check_understood(envelope)
    except MessageError:
        return
    try:
        read_token(envelope)
    except (SecurityTokenError, MessageError):
        pass
    read_fault(envelope)
    envelope.message_id()
    if envelope.payload is None:
        return
    kept = payload_bytes(envelope.payload)
    again = read_envelope(write_envelope(envelope.version, kept))
    assert again.payload is not None
    assert payload_bytes(again.payload) == kept


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_judged(body: bytes) -> None:
    judged(body)


@settings(max_examples=150, deadline=None)
@given(envelopes() | elements().map(etree.tostring))
def test_any_envelope_is_judged_and_its_message_is_the_same_in_another_envelope(body: bytes) -> None:
    judged(body)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_damaged_envelope_is_judged(data: Any) -> None:
    body = bytearray(data.draw(envelopes()))
    for _ in range(data.draw(st.integers(1, 3))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    judged(bytes(body))


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(["client", "server", "version", "must_understand"]), st.sampled_from(["1.1", "1.2"]), TEXTS)
def test_a_fault_that_is_written_is_read(blame: Any, version: Any, reason: str) -> None:
    told = read_fault(read_envelope(write_fault(version, Fault(blame, reason, "M001", reason))))

    assert told is not None
    assert told.server is (blame == "server")


@settings(max_examples=200, deadline=None)
@given(st.text(), st.text(), st.none() | st.integers() | st.booleans() | st.text())
def test_what_is_filled_in_never_becomes_markup(one: str, other: str, third: Any) -> None:
    template = compile_template(b'<a x="{one}"><b>{other}</b><c>{third?}</c></a>', "t.xml")
    try:
        made = template.fill(json.loads(json.dumps({"one": one, "other": other, "third": third})))
    except RequiredFieldError:
        return
    root = etree.fromstring(made)

    assert [child.tag for child in root.iter()] == ["a", "b", "c"]
    assert root.get("x") == one
    assert (root.findtext("b") or "") == other


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="{}abc.?<> t:each='", max_size=40))
def test_any_template_is_compiled_or_refused(text: str) -> None:
    try:
        compile_template(f'<a xmlns:t="urn:isthmus:template">{text}</a>'.encode(), "t.xml")
    except IsthmusError:
        pass


# ------------------------------------------------------------------ files beside the envelope
PIECES = st.sampled_from(
    [b"--b", b"--b--", b"\r\n", b"\r\n\r\n", b"Content-ID: <a>", b"Content-Type: text/xml", b": ", b"<a/>", b"\xff",
     b"Content-Transfer-Encoding: base64", b"Content-Type: application/xop+xml", b"x"]
)  # fmt: skip
HEADS = st.sampled_from(
    ["multipart/related; boundary=b", 'multipart/related; boundary="b"; start="<a>"', "multipart/related", "text/xml"]
)
LIMITS = Limits(3, 64)


@given(HEADS, st.lists(PIECES, max_size=40).map(b"".join))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_a_package_within_the_limits_or_a_coded_refusal(content_type: str, body: bytes) -> None:
    try:
        package = read_package(content_type, body, LIMITS)
    except MessageError:
        return
    assert len(package.parts) <= LIMITS.parts
    assert all(len(part.body) <= LIMITS.size for part in package.parts)


PARTS = st.lists(st.binary(max_size=64) | PIECES, max_size=3)


@given(PARTS, st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
@settings(max_examples=200, deadline=None)
def test_any_files_under_any_names_are_read_as_written(bodies: list[bytes], name: str, kind: str, action: str) -> None:
    parts = [Part(f"part-{number}@x", kind, body, name) for number, body in enumerate(bodies)]
    read = read_package(*write_package("mtom", "1.2", action, b"<a/>", parts), LIMITS)

    assert [(part.content_id, part.body) for part in read.parts] == [(part.content_id, part.body) for part in parts]
    assert read.envelope == b"<a/>"


INCLUDE = '<i:Include xmlns:i="http://www.w3.org/2004/08/xop/include" href="cid:%s"/>'
INSIDE = st.recursive(
    st.sampled_from(
        ["", "text", "cid:a", *(INCLUDE % name for name in "abc"), '<b href="cid:a"/>', '<b href="cid:z"/>']
    ),
    lambda inner: st.lists(inner, max_size=3).map(lambda some: f"<c>{''.join(some)}</c>"),
    max_leaves=8,
)


@given(INSIDE)
@settings(max_examples=200, deadline=None)
def test_any_references_are_named_or_refused_and_no_file_is_there_twice(inside: str) -> None:
    parts = [Part(name, "text/plain", name.encode() * 40) for name in "ab"]
    root = parse_tree(f"<root>{inside}</root>".encode())
    try:
        found = put_in(root, parts)
    except MessageError:
        return
    assert all(sum(one.part is part for one in found) <= 1 for part in parts)
    try:
        name_parts([*found, *references(root, parts)])
    except MessageError:
        return
    assert "Include" not in etree.tostring(root, encoding="unicode")
