"""What we answer: TA1 for an interchange, one 997 or 999 for each of its groups. No value of the message is told.

A 999 tells the same of a set as a 997, in segments of its own (IK3 for AK3 and so on) and for 005010 only.
Source: X12 segments TA1, AK1, AK2, AK3, AK4, AK5, AK9, IK3, IK4, IK5; 999 guide 005010X231A1.
"""

from __future__ import annotations

from itertools import groupby

from engine.protocols.x12.findings import Finding, Level, Severity
from engine.protocols.x12.outcome import GroupOutcome, InterchangeOutcome, SetOutcome, Verdict
from engine.protocols.x12.values import OutboundGroup, OutboundSet, SegmentValues

_ALLOWED = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_CODES_IN_SEGMENT = 5  # AK304 to AK308, AK502 to AK506, AK905 to AK909
_NAMES_IN_999 = {"AK3": "IK3", "AK4": "IK4", "AK5": "IK5"}
_FIRST_WITH_999 = "005010"
CONVENTION_OF_999 = "005010X231A1"  # GS08 and ST03 of the 999s that we write
_SEGMENT_ERRORS = "5"  # AK502: one or more segments in error
_ELEMENT_ERRORS = "8"  # AK304: the segment has data element errors


def interchange_acknowledgement(outcome: InterchangeOutcome) -> SegmentValues:
    """The TA1 segment: ISA13, ISA09 and ISA10 of the interchange as received, A, E or R, and the first fault's note."""
    header = outcome.interchange.header
    faults = sorted(_errors(outcome.findings, Level.INTERCHANGE), key=lambda f: f.tolerable)
    note = faults[0].note if faults and outcome.verdict is not Verdict.ACCEPTED else 0
    number, date, time = header.get(13), header.get(9), header.get(10)
    return (
        "TA1",
        _fitting(number, 9, 9, "0123456789"),
        date if _digits(date, 6) else "000000",
        time if _digits(time, 4) else "0000",
        outcome.verdict.value,
        f"{note:03d}",
    )


def wants_interchange_acknowledgement(outcome: InterchangeOutcome) -> bool:
    """ISA14 asks for a TA1; an interchange with faults gets one in any case, unless it holds acknowledgements only."""
    if outcome.verdict is Verdict.ACCEPTED:
        return outcome.interchange.header.get(14) == "1"
    return bool(outcome.interchange.groups) or not outcome.interchange.acknowledgements


def functional_acknowledgements(
    outcome: InterchangeOutcome, version: str, code: str = "997"
) -> tuple[OutboundSet, ...]:
    """One 997 or 999 for each group that is not itself an acknowledgement. Empty when the interchange was rejected.

    Args:
        code: `997`, or `999`, which versions before 005010 do not have: they get 997.
    """
    used = code if version >= _FIRST_WITH_999 else "997"
    groups = (g for g in outcome.groups if g.group.functional_id != "FA" and g.group.header)
    return tuple(functional_set(used, _functional(g, version, used)) for g in groups)


def functional_set(code: str, segments: tuple[SegmentValues, ...]) -> OutboundSet:
    return OutboundSet(code, segments, CONVENTION_OF_999 if code == "999" else "")


def functional_group(version: str, control_number: int, sets: tuple[OutboundSet, ...]) -> OutboundGroup:
    """The FA group of sets of one kind; a 999 names its guide as the group's version."""
    used = CONVENTION_OF_999 if any(one.code == "999" for one in sets) else version
    return OutboundGroup("FA", used, control_number, sets)


def acknowledgement_group(
    outcome: InterchangeOutcome, version: str, control_number: int, code: str = "997"
) -> OutboundGroup | None:
    """The FA group that answers an interchange; None when nothing is to be answered by 997 or 999."""
    sets = functional_acknowledgements(outcome, version, code)
    return functional_group(version, control_number, sets) if sets else None


def _functional(outcome: GroupOutcome, version: str, code: str) -> tuple[SegmentValues, ...]:
    group = outcome.group
    segments: list[SegmentValues] = [_group_response_header(outcome, version)]
    if not _errors(outcome.findings, Level.GROUP) or outcome.verdict is not Verdict.REJECTED:
        for one in outcome.sets:
            segments += _set_response(one, version)
    codes = [str(f.note) for f in _errors(outcome.findings, Level.GROUP)]
    stated = group.trailer.get(1) if group.trailer else ""
    included = stated if _digits(stated) and len(stated) <= 6 else str(len(group.sets))
    counts = (included, str(len(group.sets)), str(outcome.accepted))
    segments.append(("AK9", outcome.verdict.value, *counts, *_distinct(codes)))
    names = _NAMES_IN_999 if code == "999" else {}
    return tuple((names.get(str(first), first), *rest) for first, *rest in segments)


def _group_response_header(outcome: GroupOutcome, version: str) -> SegmentValues:
    """AK1. AK103 exists from 005010 on and repeats the group's GS08."""
    group = outcome.group
    name, number = _fitting(group.functional_id, 2, 2), _fitting(group.control_number, 1, 9, "0123456789")
    if version < "005010" or not group.version:
        return ("AK1", name, number)
    return ("AK1", name, number, _fitting(group.version, 1, 12))


def _fitting(text: str, shortest: int, longest: int, allowed: str = _ALLOWED) -> str:
    """The text as received where it fits its element, else as much of it as does: what we send is always valid."""
    return "".join(c for c in text.upper() if c in allowed)[-longest:].zfill(shortest)


def _set_response(outcome: SetOutcome, version: str) -> list[SegmentValues]:
    """AK2 to AK5. AK203 exists from 005010 on and repeats the set's ST03."""
    one = outcome.transaction_set
    convention = _fitting(one.header.get(3), 0, 35) if version >= "005010" else ""
    named = (_fitting(one.code, 3, 3), _fitting(one.control_number, 4, 9), *([convention] if convention else []))
    segments: list[SegmentValues] = [("AK2", *named)]
    body = [f for f in outcome.findings if f.level in (Level.SEGMENT, Level.ELEMENT)]
    for _, same in groupby(body, key=lambda f: (f.position, f.segment_id)):
        segments += _segment_response(list(same))
    codes = [str(f.note) for f in _errors(outcome.findings, Level.SET)]
    if body:
        codes.append(_SEGMENT_ERRORS)
    segments.append(("AK5", outcome.verdict.value, *_distinct(codes)))
    return segments


def _segment_response(faults: list[Finding]) -> list[SegmentValues]:
    """AK3 for one segment, then AK4 for each of its elements in error."""
    first = faults[0]
    elements = [f for f in faults if f.level is Level.ELEMENT]
    codes = [str(f.note) for f in faults if f.level is Level.SEGMENT] + ([_ELEMENT_ERRORS] if elements else [])
    loop = first.loop.rsplit("/", 1)[-1]
    segments: list[SegmentValues] = [("AK3", _segment_id(first), str(first.position), loop, *_distinct(codes))]
    for fault in elements:
        place = (str(fault.element), str(fault.component)) if fault.component else (str(fault.element),)
        reference = str(fault.element_reference) if fault.element_reference else ""
        segments.append(("AK4", place, reference, str(fault.note)))
    return segments


def _segment_id(fault: Finding) -> str:
    """AK301 holds two or three characters; what is no segment id is not repeated, it may be anything."""
    known = fault.segment_id
    return known if 2 <= len(known) <= 3 and known.isascii() and known.isalnum() else "ZZZ"


def _errors(findings: tuple[Finding, ...], level: Level) -> list[Finding]:
    return [f for f in findings if f.level is level and f.severity is Severity.ERROR]


def _distinct(codes: list[str]) -> list[str]:
    return list(dict.fromkeys(codes))[:_CODES_IN_SEGMENT]


def _digits(text: str, length: int = 0) -> bool:
    return text.isascii() and text.isdigit() and (not length or len(text) == length)
