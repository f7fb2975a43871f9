"""How each format is told, read, written again and shown as a tree."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import click

from engine.cli import parse_documents
from engine.cli.parse_shown import Parsed, counted, json_tree
from engine.cli.workspace import printable

_HEAD = 4096
_WIDE = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"M\0": "utf-16-le", b"\0M": "utf-16-be"}
_HL7_START = re.compile(r"(?:MSH|FHS|BHS)[^A-Za-z0-9\s]|MSH", re.ASCII)
_FHIR = ('http://hl7.org/fhir"', "http://hl7.org/fhir'")
_ARCHIVE = (b"PK\x03\x04", b"PK\x05\x06")
_MAIL = re.compile(
    r"(?:From|To|Date|Subject|Received|Return-Path|Delivered-To|Message-ID|MIME-Version|DKIM-Signature):[ \t]", re.I
)

# Trailers that are missing and counts or control numbers that differ; a batch cut off, and a frame that was torn.
_X12_BROKEN = frozenset(
    {"X001", "X021", "X022", "X023", "X103", "X104", "X105", "X202", "X203", "X204", "X903"}
)  # fmt: skip
_HL7_BROKEN = frozenset({"H011", "H012", "H014"})


def detect(data: bytes) -> str | None:
    """The format, by the first characters that are not blank, a byte order mark or MLLP framing."""
    if data.startswith(_ARCHIVE):
        return "zip"
    head = _head(data)
    start = head.lstrip("\ufeff \t\r\n\x0b\x1c\x00")
    if _HL7_START.match(start):
        return "hl7v2"
    if start[:3].upper() == "ISA":
        return "x12"
    if start[:1] in ("{", "["):
        return "fhir" if start[:1] == "{" and '"resourceType"' in head else "json"
    if start[:1] == "<":
        if "urn:hl7-org:v2xml" in start:
            return "hl7v2"
        return "fhir" if any(one in start for one in _FHIR) else "xml"
    if _MAIL.match(start):
        return "mail"
    if re.search(r"(?:^|[\r\n\x0b])(?:MSH|FHS|BHS)[^A-Za-z0-9\s]", head):
        return "hl7v2"  # junk before the header: the reader says where
    return "x12" if re.search(r"ISA[^A-Za-z0-9]\d\d[^A-Za-z0-9]", head) else None


def _head(data: bytes) -> str:
    encoding = _WIDE.get(data[:2], "latin-1")
    if encoding == "utf-16-le" and data[2:3] != b"S":
        encoding = "latin-1"
    return data[:_HEAD].removeprefix(b"\xef\xbb\xbf").decode(encoding, errors="replace")


# ------------------------------------------------------------------ HL7 v2
def _hl7(data: bytes) -> Parsed:
    from engine.protocols.hl7v2 import read_file

    file = read_file(data)
    types = ", ".join(sorted({message.message_type or "no type" for message in file.messages}))
    summary = f"{counted(len(file.messages), 'message')}: {types}"
    findings = tuple(f"{f.code.value} {f.where}: {f.text}" for f in file.findings)
    broken = tuple(shown for f, shown in zip(file.findings, findings, strict=True) if f.code.value in _HL7_BROKEN)
    return Parsed(summary, findings, file.encode, lambda: _hl7_tree(file.messages), broken)


def _hl7_tree(messages: tuple[Any, ...]) -> Iterator[str]:
    for number, message in enumerate(messages, 1):
        if len(messages) > 1:
            yield click.style(f"message {number}: {printable(message.message_type)}", bold=True)
        for segment in message.segments:
            yield click.style(segment.place, fg="cyan", bold=True)
            for field in range(1, segment.field_count() + 1):
                raw = segment.raw(field)
                if raw:
                    yield f"  {click.style(segment.where(field), fg='cyan'):<24} {_shown(raw)}"


def _shown(raw: bytes) -> str:
    return printable(raw.decode("utf-8", errors="replace"))


# ------------------------------------------------------------------ X12
def _x12(data: bytes) -> Parsed:
    from engine.protocols.x12 import encode, read_file

    file = read_file(data)
    sets = [one for i in file.interchanges for g in i.groups for one in g.sets]
    codes = ", ".join(sorted({one.code for one in sets})) or "none"
    summary = f"{counted(len(file.interchanges), 'interchange')}, {counted(len(sets), 'set')}: {codes}"
    found = list(_x12_findings(file))
    findings, broken = (shown for shown, _ in found), (shown for shown, code in found if code in _X12_BROKEN)
    return Parsed(summary, tuple(findings), lambda: encode(file), lambda: _x12_tree(file), tuple(broken))


def _x12_findings(file: Any) -> Iterator[tuple[str, str]]:
    """Of envelopes and sets with their codes, as an answer to the sender would tell them, whatever is tolerated."""
    from engine.protocols.x12 import EnvelopePolicy, judge
    from engine.script.hipaa import known  # whether there is a guide; its maps are read where a channel asks for them

    yield from ((str(one), one.code) for one in file.remarks)
    for number, interchange in enumerate(file.interchanges, 1):
        lead = f"interchange {number}: " if len(file.interchanges) > 1 else ""
        outcome = judge(
            interchange, EnvelopePolicy.TOLERANT, guide=lambda one, version: () if known(one, version) else None
        )
        found = outcome.all_findings if outcome.groups else interchange.all_findings
        yield from ((f"{lead}{one}", one.code) for one in found)


def _x12_tree(file: Any) -> Iterator[str]:
    for interchange in file.interchanges:
        yield click.style(
            f"interchange {printable(interchange.control_number)} ({printable(interchange.version)})", bold=True
        )
        for segment in interchange.segments:
            indent = {"ISA": 1, "IEA": 1, "TA1": 1, "GS": 2, "GE": 2, "ST": 3, "SE": 3}.get(segment.id, 4)
            elements = [
                f"{click.style(f'{n:02d}', fg='bright_black')} {printable(v)}"
                for n, v in enumerate(segment.parts[1:], 1)
                if v
            ]
            yield f"{'  ' * indent}{click.style(f'{segment.id:<3}', fg='cyan')} {'  '.join(elements)}"


# ------------------------------------------------------------------ JSON
def _json(data: bytes) -> Parsed:
    from engine.protocols.json_message import JsonMessage

    message = JsonMessage.parse(data)
    kind = "list" if isinstance(message.value, list) else "object"
    summary = f"one {kind} with {len(message.value)} entries" if isinstance(message.value, list | dict) else "one value"
    return Parsed(summary, (), lambda: data, lambda: json_tree(message.value))


FORMATS: dict[str, Callable[[bytes], Parsed]] = {
    "hl7v2": _hl7,
    "x12": _x12,
    "json": _json,
    "fhir": parse_documents.fhir,
    "xml": parse_documents.xml,
    "mail": parse_documents.mail,
    "zip": parse_documents.archive,
}
