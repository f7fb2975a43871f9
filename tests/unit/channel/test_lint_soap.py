"""Lint reads what SOAP ends name, before an engine does."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.channel.lint import lint
from engine.channel.load import load_site
from engine.cli.workspace import knowledge
from tests.support.soap_site import NS, write_site

CHANNEL = """channel: notes
version: 1
title: Notes by SOAP
owner: somebody@harbor.example
source:
  type: soap
  format: xml
  listen: 127.0.0.1:8099
  wsdl: wsdl/notes.wsdl
  token: env:TOKEN
  answers: {LeaveNote: wsdl/answer.xml}
accept: [LeaveNote]
destinations:
  - name: out
    type: soap
    send: Supplier
    url: http://notes.example/
    template: wsdl/note.xml
"""


def found(root: Path, before: str = "", after: str = "") -> list[tuple[str, str]]:
    write_site(root)
    (root / "wsdl/answer.xml").write_text(f'<LeaveNoteResponse xmlns="{NS}"/>')
    (root / "wsdl/note.xml").write_text("<a>{number}</a>")
    (root / "broken.xml").write_text("<a>{number</a>")
    (root / "channels").mkdir()
    (root / "channels/notes.yaml").write_text(CHANNEL.replace(before, after) if before else CHANNEL)
    findings = [one for one in lint(load_site(root), knowledge()) if one.code in ("C065", "C066", "C051")]
    return [(one.code, CHANNEL.replace(before, after).splitlines()[one.line - 1].strip()) for one in findings]


def test_a_service_that_fits_has_no_findings(tmp_path: Path) -> None:
    assert found(tmp_path) == []


@pytest.mark.parametrize(
    ("before", "after", "code", "line"),
    [
        ("wsdl/notes.wsdl", "wsdl/other.wsdl", "C065", "wsdl: wsdl/other.wsdl"),
        ("wsdl/notes.wsdl", "wsdl/schemas/notes.xsd", "C065", "wsdl: wsdl/schemas/notes.xsd"),
        ("wsdl/note.xml", "wsdl/nothing.xml", "C065", "template: wsdl/nothing.xml"),
        ("wsdl/note.xml", "broken.xml", "C065", "template: broken.xml"),
        ("    template: wsdl/note.xml\n", "", "C065", "send: Supplier"),
        ("accept: [LeaveNote]", "accept: [LeaveNotes]", "C066", "accept: [LeaveNotes]"),
        ("answers: {LeaveNote:", "answers: {Other:", "C066", "answers: {Other: wsdl/answer.xml}"),
    ],
)
def test_what_does_not_fit_is_found_at_its_line(tmp_path: Path, before: str, after: str, code: str, line: str) -> None:
    assert found(tmp_path, before, after) == [(code, line)]
