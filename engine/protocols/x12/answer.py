"""An answer to a partner as data, between judging an interchange and writing the one that answers it.

It is made where the message is read and written where the control numbers are, so it travels as JSON. It holds
places and codes, never values of the message.
"""

from __future__ import annotations

import msgspec

from engine.protocols.x12.acknowledge import (
    functional_acknowledgements,
    functional_group,
    functional_set,
    interchange_acknowledgement,
    wants_interchange_acknowledgement,
)
from engine.protocols.x12.outcome import InterchangeOutcome, judge
from engine.protocols.x12.reader import read
from engine.protocols.x12.segments import EnvelopePolicy, TransactionSet
from engine.protocols.x12.values import OutboundGroup, SegmentValues

KIND = "X12Acknowledgement"


class Answer(msgspec.Struct, frozen=True):
    """What to tell the sender of one interchange.

    Args:
        qualifier, sender: ISA05 and ISA06 (without padding) of that interchange: whom to tell.
        control_number: its ISA13.
        version: of the 997s or 999s.
        verdict: A, E or R, of the interchange.
        interchange_acknowledgement: the TA1 segment, or None when none is due.
        functional: the bodies of the 997s or 999s, a list of segments each.
        functional_set: `997` or `999`.
    """

    qualifier: str
    sender: str
    control_number: str
    version: str
    verdict: str
    interchange_acknowledgement: SegmentValues | None = None
    functional: tuple[tuple[SegmentValues, ...], ...] = ()
    functional_set: str = "997"

    def encode(self) -> bytes:
        return msgspec.json.encode(self)

    def group(self, control_number: int) -> OutboundGroup | None:
        if not self.functional:
            return None
        sets = tuple(functional_set(self.functional_set, segments) for segments in self.functional)
        return functional_group(self.version, control_number, sets)


def decode_answer(body: bytes) -> Answer:
    """Raises msgspec.ValidationError when the body is no answer."""
    return msgspec.json.decode(body, type=Answer)


def answer_outcome(outcome: InterchangeOutcome, *, functional: bool = True, code: str = "997") -> Answer | None:
    """The answer that is due, None for none.

    Args:
        functional: False for partners that want neither 997 nor 999.
        code: `997`, or `999` for partners that want that one (from 005010 on).
    """
    header = outcome.interchange.header
    version = "005010" if outcome.interchange.version >= "00501" else "004010"
    sets = functional_acknowledgements(outcome, version, code) if functional else ()
    wanted = wants_interchange_acknowledgement(outcome)
    if not sets and not wanted:
        return None
    return Answer(
        qualifier=header.get(5).strip(),
        sender=header.get(6).strip(),
        control_number=outcome.interchange.control_number,
        version=version,
        verdict=outcome.verdict.value,
        interchange_acknowledgement=interchange_acknowledgement(outcome) if wanted else None,
        functional=tuple(one.segments for one in sets),
        functional_set=sets[0].code if sets else "997",
    )


def answer(
    body: bytes,
    policy: EnvelopePolicy = EnvelopePolicy.STRICT,
    *,
    repeated: bool = False,
    functional: bool = True,
    code: str = "997",
) -> Answer | None:
    """The answer to a body that holds one interchange.

    Raises:
        FramingError: it holds none.
    """
    outcome = judge(read(body, policy).interchanges[0], policy, repeated=repeated)
    return answer_outcome(outcome, functional=functional, code=code)


def accepted_sets(body: bytes, policy: EnvelopePolicy = EnvelopePolicy.STRICT) -> list[TransactionSet]:
    """The sets of a body that may have a business effect; what its answer says was rejected is not among them.

    Raises:
        FramingError: there is no interchange in the body.
    """
    return [
        one for interchange in read(body, policy).interchanges for _, one in judge(interchange, policy).accepted_sets()
    ]
