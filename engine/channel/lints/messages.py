"""Message types that cannot come, paths that cannot be there, expressions that mean nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.channel.explain import did_you_mean
from engine.channel.expression import compile_expression
from engine.channel.finding import Finding
from engine.channel.hl7_tables import is_message_type, message_types, segment_lengths
from engine.channel.lints.fhir import is_about_patients, path_problem, type_problem
from engine.channel.lints.ground import ChannelGround, Ground
from engine.channel.yaml_source import Path
from engine.core.errors import ExpressionError, FieldError
from engine.protocols.hl7v2.path import compile_path
from engine.protocols.hl7v2.structures import VERSIONS, first_version, last_version

_HL7_TYPE = re.compile(r"^[A-Z][A-Z0-9]{2}(\^(\*|[A-Z][A-Z0-9]{2})(\^[A-Z0-9_]{3,7})?)?$")
_X12_TYPE = re.compile(r"^(\d{3}|TA1)$")
_X12_PATH = re.compile(r"^[A-Z][A-Z0-9]{1,2}(\[\d+\])?-?\d{2}(-\d{1,2}|\.\d{1,2})?$")
_ABOUT_PATIENTS = frozenset({"PID", "PD1", "NK1", "GT1", "IN1", "IN2", "IN3", "MRG"})
_HL7_LIKE = re.compile(r"^[A-Z][A-Z0-9]{2}(\[\d+\])?-")


def check(ground: Ground) -> Iterator[Finding]:
    for channel in ground.channels:
        yield from _types(channel)
        for name, path in channel.model.index.items():
            yield from path_findings(channel, ("index", name), path, f"the path of '{name}'")
            if channel.format == "hl7v2" and path[:3] in _ABOUT_PATIENTS:
                text = f"'{name}' would keep patient data ({path[:3]}) in the search index"
                yield channel.yaml.finding("C095", ("index", name), text, "search by visit (PV1-19) or order instead")
            elif channel.format == "fhir" and is_about_patients(path):
                text = f"'{name}' would keep patient data in the search index"
                yield channel.yaml.finding("C095", ("index", name), text, "search by encounter or order instead")
        if channel.model.filter is not None:
            yield from expression_findings(channel, ("filter",), channel.model.filter)


def _types(channel: ChannelGround) -> Iterator[Finding]:
    seen: set[str] = set()
    for index, text in enumerate(channel.model.accept):
        path: Path = ("accept", index)
        if text in seen:
            yield channel.yaml.finding("C059", path, f"{text} is listed twice", "remove one")
        seen.add(text)
        if channel.format == "hl7v2":
            yield from _hl7_type(channel, path, text)
        elif channel.format == "x12" and not _X12_TYPE.match(text):
            advice = 'X12 types are three digits in quotes, such as "850"'
            yield channel.yaml.finding("C051", path, f"'{text}' is not an X12 transaction set", advice)
        elif channel.format == "fhir" and (problem := type_problem(text)):
            yield channel.yaml.finding(problem[0], path, problem[1], problem[2])


def _hl7_type(channel: ChannelGround, path: Path, text: str) -> Iterator[Finding]:
    if _X12_TYPE.match(text) and text != "TA1":
        advice = "write an HL7 type such as ADT^A01, or give the source format: x12"
        yield channel.yaml.finding("C051", path, f"'{text}' is an X12 type, and this source brings HL7", advice)
    elif not _HL7_TYPE.match(text):
        advice = "write MESSAGE^EVENT, such as ADT^A01"
        yield channel.yaml.finding("C050", path, f"'{text}' is not written as an HL7 message type", advice)
    elif not is_message_type(text.removesuffix("^*")):
        near = did_you_mean(text, message_types())
        yield channel.yaml.finding("C050", path, f"HL7 has no message {text} in any version", near)
    else:
        yield from _versions(channel, path, text)


def _versions(channel: ChannelGround, path: Path, text: str) -> Iterator[Finding]:
    """Whether the sender's version has the message; only when the source says which it speaks."""
    spoken = str(channel.source_end.raw.get("version"))
    first, last = first_version(text), last_version(text)
    if spoken not in VERSIONS or first is None or last is None:
        return
    at = VERSIONS.index(spoken)
    if at < VERSIONS.index(first):
        words = f"{text} exists from HL7 {first}, and this source speaks {spoken}"
        yield channel.yaml.finding("C050", path, words, f'version: "{first}" or another message type')
    elif at > VERSIONS.index(last):
        words = f"{text} was withdrawn after HL7 {last}, and this source speaks {spoken}"
        yield channel.yaml.finding("C050", path, words, f'version: "{last}" or another message type')


def path_findings(channel: ChannelGround, place: Path, path: str, what: str, offset: int = 0) -> Iterator[Finding]:
    """Findings for one path of the channel's format."""
    found = None
    if channel.format == "hl7v2":
        found = hl7_path_problem(path)
    elif channel.format == "x12" and not _X12_PATH.match(path):
        found = ("C053", "is not a place in an X12 set", "write segment and element: BEG03")
    elif channel.format == "fhir":
        found = path_problem(path)
    elif channel.format == "json" and _HL7_LIKE.match(path):
        found = ("C053", "is an HL7 path, and this source brings JSON", "write field names with dots: order.number")
    if found:
        code, text, advice = found
        finding = channel.yaml.finding(code, place, f"{what} {text}", advice)
        yield shifted(channel, place, finding, offset)


def hl7_path_problem(path: str) -> tuple[str, str, str | None] | None:
    """Code, words and advice when HL7 can have nothing there; None when it can."""
    try:
        place = compile_path(path)
    except FieldError as error:
        return "C053", "is not a place in an HL7 message", error.remedy
    if place.name.startswith("Z"):
        return None
    lengths = segment_lengths()
    if place.name not in lengths:
        return "C061", f"names the segment {place.name}, which HL7 does not have", did_you_mean(place.name, lengths)
    if place.field > lengths[place.name]:
        highest = f"{place.name}-{lengths[place.name]}"
        return "C052", f"names {place.name}-{place.field}, which does not exist", f"the last one is {highest}"
    return None


def expression_findings(channel: ChannelGround, place: Path, text: str) -> Iterator[Finding]:
    """Findings for a `filter:`: its grammar, and the paths that it reads."""
    try:
        expression = compile_expression(text)
    except ExpressionError as error:
        offset = int((error.where or "column 1").rpartition(" ")[2]) - 1
        finding = channel.yaml.finding("C057", place, f"not an expression: {error.what}", error.remedy)
        yield shifted(channel, place, finding, offset)
        return
    for name in expression.names:
        yield from path_findings(channel, place, name.text, f"'{name.text}'", name.column - 1)


def shifted(channel: ChannelGround, place: Path, finding: Finding, offset: int) -> Finding:
    """The finding inside a value that stands on one line; longer ones keep the start."""
    start = channel.yaml.text_start(place)
    if start is None:
        return finding
    return Finding(finding.file, finding.line, start + offset, finding.code, finding.text, finding.suggestion)
