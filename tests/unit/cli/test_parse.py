"""`isthmus parse`: formats by content, refusals by file, bytes as they were."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from engine.cli.parse import command
from engine.cli.parse_formats import detect
from tests.support import x12_samples as samples
from tests.support.mails import invoice_mail

HL7 = b"MSH|^~\\&|A|B|C|D|20261120||ADT^A01|1|P|2.5.1\rPID|1||123\r"
CORPUS = Path(os.environ.get("ISTHMUS_CORPUS", "../shared/corpus"))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (HL7, "hl7v2"),
        (b"\x0b" + HL7 + b"\x1c\r", "hl7v2"),
        (b"\xef\xbb\xbf" + HL7, "hl7v2"),
        (HL7.decode().encode("utf-16"), "hl7v2"),
        (b"FHS|^~\\&|A\rBHS|^~\\&\r", "hl7v2"),
        (b"junk\r\n" + HL7, "hl7v2"),
        (b'<ADT_A01 xmlns="urn:hl7-org:v2xml"/>', "hl7v2"),
        (b"ISA*00*          *00*", "x12"),
        (b"\r\n  isa*00*", "x12"),
        (b'  {"a": 1}', "json"),
        (b"[1]", "json"),
        (b'{"resourceType": "Patient"}', "fhir"),
        (b'[{"resourceType": "Patient"}]', "json"),
        (b'<Patient xmlns="http://hl7.org/fhir"/>', "fhir"),
        (b"<Invoice/>", "xml"),
        (b"Received: from a\r\nFrom: b\r\n\r\n", "mail"),
        (b"a,b\n1,2\n", None),
        (b"", None),
        (b"PK\x03\x04", "zip"),
    ],
)
def test_the_format_is_told_by_the_content(data: bytes, expected: str | None) -> None:
    assert detect(data) == expected


def _parse(*arguments: str | Path) -> tuple[int, list[dict[str, Any]]]:
    run = CliRunner().invoke(command, [*map(str, arguments), "--json"])
    return run.exit_code, json.loads(run.stdout)


def test_json_is_a_list_of_files_with_four_facts(tmp_path: Path) -> None:
    good, bad = tmp_path / "a.hl7", tmp_path / "b.json"
    good.write_bytes(HL7)
    bad.write_bytes(b'{"a": ')

    code, data = _parse(good, bad, "--check")

    assert code == 1
    assert data[0] == {"file": str(good), "ok": True, "format": "hl7v2", "error": None}
    assert (data[1]["ok"], data[1]["format"]) == (False, "json")
    assert data[1]["error"].startswith("M005 line 1, column 7")


def test_a_folder_is_walked_and_one_bad_file_hides_no_other(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/1.bin").write_bytes(b"\x00\x01")
    (tmp_path / "a/2.hl7").write_bytes(HL7)

    assert [d["ok"] for d in _parse(tmp_path)[1]] == [False, True]


def test_an_empty_file_is_called_empty(tmp_path: Path) -> None:
    (tmp_path / "empty.hl7").write_bytes(b"\r\n")

    code, shown = _shown(tmp_path / "empty.hl7")

    assert (code, shown.count("M001 byte 1: the file is empty")) == (1, 1)


def test_a_tree_shows_places_as_the_standard_writes_them(tmp_path: Path) -> None:
    (tmp_path / "m.hl7").write_bytes(HL7)

    output = CliRunner().invoke(command, [str(tmp_path / "m.hl7")]).output

    assert "1 message: ADT^A01" in output
    assert "MSH-9" in output
    assert any(line.split() == ["PID-3", "123"] for line in output.splitlines())


def test_a_tree_shows_no_control_characters(tmp_path: Path) -> None:
    (tmp_path / "m.hl7").write_bytes(HL7.replace(b"123", b"1\x1b[2J3"))

    output = CliRunner().invoke(command, [str(tmp_path / "m.hl7")], color=True).output

    assert "\x1b[2J" not in output


@pytest.mark.corpus
@pytest.mark.skipif(not CORPUS.is_dir(), reason="corpus absent")
def test_no_file_of_the_corpus_makes_a_reader_fail() -> None:
    _, data = _parse(CORPUS / "hl7v2", CORPUS / "x12", CORPUS / "bad", "--check")

    assert len(data) > 1000
    assert [d for d in data if (d["error"] or "").startswith(("E000", "E001"))] == []


def test_faults_of_x12_are_told_with_set_segment_element_and_code(tmp_path: Path) -> None:
    body = tuple(one.replace("*NE*", "*NEW*") for one in samples.ORDER)
    (tmp_path / "a.edi").write_bytes(samples.interchange(body) + samples.interchange())

    code, text = _shown(tmp_path / "a.edi", "--check")

    place = "interchange 1: X405 BEG02 at segment 2 of set 1 in group 1"
    assert (code, f"{place}: too long (AK403:5)" in text, text.count("X4")) == (0, True, 1)


# ------------------------------------------------------------------ documents
REQUEST = b'{"resourceType": "SupplyRequest", "status": "active", "quantity": {"value": 1.50}}'


def _shown(*arguments: str | Path) -> tuple[int, str]:
    run = CliRunner().invoke(command, [*map(str, arguments)])
    return run.exit_code, run.stdout


def test_a_fhir_resource_is_shown_with_its_digits(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(REQUEST)

    code, text = _shown(tmp_path / "a.json", "--check")

    assert (code, "fhir, one SupplyRequest" in text) == (0, True)


def test_xml_is_shown_as_a_tree_and_a_doctype_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(b"<Invoice><ID scheme='x'>INV-1</ID></Invoice>")
    (tmp_path / "b.xml").write_bytes(b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>")

    code, text = _shown(tmp_path)

    assert code == 1
    assert "    ID scheme=x  INV-1" in text
    assert "b.xml: refused xml M005" in text.replace(str(tmp_path) + "/", "")


def test_a_mail_and_an_archive_list_their_files(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(invoice_mail().as_bytes())
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("orders/1.edi", b"ISA")

    code, text = _shown(tmp_path)

    assert code == 0
    assert "mail, one mail with 2 files" in text
    assert "INV-88021.pdf" in text
    assert "3  orders/1.edi" in text


def test_a_table_is_read_by_its_layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config" / "layouts").mkdir(parents=True)
    (tmp_path / "channels").mkdir()
    columns = "columns:\n  - {name: item}\n  - {name: price, type: decimal}\n"
    (tmp_path / "config/layouts/prices.yaml").write_text(f"layout: prices\nkind: delimited\nrecords: each\n{columns}")
    (tmp_path / "prices.csv").write_text("item,price\nM1,1.50\nM2,cheap\n")
    monkeypatch.chdir(tmp_path)

    code, text = _shown("--layout", "prices", "prices.csv")
    unknown, _ = _shown("--layout", "prizes", "prices.csv")

    assert (code, unknown) == (0, 2)
    assert "delimited, 1 message" in text
    assert "line 2  item=M1  price=1.50" in text
    assert "line 3, price" in text


# ------------------------------------------------------------------ whether it is all that the sender wrote
ORDER = samples.interchange()
BATCH = b"FHS|^~\\&|A\rBHS|^~\\&\r" + HL7 + b"BTS|1\rFTS|1\r"


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (ORDER[: ORDER.index(b"IEA")], "X023"),
        (ORDER[: ORDER.index(b"GE*")], "X103"),
        (ORDER[: ORDER.index(b"SE*")], "X202"),
        (ORDER.replace(b"SE*", b"SE*1"), "X204"),
        (ORDER.replace(b"GE*1", b"GE*2"), "X105"),
        (ORDER.replace(b"IEA*1", b"IEA*2"), "X021"),
        (ORDER.replace(b"IEA*1*000000501", b"IEA*1*000000502"), "X001"),
        (ORDER + b"left over", "X903"),
        (BATCH.replace(b"FTS|1\r", b""), "H012"),
        (BATCH.replace(b"BTS|1", b"BTS|2"), "H011"),
        (REQUEST[:-1], "M005"),
        (b'<SupplyRequest xmlns="http://hl7.org/fhir"><status value="active"/>', "M005"),
    ],
)
def test_what_is_cut_off_or_miscounted_fails_the_check_and_says_why(tmp_path: Path, data: bytes, fault: str) -> None:
    (tmp_path / "a").write_bytes(data)

    code, text = _shown(tmp_path / "a", "--check")
    (facts,) = _parse(tmp_path / "a", "--check")[1]

    assert (code, fault in text, ": ok " in text) == (1, True, False)
    assert (facts["ok"], facts["error"][:4] in {"E002", "M005"}) == (False, True)


@pytest.mark.parametrize("data", [ORDER, ORDER + b"\r\n", ORDER + ORDER.replace(b"501", b"502"), BATCH, HL7[:-1]])
def test_what_is_whole_passes_the_check(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a").write_bytes(data)

    assert _shown(tmp_path / "a", "--check")[0] == 0


def test_what_is_not_whole_is_shown_as_far_as_it_goes(tmp_path: Path) -> None:
    (tmp_path / "a.edi").write_bytes(ORDER[: ORDER.index(b"SE*")])

    code, text = _shown(tmp_path / "a.edi")

    assert (code, "not whole x12" in text, "PO-4711" in text) == (0, True, True)
