"""An X12 interchange in the worker: its answer to the sender, and each accepted set as a message of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import msgspec

from engine.ports.connector import Reason
from engine.ports.journal import NewDocument
from engine.ports.script import CLAIM, REPEATED
from engine.protocols.x12 import (
    EnvelopePolicy,
    InterchangeOutcome,
    Severity,
    TransactionSet,
    answer_outcome,
    judge,
    read,
)
from engine.protocols.x12.answer import KIND
from engine.protocols.x12.segments import is_refused


class Opened(msgspec.Struct, frozen=True):
    """`answer` is a document for destinations with `send: X12Acknowledgement`; `refusal` when no set may act."""

    sets: Sequence[TransactionSet]
    answer: NewDocument | None
    refusal: Reason | None


def open_interchange(body: bytes, attributes: Mapping[str, str]) -> Opened:
    """Judge the one interchange of a message by its partner's policy.

    Raises:
        FramingError: there is none.
    """
    policy = EnvelopePolicy(attributes.get("envelope", EnvelopePolicy.STRICT.value))
    repeated = attributes.get(CLAIM) == REPEATED
    wrong = [int(note) for note in attributes.get("misaddressed", "").split(",") if note.isdigit()]
    outcome = judge(read(body, policy).interchanges[0], policy, repeated=repeated, misaddressed=wrong)
    wanted = attributes.get("acknowledge")
    due = answer_outcome(outcome, functional=wanted != "no", code="999" if wanted == "999" else "997")
    document = None
    if due is not None:
        document = NewDocument(0, due.encode(), KIND, f"{due.sender}/{due.control_number}")
    if repeated:
        text = "this interchange control number came before from this partner (TA105:025): no business effect"
        remedy = "if it is another interchange, the partner must send it under a new number"
        return Opened((), document, Reason("X025", text, "ISA13", remedy))
    sender = attributes.get("supplier_number", "")
    sets = [replace(one, supplier_number=sender) for _, one in outcome.accepted_sets()]
    return Opened(sets, document, None if sets else _refusal(outcome, policy))


def _refusal(outcome: InterchangeOutcome, policy: EnvelopePolicy) -> Reason | None:
    """Why nothing of the interchange may act: its first fault. None: it holds no set, only acknowledgements."""
    faults = (f for f in outcome.all_findings if f.severity is Severity.ERROR and is_refused(f, policy))
    first = next(faults, None)
    if first is None:
        return None
    return Reason(first.code, f"{first.text} ({first.x12_code})", first.where, "ask the partner to send it again")
