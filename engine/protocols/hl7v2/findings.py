"""A deviation that was tolerated: nothing was lost, but the sender should know."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class FindingCode(StrEnum):
    """Stable codes of what the reader tolerates or the checks report."""

    BYTE_ORDER_MARK = "H001"
    LEADING_BYTES = "H002"
    LINE_FEED = "H003"
    CARRIAGE_RETURN_LINE_FEED = "H004"
    MIXED_LINE_ENDS = "H005"
    EMPTY_LINE = "H006"
    SEGMENT_NAME = "H007"
    ENCODING_CHARACTERS = "H008"
    CHARSET_NAME = "H009"
    JUNK_BETWEEN_FRAMES = "H010"
    BATCH_COUNT = "H011"
    BATCH_ENVELOPE = "H012"
    CONFORMANCE = "H013"
    TORN_FRAME = "H014"


class Finding(NamedTuple):
    """One deviation: a stable code, the place from 1 as the standard writes it, and words without any value."""

    code: FindingCode
    where: str
    text: str
