"""What is wrong with envelopes: ISA/IEA, GS/GE, ST/SE, each fault with X12's own code.

Source: X12.5 and X12.6 (control segments), elements I18 (TA105), 716 (AK905), 718 (AK502).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice

from engine.protocols.x12 import findings as remarks
from engine.protocols.x12.dates import is_date, is_time
from engine.protocols.x12.delimiters import FIRST_WITH_REPETITION, ISA_WIDTHS
from engine.protocols.x12.findings import Finding, Level, remark
from engine.protocols.x12.functional_groups import FUNCTIONAL_IDS
from engine.protocols.x12.segments import Group, Interchange, Segment, TransactionSet

# GS08 005010 gave AK905 19 its meaning "not unique within interchange"; before, 6 is the nearest.
_FIRST_WITH_UNIQUE_GROUP_CODE = "005010"
# Input made of faults alone must not cost more than input of the same size that is right.
_MOST_FAULTS = 5_000
_MOST_REMARKS = 100
_FIRST_WITH_CENTURY = "004"
_ID_QUALIFIER = re.compile(r"[A-Z0-9]{2}").fullmatch
_NUMBER = re.compile(r"[0-9]{1,9}").fullmatch
_VERSION = re.compile(r"00[2-9]0[0-9]").fullmatch
# TA105 by ISA element, from 1. Source: element I18.
_ISA_NOTES = (10, 11, 12, 13, 5, 6, 7, 8, 14, 15, 16, 17, 18, 19, 20, 27)


def check_interchange(interchange: Interchange, stray: list[Segment], regular: bool) -> Interchange:
    """The interchange with its findings, in its groups and sets as well."""
    found = [*_isa(interchange, regular), *_iea(interchange), *_stray(stray), *_remarks(interchange)]
    groups: list[Group] = []
    numbers: set[str] = set()
    count = len(found)
    for index, group in enumerate(interchange.groups, 1):
        if count > _MOST_FAULTS:
            groups += interchange.groups[index - 1 :]
            break
        checked, faults = _check_group(group, index, group.control_number not in numbers)
        numbers.add(group.control_number)
        groups.append(checked)
        count += faults
    if count > _MOST_FAULTS:
        text = f"more than {_MOST_FAULTS:,} faults; the rest was not looked at"
        found.append(_fault(22, "GS", 0, text, tolerable=False))
    return replace(interchange, groups=tuple(groups), findings=tuple(found))


def _fault(note: int, where: str, position: int, text: str, *, tolerable: bool = True) -> Finding:
    return Finding(Level.INTERCHANGE, note, where, position, text, tolerable=tolerable)


def _isa(interchange: Interchange, regular: bool) -> Iterator[Finding]:
    header = interchange.header
    wrong = {element for element, width in enumerate(ISA_WIDTHS, 1) if len(header.get(element)) != width}
    explained = bool(wrong)
    for element, (claim, text) in _ISA_RULES.items():
        if not claim(header.get(element)):
            yield _fault(_ISA_NOTES[element - 1], f"ISA{element:02d}", 1, text)
            wrong.discard(element)
    for element in sorted(wrong):
        text = f"must be {ISA_WIDTHS[element - 1]} characters wide"
        yield _fault(_ISA_NOTES[element - 1], f"ISA{element:02d}", 1, text)
    if not regular and not explained:
        yield remark(remarks.IRREGULAR_WIDTH, "ISA", 1, "ISA does not have its fixed width")
    yield from _separators(interchange)


def _separators(interchange: Interchange) -> Iterator[Finding]:
    used = interchange.separators
    if used.component and used.component in (used.element, used.repetition):
        yield _fault(27, "ISA16", 1, "the component separator is used as another separator, too")
    standards = interchange.header.get(11)
    if interchange.version < FIRST_WITH_REPETITION:
        if used.repetition:
            text = f"a repetition separator before version {FIRST_WITH_REPETITION}"
            yield remark(remarks.EARLY_REPETITION, "ISA11", 1, text)
        elif standards != "U":
            yield _fault(16, "ISA11", 1, "the standards identifier must be U")


def _blank_or_text(value: str) -> bool:
    return bool(value)


_ISA_RULES: dict[int, tuple[Callable[[str], object], str]] = {
    1: (lambda v: v in ("00", "01", "02", "03", "04", "05", "06"), "unknown authorization qualifier"),
    3: (lambda v: v in ("00", "01"), "unknown security qualifier"),
    5: (_ID_QUALIFIER, "the sender's qualifier must be two capitals or digits"),
    6: (str.strip, "the sender's id is empty"),
    7: (_ID_QUALIFIER, "the receiver's qualifier must be two capitals or digits"),
    8: (str.strip, "the receiver's id is empty"),
    9: (is_date, "not a date YYMMDD"),
    10: (is_time, "not a time HHMM"),
    12: (_VERSION, "unknown interchange version"),
    13: (lambda v: _NUMBER(v) and v.strip("0"), "the control number must be nine digits, above zero"),
    14: (lambda v: v in ("0", "1"), "acknowledgement requested must be 0 or 1"),
    15: (lambda v: v in ("P", "T", "I"), "the usage indicator must be P, T or I"),
    16: (_blank_or_text, "the component separator is missing"),
}


def _iea(interchange: Interchange) -> Iterator[Finding]:
    trailer, last = interchange.trailer, interchange.segments[-1]
    if trailer is None:
        yield _fault(23, "IEA", last.position, "the interchange ends without IEA")
        return
    count = trailer.get(1)
    if not _NUMBER(count) or int(count) != _counted(interchange, int(count)):
        yield _fault(21, "IEA01", trailer.position, "the number of groups differs from those present")
    if not _same_number(interchange.control_number, trailer.get(2)):
        yield _fault(1, "IEA02", trailer.position, "the control number differs from ISA13")


def _counted(interchange: Interchange, stated: int) -> int:
    """Groups present. An interchange of TA1 alone is counted as 0 or as 1, in use by equal rights."""
    if not interchange.groups and interchange.acknowledgements and stated <= 1:
        return stated
    return len(interchange.groups)


def _same_number(header: str, trailer: str) -> bool:
    """Control numbers are compared as numbers where both are: `0001` and `1` name the same."""
    if header == trailer:
        return bool(header)
    return bool(_NUMBER(header) and _NUMBER(trailer)) and int(header) == int(trailer)


def _stray(stray: list[Segment]) -> Iterator[Finding]:
    """One finding for each run of segments that stand in no set."""
    seen: dict[str, int] = {}
    last = 0
    for segment in stray:
        name = segment.id if segment.id in ("SE", "GE", "TA1") else "segment"
        if name == "segment" and segment.position == last + 1:
            last = segment.position
            continue
        last = segment.position if name == "segment" else 0
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > _MOST_REMARKS:
            continue
        where = f"{name}[{seen[name]}]"
        text = "stands outside of the envelope it belongs in"
        # A trailer too many loses nothing; content that is in no set would be lost, so no policy lets it pass.
        yield _fault(22, where, segment.position, text, tolerable=name != "segment")


def _remarks(interchange: Interchange) -> Iterator[Finding]:
    if interchange.lead.strip(" \t\r\n\ufeff\x00\x1a"):
        yield remark(remarks.TEXT_OUTSIDE, "ISA", 1, "text stands before the interchange")
    if interchange.unterminated and interchange.trailer is not None:
        yield remark(remarks.UNTERMINATED, "IEA", len(interchange.segments), "the last segment has no terminator")
    yield from islice(_segment_remarks(interchange), _MOST_REMARKS)


def _segment_remarks(interchange: Interchange) -> Iterator[Finding]:
    for segment in interchange.segments:
        if not segment.id:
            yield remark(remarks.EMPTY_SEGMENT, "segment", segment.position, "an empty segment")
        elif segment.parts[0] != segment.id:
            yield remark(remarks.LOWER_CASE_ID, "segment", segment.position, "the segment id is not in capitals")


def _check_group(group: Group, index: int, unique: bool) -> tuple[Group, int]:
    """The group with its findings and those of its sets, and how many they are."""
    faults = tuple(f.placed(index, 0) for f in _group_faults(group, index, unique))
    numbers: set[str] = set()
    sets: list[TransactionSet] = []
    count = len(faults)
    for place, one in enumerate(group.sets, 1):
        found = tuple(f.placed(index, place) for f in _set_faults(one, one.control_number not in numbers))
        numbers.add(one.control_number)
        sets.append(replace(one, findings=found) if found else one)
        count += len(found)
        if count > _MOST_FAULTS:
            sets += group.sets[place:]
            break
    return replace(group, sets=tuple(sets), findings=faults), count


def _group_faults(group: Group, index: int, unique: bool) -> Iterator[Finding]:
    header = group.header
    if header is None:
        position = group.sets[0].header.position
        yield _fault(24, f"GS[{index}]", position, "a transaction set stands in no group", tolerable=False)
        return
    yield from _gs(header, index)
    if not unique:
        note = 19 if group.version >= _FIRST_WITH_UNIQUE_GROUP_CODE else 6
        yield _group_fault(note, f"GS06[{index}]", header, "the control number is used twice in the interchange")
    yield from _ge(group, header, index)


def _group_fault(note: int, where: str, segment: Segment, text: str, *, tolerable: bool = True) -> Finding:
    return Finding(Level.GROUP, note, where, segment.position, text, tolerable=tolerable)


def _gs(header: Segment, index: int) -> Iterator[Finding]:
    if header.get(1) not in FUNCTIONAL_IDS:
        text = "no functional group of this name is known"
        yield _group_fault(1, f"GS01[{index}]", header, text, tolerable=False)
    for element, claim, text in _GS_RULES:
        if not claim(header.get(element)):
            # A wrong GS header is told in the TA1: no AK905 code names dates and application codes before 005010.
            yield _fault(24, f"GS{element:02d}[{index}]", header.position, text)
    # GS04 has the century from 004010 on. Source: X12.6.
    long_date = header.get(8)[:3] >= _FIRST_WITH_CENTURY
    if not is_date(header.get(4)) or (long_date and len(header.get(4)) != len("CCYYMMDD")):
        yield _fault(24, f"GS04[{index}]", header.position, "not a date CCYYMMDD")
    if not _NUMBER(header.get(6)):
        yield _group_fault(6, f"GS06[{index}]", header, "the control number must be one to nine digits")
    if not re.fullmatch(r"[0-9]{6}[A-Z0-9]{0,6}", header.get(8)):
        yield _group_fault(2, f"GS08[{index}]", header, "not a version of the standard")


_GS_RULES: tuple[tuple[int, Callable[[str], object], str], ...] = (
    (2, lambda v: v.strip(), "the sender's application code is empty"),
    (3, lambda v: v.strip(), "the receiver's application code is empty"),
    (5, is_time, "not a time HHMM or HHMMSS"),
    (7, lambda v: v in ("X", "T"), "the responsible agency must be X or T"),
)


def _ge(group: Group, header: Segment, index: int) -> Iterator[Finding]:
    trailer = group.trailer
    if trailer is None:
        yield _group_fault(3, f"GE[{index}]", header, "the group ends without GE")
        return
    if not _NUMBER(trailer.get(1)) or int(trailer.get(1)) != len(group.sets):
        text = "the number of sets differs from those present"
        yield _group_fault(5, f"GE01[{index}]", trailer, text)
    if not _same_number(header.get(6), trailer.get(2)):
        yield _group_fault(4, f"GE02[{index}]", trailer, "the control number differs from GS06")


def _set_faults(one: TransactionSet, unique: bool) -> Iterator[Finding]:
    header, trailer = one.header, one.trailer
    if not re.fullmatch(r"[0-9A-Z]{3}", one.code):
        yield _set_fault(6, "ST01", header, "the set identifier is missing or not three characters", tolerable=False)
    if not re.fullmatch(r"[A-Za-z0-9]{4,9}", one.control_number):
        yield _set_fault(7, "ST02", header, "the control number must be four to nine letters or digits")
    if not unique:
        yield _set_fault(23, "ST02", header, "the control number is used twice in the group")
    if trailer is None:
        yield _set_fault(2, "SE", one.segments[-1], "the set ends without SE", tolerable=False)
        return
    if not _NUMBER(trailer.get(1)) or int(trailer.get(1)) != sum(1 for s in one.segments if s.id):
        yield _set_fault(4, "SE01", trailer, "the number of segments differs from those present")
    if not _same_number(one.control_number, trailer.get(2)):
        yield _set_fault(3, "SE02", trailer, "the control number differs from ST02")


def _set_fault(note: int, where: str, segment: Segment, text: str, *, tolerable: bool = True) -> Finding:
    return Finding(Level.SET, note, where, segment.position, text, tolerable=tolerable)
