"""Every hostile and every ERP file of the sample corpus, through every parser: read, or refused with a code.

While they are read, nothing of the machine is opened and nothing is connected to.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.core.errors import IsthmusError
from engine.protocols import x12
from engine.protocols.archive import Archive, ArchiveLimits
from engine.protocols.fhir.resource import read_tree
from engine.protocols.fhir.xml_reader import read_xml
from engine.protocols.hl7v2.message import Hl7Message
from engine.protocols.json_message import JsonMessage
from engine.protocols.mail.read import read_mail
from engine.protocols.tabular.layout import Column, RecordType, TableLayout
from engine.protocols.tabular.reader import TableReader
from engine.protocols.xml.message import XmlMessage
from tests.support.tripwire import SECRET, Tripwire

CORPUS = Path(os.environ.get("ISTHMUS_CORPUS", "../shared/corpus"))
BAD = sorted(path for path in (CORPUS / "bad").rglob("*") if path.is_file()) if CORPUS.is_dir() else []
ERP = sorted(path for path in (CORPUS / "soap_erp").rglob("*") if path.is_file()) if CORPUS.is_dir() else []
pytestmark = [pytest.mark.corpus, pytest.mark.skipif(not BAD, reason="corpus absent")]

_ADDRESS = re.compile(rb"(?:file|https?|ftp|gopher|dict|php|expect|jar|netdoc|data)://?[^\s\"'<>]*")
OTHERWISE = {"max-mapper-location_coordinates"}  # its JSON has another telephone number than its CSV
LAYOUT = TableLayout("any", "delimited", (RecordType((Column("a"),)),), header="no")
EXCEL = TableLayout("any", "excel", (RecordType((Column("a"),)),), header="no")
PARSERS: dict[str, Callable[[bytes], object]] = {
    "xml": XmlMessage.parse,
    "json": JsonMessage.parse,
    "fhir json": read_tree,
    "fhir xml": lambda body: read_xml(body, "R4B"),
    "hl7v2": Hl7Message.parse,
    "x12": x12.read_file,
    "mail": read_mail,
    "csv": TableReader(LAYOUT).parse,
    "excel": TableReader(EXCEL).parse,
    "zip": lambda body: [len(member.content) for member in Archive(body, ArchiveLimits()).members()],
}


def fate(parse: Callable[[bytes], object], body: bytes) -> str:
    """`read`, or the error's code. Anything else that is raised fails the test."""
    try:
        parse(body)
    except IsthmusError as error:
        return error.code if SECRET not in str(error) else "told a secret"
    return "read"


@pytest.mark.parametrize("name", PARSERS)
def test_hostile_files_are_read_or_refused_and_reach_nothing(name: str, tmp_path: Path) -> None:
    fates: Counter[str] = Counter()
    with Tripwire(tmp_path) as tripwire:
        for file in BAD:
            body = file.read_bytes()
            led = [_ADDRESS.sub(address.encode(), body) for address in (f"file://{tripwire.path}", tripwire.url)]
            fates.update(fate(PARSERS[name], one) for one in (body, *led))
        assert tripwire.touched == []

    assert "told a secret" not in fates
    assert sum(fates.values()) == 3 * len(BAD)
    assert name == "mail" or any(code != "read" for code in fates)  # any bytes are the text of a mail


def test_every_attack_with_a_doctype_is_refused_as_xml() -> None:
    attacks = [path for path in BAD if path.parent.name == "XML_ATTACK" and b"<!DOCTYPE" in path.read_bytes()]

    assert len(attacks) >= 8
    assert {fate(XmlMessage.parse, path.read_bytes()) for path in attacks} == {"M005"}


def test_json_is_told_from_what_is_none() -> None:
    fates = {kind: Counter(fate(JsonMessage.parse, path.read_bytes()) for path in BAD if path.parent.name == kind)
             for kind in ("JSON_y", "JSON_n")}  # fmt: skip

    assert set(fates["JSON_y"]) == {"read"}
    assert set(fates["JSON_n"]) == {"M005"}
    assert min(map(Counter.total, fates.values())) >= 17


def test_csv_samples_are_read_as_their_own_json_says() -> None:
    compared = 0
    for path in BAD:
        told = path.with_suffix(".json")
        if path.parent.name != "CSV" or path.suffix != ".csv" or path.stem in OTHERWISE:
            continue
        expected = json.loads(told.read_text())
        expected = expected if isinstance(expected, list) else [expected]
        columns = tuple(Column(f"c{number}", heading=heading) for number, heading in enumerate(expected[0]))
        reader = TableReader(TableLayout("any", "delimited", (RecordType(columns),)))
        rows = reader.parse(path.read_bytes()).rows
        assert [[row.get(one.name) or "" for one in columns] for row in rows] == [
            list(one.values()) for one in expected
        ]
        compared += 1

    assert compared == 6


def test_erp_documents_are_read_or_refused_for_their_doctype() -> None:
    """XML and JSON of UBL, IDoc, ISO 20022, cXML, WSDL and EDMX, as such; the only reason is the one of the rules."""
    refused: Counter[str] = Counter()
    read = 0
    for path in ERP:
        body = path.read_bytes()
        first = body.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
        if first not in (b"<", b"{", b"["):
            continue
        outcome = fate(XmlMessage.parse if first == b"<" else JsonMessage.parse, body)
        if outcome == "read":
            read += 1
        else:
            refused["doctype" if b"<!DOCTYPE" in body or path.suffix == ".dtd" else path.name] += 1

    assert read >= 450
    assert set(refused) == {"doctype"}
