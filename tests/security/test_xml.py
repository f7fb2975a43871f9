"""Hostile XML through every door that reads XML: refused or read harmlessly; nothing opened, nothing connected to."""

from __future__ import annotations

import asyncio
import io
import json
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from engine.channel.site_files import SiteFiles
from engine.connectors.catalog import CATALOG
from engine.connectors.soap.destination import _element, _envelope
from engine.connectors.soap.zeep_client import Calls
from engine.core.errors import IsthmusError, StructureError
from engine.core.loopback import free_port
from engine.protocols.fhir.resource import read_tree
from engine.protocols.fhir.xml_reader import read_xml
from engine.protocols.fhir.xml_writer import write_xml
from engine.protocols.mail.read import read_mail
from engine.protocols.soap.envelope import read_envelope
from engine.protocols.soap.template import compile_template
from engine.protocols.soap.wsdl import read_wsdl
from engine.protocols.tabular.layout import Column, RecordType, TableLayout
from engine.protocols.tabular.reader import TableReader
from engine.protocols.xml.message import XmlMessage
from engine.protocols.xml.stylesheet import Stylesheet
from engine.protocols.xml.tree import parse_tree
from tests.support.connector_doubles import Door, Secrets, context
from tests.support.connector_harness import connect_when_up
from tests.support.hostile_xml import attacks
from tests.support.memory import MIB, PeakMemory
from tests.support.soap_site import write_site
from tests.support.tripwire import SECRET, Tripwire
from tests.support.watched_connects import watched_connects

MOST_MEMORY = 150 * MIB
MOST_SECONDS = 5.0  # far above what is needed: a hang fails
EXCEL = TableReader(TableLayout("any", "excel", (RecordType((Column("a"),)),), header="no"))
PARTS = {
    "xl/workbook.xml": b'<workbook xmlns="m" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/'
    b'relationships"><sheets><sheet name="a" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": b'<Relationships xmlns="p"><Relationship Id="r1" Target="sheet.xml"/>'
    b"</Relationships>",
    "xl/sheet.xml": b'<worksheet xmlns="m"><sheetData><row r="1"><c t="s"><v>0</v></c></row></sheetData></worksheet>',
    "xl/sharedStrings.xml": b'<sst xmlns="m"><si><t>text</t></si></sst>',
    "xl/styles.xml": b'<styleSheet xmlns="m"/>',
}  # fmt: skip


def _workbook(part: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:  # stored: what is large may not be taken for a bomb of ZIP
        for name, text in (PARTS | {part: content}).items():
            archive.writestr(name, text)
    return out.getvalue()


def _excel(part: str) -> Callable[[bytes, Path], object]:
    return lambda body, _: [row.get("a") for row in EXCEL.parse(_workbook(part, body)).rows]


def _walked(body: bytes, _: Path) -> object:
    message = XmlMessage.parse(body)
    return [message.get(path) for path in ("//a", "a", "a/@b", "include", "@schemaLocation")]


def _ignoring(body: bytes, _: Path) -> object:
    message = XmlMessage.parse(body, ignore_doctype=True)
    return [message.get(path) for path in ("//a", "a", "a/@b", "include", "@schemaLocation")]


def _mailed(body: bytes, _: Path) -> object:
    head = b"From: a@b.example\r\nTo: c@d.example\r\nMIME-Version: 1.0\r\nContent-Type: application/xml\r\n"
    mail = read_mail(head + b'Content-Disposition: attachment; filename="a.xml"\r\n\r\n' + body[:2_000_000])
    return [_walked(file.body, Path()) for file in mail.files]


def _wsdl(body: bytes, _: Path) -> object:
    return read_wsdl("a.wsdl", lambda name: body, lambda base, name: name)


def _called(body: bytes, folder: Path) -> object:
    write_site(folder)
    (folder / "wsdl" / "schemas" / "kinds.xsd").write_bytes(body)
    return Calls(folder, "wsdl/notes.wsdl", "LeaveNote").prepare()


def _styled(body: bytes, _: Path) -> object:
    return Stylesheet(body, "a.xsl").apply(parse_tree(b"<a/>"))


def _narrative(body: bytes, _: Path) -> object:
    """XHTML inside of JSON, written as XML."""
    text = {"status": "generated", "div": body[:2_000_000].decode("latin-1")}
    try:
        return write_xml(read_tree(json.dumps({"resourceType": "Patient", "text": text}).encode()))
    except ValueError:
        raise StructureError("told as JSON") from None


DOORS: dict[str, Callable[[bytes, Path], object]] = {
    "xml view": _walked,
    "xml view, doctype: ignore": _ignoring,
    "fhir xml": lambda body, _: read_xml(body, "R4"),
    "fhir narrative": _narrative,
    "soap envelope": lambda body, _: read_envelope(body),
    "soap answer": lambda body, _: _envelope(body),
    "soap message": lambda body, _: _element(body),
    "soap template": lambda body, _: compile_template(body, "a.xml"),
    "wsdl": _wsdl,
    "schema by zeep": _called,
    "stylesheet": _styled,
    "mail": _mailed,
} | {f"excel {part}": _excel(part) for part in PARTS}


def fate(read: Callable[[], object]) -> tuple[str, object]:
    """`read` and what came of it, or the error's code and words. Anything else that is raised fails the test."""
    try:
        return "read", read()
    except IsthmusError as error:
        return error.code, str(error)


@pytest.mark.parametrize("door", DOORS)
def test_attacks_are_refused_or_read_harmlessly(door: str, tmp_path: Path) -> None:
    through(door, tmp_path, large=door in ("xml view", "excel xl/sheet.xml"))


@pytest.mark.slow
@pytest.mark.parametrize("door", DOORS)
def test_large_attacks_too_through_every_door(door: str, tmp_path: Path) -> None:
    through(door, tmp_path, large=True)


def through(door: str, tmp_path: Path, *, large: bool) -> None:
    fates: dict[str, str] = {}
    with Tripwire(tmp_path) as tripwire, watched_connects() as connects:
        payloads = attacks(str(tripwire.path), tripwire.url, *_expected(door), large=large)
        for name, body in payloads.items():
            began = time.monotonic()
            with PeakMemory() as peak:
                fates[name], told = fate(lambda body=body: DOORS[door](body, tmp_path))  # type: ignore[misc]
            assert time.monotonic() - began < MOST_SECONDS, name
            assert peak.grown < MOST_MEMORY, (name, peak.grown // MIB)
            assert SECRET not in str(told), name
        assert tripwire.touched == []
        assert connects == []

    assert len(fates) >= 40
    if door != "soap answer":  # an answer that is none is none
        told_doctypes = {
            name: one for name, one in fates.items() if one == "read" and "<!DOCTYPE" in str(payloads[name])
        }
        if "ignore" in door:  # passed over, and nothing that it names: see the tripwire above
            told_doctypes = {name: one for name, one in told_doctypes.items() if b"[" in payloads[name]}
        assert told_doctypes == {}


def _expected(door: str) -> tuple[str, str]:
    if door == "fhir narrative":
        return 'div xmlns="http://www.w3.org/1999/xhtml"', ""
    return {"fhir xml": ('Patient xmlns="http://hl7.org/fhir"', "")}.get(door, ("Order", ""))


# ---------------------------------------------------------------- listeners that run
RUNNING: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    "soap": ("soap", "/notes", "text/xml", {"path": "/notes", "wsdl": "wsdl/notes.wsdl"}),
    "fhir": ("fhir", "/fhir/Patient", "application/fhir+xml", {}),
    "http": ("http", "/in", "application/xml", {"path": "/in"}),
}


@pytest.mark.parametrize("door", RUNNING)
async def test_a_listener_refuses_attacks_or_keeps_their_bytes(door: str, tmp_path: Path) -> None:
    kind, path, media_type, settings = RUNNING[door]
    write_site(tmp_path)
    entry, port, journal = CATALOG.sources[kind], free_port(), Door()
    usual = {"listen": f"127.0.0.1:{port}", "token": "env:TOKEN", "max_body": "20MB"}
    around = context(tmp_path, secrets=Secrets({"env:TOKEN": "a-token-for-tests"}), format="xml")
    running = asyncio.ensure_future(entry.build(entry.load().model_validate(usual | settings), around).run(journal))
    _, writer = await connect_when_up(port)
    writer.close()
    statuses: dict[str, int] = {}
    with Tripwire(tmp_path) as tripwire:
        payloads = attacks(
            str(tripwire.path), tripwire.url, 'Patient xmlns="http://hl7.org/fhir"', large=door == "fhir"
        )
        headers = {"Authorization": "Bearer a-token-for-tests", "Content-Type": media_type}
        async with aiohttp.ClientSession() as session:
            for name, body in payloads.items():
                url, limit = f"http://127.0.0.1:{port}{path}", aiohttp.ClientTimeout(total=MOST_SECONDS)
                with PeakMemory() as peak:
                    async with session.post(url, data=body, headers=headers, timeout=limit) as response:
                        statuses[name], told = response.status, await response.read()
                assert peak.grown < MOST_MEMORY + 4 * len(body), name
                assert SECRET.encode() not in told, name
        assert tripwire.touched == []
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert len(statuses) >= 40
    assert not any(SECRET.encode() in one.body for one in journal.stored)
    assert (set(statuses.values()) == {202}) if door == "http" else (max(statuses.values()) < 600)
    if door == "soap":
        assert journal.accepted == []


# ---------------------------------------------------------------- stylesheets and schemas
def _stylesheet(inside: str, top: str = "") -> bytes:
    space = 'xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:e="http://exslt.org/common" version="1.0"'
    more = (
        'xmlns:d="http://exslt.org/dynamic" xmlns:s="http://icl.com/saxon" xmlns:j="http://xml.apache.org/xalan/java"'
    )
    php = 'xmlns:php="http://php.net/xsl" xmlns:m="urn:schemas-microsoft-com:xslt" extension-element-prefixes="e s"'
    return (
        f'<xsl:stylesheet {space} {more} {php}>{top}<xsl:template match="/"><o>{inside}</o></xsl:template>'
        "</xsl:stylesheet>"
    ).encode()


def stylesheets(file: str, address: str) -> dict[str, bytes]:
    copied = '<xsl:copy-of select="{}"/>'
    return {
        "document of a file": _stylesheet(copied.format(f"document('file://{file}')")),
        "document of an address": _stylesheet(copied.format(f"document('{address}')")),
        "document of the stylesheet": _stylesheet(copied.format("document('')")),
        "document of two": _stylesheet(copied.format(f"document('{address}', /)")),
        "import": _stylesheet("", f'<xsl:import href="{address}"/>'),
        "include": _stylesheet("", f'<xsl:include href="file://{file}"/>'),
        "import below": _stylesheet(f'<xsl:import href="{address}"/>'),
        "unparsed text": _stylesheet(f"<xsl:value-of select=\"unparsed-text('file://{file}')\"/>"),
        "doc": _stylesheet(copied.format(f"doc('{address}')")),
        "written document": _stylesheet(f'<e:document href="{file}.written">x</e:document>'),
        "written result": _stylesheet(f'<xsl:result-document href="file://{file}.written">x</xsl:result-document>'),
        "written by saxon": _stylesheet(f'<s:output href="{file}.written">x</s:output>'),
        "java": _stylesheet("<xsl:value-of select=\"j:java.lang.Runtime.exec('id')\"/>"),
        "php": _stylesheet(f"<xsl:value-of select=\"php:function('file_get_contents','{file}')\"/>"),
        "script": _stylesheet("", '<m:script language="C#" implements-prefix="m">x</m:script>'),
        "dynamic": _stylesheet(copied.format(f"d:evaluate(&quot;document('{address}')&quot;)")),
        "without end": _stylesheet('<xsl:call-template name="n"/>',
                                   '<xsl:template name="n"><xsl:call-template name="n"/></xsl:template>'),
    }  # fmt: skip


def test_a_stylesheet_reads_and_writes_nothing(tmp_path: Path) -> None:
    with Tripwire(tmp_path) as tripwire, watched_connects() as connects:
        sheets = stylesheets(str(tripwire.path), tripwire.url)
        fates = {name: fate(lambda text=text: _styled(text, tmp_path)) for name, text in sheets.items()}  # type: ignore[misc]
        assert tripwire.touched == []
        assert connects == []

    assert len(fates) >= 15
    assert not any(SECRET in str(told) for _, told in fates.values())
    assert [path.name for path in tmp_path.iterdir()] == ["tripwire.txt"]
    assert fates["without end"][0] == "S001"


def test_a_schema_brings_nothing_from_elsewhere(tmp_path: Path) -> None:
    """WSDL and XSD are the site's own, but what they name may not leave its folder."""
    with Tripwire(tmp_path / "..") as tripwire, watched_connects() as connects:
        places = [
            f"file://{tripwire.path}", str(tripwire.path), tripwire.url, f"//{tripwire.url[7:]}", "../../tripwire.txt",
            "..%2F..%2Ftripwire.txt", "..\\..\\tripwire.txt", "schemas/../../../tripwire.txt", "ftp://127.0.0.1/x",
            "%2e%2e/%2e%2e/tripwire.txt", "./../../tripwire.txt", "file:../../tripwire.txt", "jar:file:x!/y",
        ]  # fmt: skip
        for place in places:
            for how in ("import", "include", "redefine"):
                write_site(tmp_path)
                schema = f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:{how} schemaLocation="{place}"/>'
                (tmp_path / "wsdl" / "schemas" / "kinds.xsd").write_text(f"{schema}</xs:schema>")
                for read in (_read_site, lambda folder: Calls(folder, "wsdl/notes.wsdl", "LeaveNote").prepare()):
                    assert SECRET not in str(fate(lambda read=read: read(tmp_path)))  # type: ignore[misc]
        assert tripwire.touched == []
        assert connects == []


def _read_site(folder: Path) -> object:
    files = SiteFiles(folder / "wsdl")
    return read_wsdl("notes.wsdl", files.load, files.resolve)
