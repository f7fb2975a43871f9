"""A SOAP package is read as written, and what is no package, or too much of one, is refused before it is copied."""

from __future__ import annotations

import base64

import pytest
from lxml import etree
from zeep.wsdl.attachments import MessagePack
from zeep.wsdl.messages.xop import process_xop

from engine.core.errors import FramingError, MessageError, SizeLimitError, StructureError
from engine.protocols.soap.package import Limits, Part, parameter, read_package, write_package
from engine.protocols.soap.xop import include, name_parts, put_in, references

LIMITS = Limits(3, 1000)
HEAD = 'multipart/related; boundary="b b"; type="text/xml"; start="<root>"'


def part(body: bytes = b"x", **headers: str) -> bytes:
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return b"--b b\r\n" + lines.encode() + b"\r\n" + body + b"\r\n"


ROOT = part(b"<a/>", Content_Type="text/xml", Content_ID="<root>")
END = b"--b b--\r\n"


@pytest.mark.parametrize("way", ["mtom", "swa"])
def test_what_is_written_is_read_again(way: str) -> None:
    parts = (
        Part("one@x", "application/pdf", b"\r\n--isthmus\r\n\x00\xff", "scan.pdf"),
        Part("two@x", "text/plain", b"", ""),
    )
    content_type, body = write_package(way, "1.2", "urn:do", b"<a/>", parts)  # type: ignore[arg-type]
    read = read_package(content_type, body, LIMITS)

    assert (read.envelope, read.parts, read.is_mtom) == (b"<a/>", parts, way == "mtom")
    assert parameter(content_type, "action") == "urn:do"


def test_zeep_reads_what_is_included() -> None:
    envelope = b"<a><b>" + include("one@x") + b"</b></a>"
    content_type, body = write_package("mtom", "1.1", "", envelope, [Part("one@x", "application/pdf", b"\x00scan")])
    from requests_toolbelt.multipart.decoder import MultipartDecoder

    parts = MultipartDecoder(body, content_type).parts
    document = etree.fromstring(parts[0].content)
    process_xop(document, MessagePack(parts=parts[1:]))

    assert base64.b64decode(document.findtext("b") or "") == b"\x00scan"


def test_a_header_cannot_be_broken_out_of() -> None:
    hostile = Part('id>\r\nX-Bad: 1"', "text/plain\r\nX-Bad: 1", b"x", 'a"\r\nX-Bad: 1')
    content_type, body = write_package("swa", "1.2", 'urn:"\r\nX-Bad: 1', b"<a/>", [hostile])

    assert b"\r\nX-Bad" not in body
    assert "\r" not in content_type
    assert read_package(content_type, body, LIMITS).parts[0].media_type == "application/octet-stream"


def test_base64_parts_of_older_senders_are_decoded() -> None:
    body = ROOT + part(b"c2Nh\r\nbg==", Content_ID="<s>", Content_Transfer_Encoding="base64") + END

    assert read_package(HEAD, body, LIMITS).parts[0].body == b"scan"


@pytest.mark.parametrize(
    ("content_type", "body", "error"),
    [
        ("multipart/related", ROOT + END, FramingError),
        ('multipart/related; boundary=""', ROOT + END, FramingError),
        (f"multipart/related; boundary={'b' * 71}", ROOT + END, FramingError),
        (HEAD, b"nothing", FramingError),
        (HEAD, ROOT, FramingError),
        (HEAD, ROOT[:-2], FramingError),
        (HEAD, ROOT + b"--b b2\r\n", FramingError),
        (HEAD, END, StructureError),
        (HEAD, b"--b b\r\nContent-Type: text/xml\r\n" + END, StructureError),
        (HEAD, ROOT + ROOT + END, StructureError),
        (HEAD, part(b"<a/>", Content_Type="text/xml") + END, StructureError),
        (HEAD.replace("<root>", "<other>"), ROOT + END, StructureError),
        (HEAD, part(b"x", Content_Type="text/plain", Content_ID="<root>") + END, StructureError),
        (HEAD, ROOT + part(Content_Transfer_Encoding="x-gzip") + END, StructureError),
        (HEAD, ROOT + part(b"!", Content_Transfer_Encoding="base64") + END, StructureError),
        (HEAD, ROOT + b"--b b\r\nX: a\r\nx: b\r\n\r\nx\r\n" + END, StructureError),
        (HEAD, ROOT + b"--b b\r\nX: \xff\r\n\r\nx\r\n" + END, StructureError),
        (HEAD, ROOT + part(X="a" * 9000) + END, StructureError),
        (HEAD, ROOT + part(**{f"X{n}": "a" for n in range(40)}) + END, SizeLimitError),
        (HEAD, ROOT + part() * 4 + END, SizeLimitError),
        (HEAD, ROOT + part() * 10_000 + END, SizeLimitError),
        (HEAD, ROOT + part(b"x" * 1001) + END, SizeLimitError),
    ],
)
def test_what_is_no_package_or_too_much_of_one_is_refused(
    content_type: str, body: bytes, error: type[MessageError]
) -> None:
    with pytest.raises(error) as refused:
        read_package(content_type, body, LIMITS)

    assert refused.value.where


# ------------------------------------------------------------------ references
PARTS = (Part("a@x", "text/plain", b"scan", "scan.TXT"), Part("b c", "text/plain", b"note"))


def test_an_included_part_is_its_base64_for_the_schema_and_its_name_in_the_message() -> None:
    root = etree.fromstring(b"<a><b>" + include("a@x") + b"</b><c>" + include("b c") + b"</c></a>")
    found = put_in(root, PARTS)
    inline = root.findtext("b")
    name_parts(found)

    assert inline == "c2Nhbg=="
    assert root.findtext("b") == f"cid:{PARTS[0].name}"
    assert PARTS[0].name.endswith(".txt")
    assert root.findtext("c") == f"cid:{PARTS[1].name}"


@pytest.mark.parametrize(
    "inside",
    [
        include("nobody"),
        include("a@x") * 2,
        b"text" + include("a@x"),
        include("a@x") + b"tail",
        b"<c/>" + include("a@x"),
        include("a@x").replace(b"cid:", b"http://far.example/"),
        include("a@x").replace(b"cid:", b"file:///etc/"),
    ],
)
def test_an_include_that_is_not_the_one_content_or_leads_elsewhere_is_refused(inside: bytes) -> None:
    root = etree.fromstring(b"<a><b>" + inside + b"</b></a>")

    with pytest.raises(StructureError):
        put_in(root, PARTS)


def test_a_part_that_is_included_many_times_is_refused_and_not_multiplied() -> None:
    root = etree.fromstring(b"<a>" + (b"<b>" + include("a@x") + b"</b>") * 5000 + b"</a>")

    with pytest.raises(StructureError):
        put_in(root, PARTS)

    assert "c2Nhbg==" not in "".join(map(str, root.itertext()))


def test_the_root_cannot_be_an_include() -> None:
    with pytest.raises(StructureError):
        put_in(etree.fromstring(include("a@x")), PARTS)


def test_references_of_swa_are_named_and_one_to_nothing_is_refused() -> None:
    root = etree.fromstring('<a><b href="cid:a%40x"/><c>cid:b%20c</c><d>cid:other</d></a>')
    name_parts(references(root, PARTS))

    assert root.find("b").get("href") == f"cid:{PARTS[0].name}"  # type: ignore[union-attr]
    assert root.findtext("c") == f"cid:{PARTS[1].name}"
    assert root.findtext("d") == "cid:other"
    with pytest.raises(StructureError):
        references(etree.fromstring('<a href="cid:nobody"/>'), PARTS)
