"""The findings of X12 interchanges by code, for the reference pages. Source: X12 elements I18, 716, 718, 720, 723."""

from __future__ import annotations

from collections.abc import Iterator

from engine.protocols.x12 import findings
from engine.protocols.x12.findings import Finding, Level

Note = tuple[int, str, str]

_ASK = "the partner sends it again, corrected"
_AGREE = "compare with config/partners; correct the file, or ask the partner"
NOTES: dict[Level, tuple[Note, ...]] = {
    Level.INTERCHANGE: (
        (1, "IEA02 is not the control number of ISA13", _ASK),
        (5, "ISA05: the sender's qualifier is malformed, or not the one agreed", _AGREE),
        (6, "ISA06: the sender's id is empty, malformed, or of no known partner", _AGREE),
        (7, "ISA07: the receiver's qualifier is malformed, or not ours", _AGREE),
        (8, "ISA08: the receiver's id is empty or malformed", _AGREE),
        (9, "ISA08 is well-formed, but it is not our id", _AGREE),
        (10, "ISA01 is no known qualifier of authorization", _ASK),
        (11, "ISA02 does not have its width", _ASK),
        (12, "ISA03 is no known qualifier of security", _ASK),
        (13, "ISA04 does not have its width", _ASK),
        (14, "ISA09 is not a date YYMMDD", _ASK),
        (15, "ISA10 is not a time HHMM", _ASK),
        (16, "ISA11 is neither U nor a usable repetition separator", _ASK),
        (17, "ISA12 is no known version", _ASK),
        (18, "ISA13 is not nine digits above zero", _ASK),
        (19, "ISA14 is neither 0 nor 1", _ASK),
        (20, "ISA15 is neither P nor T, or test meets production", _AGREE),
        (21, "IEA01 is not the number of groups present", _ASK),
        (22, "a segment stands where none may, or there are too many faults to go on", _ASK),
        (23, "the interchange ends without IEA: probably cut off on its way", "ask for the whole file"),
        (24, "a header GS is missing, or one of its elements is wrong", _ASK),
        (25, "an interchange of this control number came before: nothing is booked twice", "none, if it is a repeat"),
        (27, "ISA16 is missing, or used as another separator, too", _ASK),
    ),
    Level.GROUP: (
        (1, "GS01 names no functional group that we know", "agree with the partner which documents are exchanged"),
        (2, "GS08 is no version, or not one that is taken in", "agree on 004010 or 005010"),
        (3, "the group ends without GE", _ASK),
        (4, "GE02 is not the control number of GS06", _ASK),
        (5, "GE01 is not the number of sets present", _ASK),
        (6, "GS06 is not one to nine digits; before 005010 also: used twice in the interchange", _ASK),
        (19, "GS06 is used twice in the interchange", _ASK),
    ),
    Level.SET: (
        (1, "a set that is not supported", "agree with the partner which documents are exchanged"),
        (2, "the set ends without SE", _ASK),
        (3, "SE02 is not the control number of ST02", _ASK),
        (4, "SE01 is not the number of segments present", _ASK),
        (5, "segments of the set are wrong: other findings say which, or there are too many", _ASK),
        (6, "ST01 is missing, malformed, or does not belong in this group", _ASK),
        (7, "ST02 is not four to nine letters or digits", _ASK),
        (23, "ST02 is used twice in the group", _ASK),
    ),
    Level.SEGMENT: (
        (1, "the standard knows no segment of this id", _ASK),
        (3, "a mandatory segment is missing", _ASK),
        (4, "a loop occurs more often than the set allows", _ASK),
        (5, "a segment occurs more often than the set allows", _ASK),
        (6, "the segment does not belong in this set", _ASK),
        (7, "the segment may not stand at this place", _ASK),
    ),
    Level.ELEMENT: (
        (1, "a mandatory element is missing", _ASK),
        (2, "an element that others ask for is missing", _ASK),
        (3, "more elements than the segment has", _ASK),
        (4, "too short", _ASK),
        (5, "too long", _ASK),
        (6, "holds a character that its type does not allow", _ASK),
        (7, "not a code of its list; in CTT and HL: not the count, total or level that the set has", _ASK),
        (8, "not a date", _ASK),
        (9, "not a time", _ASK),
        (10, "may not be given together with another element that is", _ASK),
        (12, "repeated more often than the element may be (005010; before it, 3)", _ASK),
        (13, "more components than the composite has (005010; before it, 3)", _ASK),
    ),
    Level.REMARK: (
        (findings.EMPTY_SEGMENT, "an empty segment", ""),
        (findings.LOWER_CASE_ID, "a segment id that is not in capitals", ""),
        (findings.TEXT_OUTSIDE, "text before or after the interchange", "ask the partner what it is"),
        (findings.IRREGULAR_WIDTH, "ISA does not have its fixed width", ""),
        (findings.UNTERMINATED, "the last segment has no terminator", ""),
        (findings.NOT_UTF_8, "the bytes are not UTF-8 and were read as Latin-1", ""),
        (findings.EARLY_REPETITION, "a repetition separator in a version that has none", ""),
    ),
}


def x12_lines() -> Iterator[str]:
    """As Markdown."""
    yield from ["", "## X12 findings", ""]
    yield "What `isthmus parse --check` and the reasons of refused interchanges name. A strict partner (`envelope:` in"
    yield "its file) is refused for every one but the remarks (X9…). A tolerant one is told of faults that leave the"
    yield "documents readable, and they are taken in."
    yield from ["", "| code | in the answer | what | what to do |", "|---|---|---|---|"]
    for level, notes in NOTES.items():
        for note, what, remedy in notes:
            one = Finding(level, note, "", 0, "")
            told = f"`{one.x12_code}`" if one.x12_code else "not told"
            yield f"| `{one.code}` | {told} | {what} | {remedy or 'nothing'} |"
