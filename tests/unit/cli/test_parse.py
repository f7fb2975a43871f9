"""`isthmus parse`: formats by content, refusals by file, bytes as they were."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from engine.cli.parse import command
from engine.cli.parse_formats import detect

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
        (b"<html/>", None),
        (b"a,b\n1,2\n", None),
        (b"", None),
        (b"PK\x03\x04", None),
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
