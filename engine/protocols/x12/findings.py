"""What a reader or validator has to say about an interchange: a code, a place, words, and X12's own code.

The code is X12's: `X021` is TA105 021, `X104` AK905 4, `X203` AK502 3, `X308` AK304 8, `X407` AK403 7; `X9nn` are
remarks that X12 has no code for. Source: X12 elements I18, 716, 718, 720, 723.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class Severity(StrEnum):
    ERROR = "error"  # strict partners are refused for it, tolerated ones are told
    WARNING = "warning"  # never a reason to refuse


class Level(StrEnum):
    """What a finding is about, and in which element of an acknowledgement it is told."""

    INTERCHANGE = "TA105"
    GROUP = "AK905"
    SET = "AK502"
    SEGMENT = "AK304"
    ELEMENT = "AK403"
    REMARK = ""


_PREFIX = {Level.GROUP: 1, Level.SET: 2, Level.SEGMENT: 3, Level.ELEMENT: 4, Level.REMARK: 9}


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault, placed. `text` never holds a value of the message.

    Args:
        note: the X12 code within its list, e.g. 21 of TA105 021.
        where: the place as the standard writes it: `ISA13`, `GS06[2]`, `PO104[3]`.
        position: of the segment, from 1: for SEGMENT and ELEMENT in its set (ST is 1), else in the interchange.
        tolerable: False when even a tolerant policy must refuse.
        group: the functional group it concerns, from 1; 0 for none.
        transaction_set: the set within that group, from 1; 0 for none.
    """

    level: Level
    note: int
    where: str
    position: int
    text: str
    severity: Severity = Severity.ERROR
    tolerable: bool = True
    group: int = 0
    transaction_set: int = 0
    segment_id: str = ""
    element: int = 0
    component: int = 0
    element_reference: int = 0
    loop: str = ""

    @property
    def code(self) -> str:
        return f"X{_PREFIX.get(self.level, 0)}{self.note:02d}"

    @property
    def x12_code(self) -> str:
        """As acknowledgements carry it: `TA105:021`, `AK502:3`; empty for a remark."""
        if self.level is Level.REMARK:
            return ""
        width = 3 if self.level is Level.INTERCHANGE else 1
        return f"{self.level.value}:{self.note:0{width}d}"

    def placed(self, group: int, transaction_set: int) -> Finding:
        return replace(self, group=group, transaction_set=transaction_set)

    @property
    def position_in_words(self) -> str:
        """`segment 7 of set 2 in group 1`; `segment 14, set 2 in group 1` where segments of the interchange count."""
        if not self.transaction_set:
            return f"segment {self.position}"
        counted = " of" if self.level in (Level.SEGMENT, Level.ELEMENT) else ","
        return f"segment {self.position}{counted} set {self.transaction_set} in group {self.group}"

    def __str__(self) -> str:
        told = f" ({self.x12_code})" if self.x12_code else ""
        return f"{self.code} {self.where} at {self.position_in_words}: {self.text}{told}"


def remark(note: int, where: str, position: int, text: str) -> Finding:
    return Finding(Level.REMARK, note, where, position, text, Severity.WARNING)


EMPTY_SEGMENT = 1
LOWER_CASE_ID = 2
TEXT_OUTSIDE = 3
IRREGULAR_WIDTH = 4
UNTERMINATED = 5
NOT_UTF_8 = 7
EARLY_REPETITION = 9
