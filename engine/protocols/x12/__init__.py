"""X12: interchanges, groups and sets of a supplier's EDI, as values. No input or output here.

The way of a message: `read` ▸ `judge` ▸ accepted sets, and `acknowledgement_group` / `interchange_acknowledgement` ▸
`write_interchange`. Canonical documents from and to sets: engine/mapping.
"""

from __future__ import annotations

from engine.protocols.x12.acknowledge import (
    acknowledgement_group,
    functional_acknowledgements,
    interchange_acknowledgement,
    wants_interchange_acknowledgement,
)
from engine.protocols.x12.acknowledged import (
    Acknowledgement,
    SetAcknowledgement,
    acknowledgements_in,
    read_acknowledgements,
)
from engine.protocols.x12.answer import Answer, accepted_sets, answer, answer_outcome, decode_answer
from engine.protocols.x12.delimiters import Separators
from engine.protocols.x12.findings import Finding, Level, Severity
from engine.protocols.x12.looped import Loop, LoopedSet, looped
from engine.protocols.x12.outcome import (
    Agreed,
    GroupOutcome,
    Guide,
    InterchangeOutcome,
    SetOutcome,
    Verdict,
    judge,
    name_faults,
)
from engine.protocols.x12.overlay import Rule, rule, rules_of, told
from engine.protocols.x12.partner import PartnerIdentity
from engine.protocols.x12.reader import encode, read
from engine.protocols.x12.segments import EnvelopePolicy, File, Group, Interchange, Segment, TransactionSet
from engine.protocols.x12.sets import SUPPORTED_SETS
from engine.protocols.x12.stream import SegmentStream, iterate_segments
from engine.protocols.x12.validate import validate
from engine.protocols.x12.values import OutboundGroup, OutboundSet, SegmentValues
from engine.protocols.x12.writer import check_set, write_interchange


def read_file(data: bytes) -> File:
    """Read a file of any partner, as `isthmus parse` does: envelope faults are findings, not refusals.

    Raises:
        FramingError: no interchange can be told from the bytes.
    """
    return read(data, EnvelopePolicy.TOLERANT)


__all__ = [
    "SUPPORTED_SETS",
    "Acknowledgement",
    "Agreed",
    "Answer",
    "EnvelopePolicy",
    "File",
    "Finding",
    "Group",
    "GroupOutcome",
    "Guide",
    "Interchange",
    "InterchangeOutcome",
    "Level",
    "Loop",
    "LoopedSet",
    "OutboundGroup",
    "OutboundSet",
    "PartnerIdentity",
    "Rule",
    "Segment",
    "SegmentStream",
    "SegmentValues",
    "Separators",
    "SetAcknowledgement",
    "SetOutcome",
    "Severity",
    "TransactionSet",
    "Verdict",
    "accepted_sets",
    "acknowledgement_group",
    "acknowledgements_in",
    "answer",
    "answer_outcome",
    "check_set",
    "decode_answer",
    "encode",
    "functional_acknowledgements",
    "interchange_acknowledgement",
    "iterate_segments",
    "judge",
    "looped",
    "name_faults",
    "read",
    "read_acknowledgements",
    "read_file",
    "rule",
    "rules_of",
    "told",
    "validate",
    "wants_interchange_acknowledgement",
    "write_interchange",
]
