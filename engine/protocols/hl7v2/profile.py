"""Conformance of a message to its version or to a profile, and messages to test with. Slow: never on the way.

hl7apy judges a copy without Z segments; nothing that it writes is ever sent. It names the first fault of the
structure; faults of fields are found here with its tables, each with its place. Values appear in no finding.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from engine.core.errors import DataTypeError, IsthmusError, StructureError
from engine.protocols.hl7v2 import datatypes, structures
from engine.protocols.hl7v2.findings import Finding, FindingCode
from engine.protocols.hl7v2.message import Hl7Message
from engine.protocols.hl7v2.segment import Segment

_SAFE = re.compile(
    r"(?P<what>Missing required child|Child limit exceeded) (?P<parent>[A-Z0-9_]+)\.(?P<child>[A-Z0-9_]+)"
)
_CHILDREN = re.compile(r"Invalid children detected for <\w+ (?P<parent>[A-Z0-9_]+)\b.*?: (?P<names>\[[A-Z0-9_', ]*\])")
_FIELD = re.compile(r"Invalid children detected for <Field (?P<name>[A-Z0-9]{3}_\d+) ")
_READERS: dict[str, Callable[[str], object]] = {
    "NM": datatypes.read_number,
    "SI": datatypes.read_integer,
    "DT": datatypes.read_date,
    "TM": datatypes.read_time,
    "DTM": datatypes.read_timestamp,
    "TS": datatypes.read_timestamp,
}
_SAMPLES = {
    "NM": "1",
    "SI": "1",
    "DT": "20260301",
    "TM": "0800",
    "DTM": "20260301080000",
    "TS": "20260301080000",
}


def validate(
    body: bytes, version: str | None = None, profile: Mapping[str, Any] | None = None, charset: str | None = None
) -> list[Finding]:
    """What of the message is not as its version, or the profile, says; empty when all is.

    Args:
        version: overrules MSH-12.
        profile: a message profile in hl7apy's form, already loaded from a source that is trusted.

    Raises:
        StructureError, CharsetError: the bytes are not a message at all.
    """
    message = Hl7Message.parse(body, charset)
    spoken = version or message.version or ""
    if spoken not in structures.VERSIONS:
        return [_finding("MSH-12", "no tables for this version")]
    if profile is None and structures.structure_of(message.message_type, spoken) is None:
        return [_finding("MSH-9", f"version {spoken} has no such message")]
    known = structures.segments(spoken)
    found = [*_structure(message, spoken, profile)]
    for segment in message.segments:
        if segment.name in known:
            found += _segment(segment, known[segment.name][1], spoken)
        elif not segment.name.startswith("Z"):
            found.append(_finding(segment.place, f"version {spoken} has no such segment"))
    return found


def build_sample(message_type: str, version: str) -> bytes:
    """A message of this type with what is required and nothing else, for tests.

    Raises:
        StructureError: the version has no such message.
    """
    structure = structures.structure_of(message_type, version)
    if structure is None:
        raise StructureError(f"version {version} has no message {message_type}", where="MSH-9")
    lines = [_sample_header(message_type, structure, version)]
    lines += _sample_lines(structures.messages(version)[structure][1], version)
    return "".join(f"{line}\r" for line in lines).encode("ascii")


# ------------------------------------------------------------------ the structure
def _structure(message: Hl7Message, version: str, profile: Mapping[str, Any] | None) -> Iterator[Finding]:
    from hl7apy.exceptions import HL7apyException
    from hl7apy.parser import parse_message

    try:
        parsed = parse_message(_copy(message, version), find_groups=True, message_profile=profile)
        parsed.validate()
    except HL7apyException as error:
        finding = _translated(str(error))
        if finding is not None:
            yield finding
    except Exception as error:  # another library on arbitrary input: whatever it raises says the same
        yield _finding("MSH", f"the structure cannot be judged: {type(error).__name__}")


def _copy(message: Hl7Message, version: str) -> str:
    """The message without Z segments, its structure named, in the version to judge by."""
    twin = message.copy()
    for segment in twin.segments:
        if segment.name.startswith("Z"):
            twin.delete_segment(segment)
    twin.set("MSH-12", version)
    structure = structures.structure_of(message.message_type, version)
    if structure is not None and version >= "2.3.1":
        twin.set("MSH-9.3", structure)
    lines = [bytes(segment) for segment in twin.segments]
    return "\r".join(twin.charset.decode(line, "MSH") for line in lines)


def _translated(words: str) -> Finding | None:
    """hl7apy's words as ours, without any value; None for a fault of a field, which `_segment` finds itself."""
    if match := _SAFE.match(words):
        child, missing = match["child"], match["what"].startswith("Missing")
        if "_" in child and child.rpartition("_")[2].isdigit():
            return None
        return _finding(child, f"{'required and missing' if missing else 'too often'} in {match['parent']}")
    if match := _FIELD.match(words):
        return _finding(match["name"].replace("_", "-"), "its parts do not fit its data type")
    if match := _CHILDREN.match(words):
        names = ", ".join(re.findall(r"[A-Z0-9_]+", match["names"]))
        return _finding(match["parent"], f"not allowed here: {names}")
    return _finding("MSH-9", "the segments do not fit the structure of the message")


# ------------------------------------------------------------------ the fields
def _segment(segment: Segment, fields: tuple[Any, ...], version: str) -> Iterator[Finding]:
    place = segment.place
    for number, (_, reference, (least, most), _kind) in enumerate(fields, 1):
        if segment.name == "MSH" and number <= 2:
            continue
        written = segment.repetitions(number) if segment.state(number) != "null" else ()
        where = f"{place}-{number}"
        if least and not any(written) and segment.state(number) != "null":
            yield _finding(where, "required and missing")
        if most != -1 and len(written) > most:
            yield _finding(where, f"repeated more than {most} times")
        for repetition in range(1, len(written) + 1):
            yield from _element(segment, (number, 1, 1, repetition), reference, where, version)
    beyond = range(len(fields) + 1, segment.field_count() + 1)
    if any(segment.raw(number) for number in beyond):
        yield _finding(f"{place}-{len(fields) + 1}", f"version {version} has no field here")


def _element(
    segment: Segment, place: tuple[int, int, int, int], reference: Any, where: str, version: str
) -> Iterator[Finding]:
    """The first part of a field, which carries its type: identifier, number, date."""
    leaf = reference
    while leaf[0] == "sequence":
        leaf = leaf[1][0][1]
    try:
        text = segment.get(place)
        if text is None:
            return
        reader = _READERS.get(leaf[2])
        if reader is not None:
            reader(text)
        allowed = structures.table(version, leaf[4]) if leaf[2] == "ID" and leaf[4] else ()
        if allowed and text not in allowed:
            yield _finding(where, f"not a value of table {leaf[4].removeprefix('HL7')}")
    except DataTypeError as error:
        yield _finding(where, error.what)
    except IsthmusError as error:
        yield _finding(where, f"cannot be read: {error.code}")


# ------------------------------------------------------------------ samples
def _sample_header(message_type: str, structure: str, version: str) -> str:
    code, _, event = message_type.partition("^")
    kind = f"{code}^{event}^{structure}" if version >= "2.3.1" and event else message_type
    return f"MSH|^~\\&|SAMPLE|SENDER|ISTHMUS|RECEIVER|20260301080000||{kind}|SAMPLE1|P|{version}"


def _sample_lines(children: tuple[Any, ...], version: str) -> Iterator[str]:
    for name, reference, (least, _most), kind in children:
        if not least or name == "MSH":
            continue
        if kind == "GRP":
            yield from _sample_lines(reference[1], version)
        elif name in structures.segments(version):
            yield _sample_segment(name, structures.segments(version)[name][1], version)


def _sample_segment(name: str, fields: tuple[Any, ...], version: str) -> str:
    values = [_sample_value(reference, version) if least else "" for _, reference, (least, _), _ in fields]
    return "|".join([name, *values]).rstrip("|") if any(values) else f"{name}|1"


def _sample_value(reference: Any, version: str) -> str:
    """The first part filled by its type; a table's first value where it has one."""
    leaf = reference
    while leaf[0] == "sequence":
        leaf = leaf[1][0][1]
    listed = structures.table(version, leaf[4]) if leaf[2] == "ID" and leaf[4] else ()
    return _SAMPLES.get(leaf[2]) or (listed[0] if listed else "1")


def _finding(where: str, text: str) -> Finding:
    return Finding(FindingCode.CONFORMANCE, where, text)
