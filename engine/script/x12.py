"""An X12 interchange in the worker: its answer to the sender, and each accepted set as a message of its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import msgspec

from engine.ports.connector import Reason
from engine.ports.journal import NewDocument
from engine.ports.script import CLAIM, REPEATED
from engine.protocols.x12 import (
    Agreed,
    EnvelopePolicy,
    Finding,
    Interchange,
    InterchangeOutcome,
    LoopedSet,
    Severity,
    TransactionSet,
    answer_outcome,
    judge,
    read,
    rules_of,
)
from engine.protocols.x12.answer import KIND
from engine.protocols.x12.segments import is_refused
from engine.script import hipaa


class Opened(msgspec.Struct, frozen=True):
    """`answer` is a document for destinations with `send: X12Acknowledgement`; `refusal` when no set may act."""

    sets: Sequence[TransactionSet | LoopedSet]
    answer: NewDocument | None
    refusal: Reason | None


class _Guides:
    """The guides of health care, for channels that accept their sets; keeps what they read."""

    def __init__(self, accepted: Collection[str]) -> None:
        self._accepted = accepted
        self._read: dict[int, LoopedSet] = {}

    def __call__(self, one: TransactionSet, version: str) -> tuple[Finding, ...] | None:
        if one.code not in self._accepted or not hipaa.known(one, version):
            return None
        self._read[id(one)], found = hipaa.open_set(one, version)
        return found

    def opened(self, one: TransactionSet, supplier_number: str) -> TransactionSet | LoopedSet:
        read = self._read.get(id(one))
        named = replace(one, supplier_number=supplier_number)
        return named if read is None else replace(read, transaction_set=named)


def open_interchange(body: bytes, attributes: Mapping[str, str], accepted: Collection[str] = ()) -> Opened:
    """Judge the one interchange of a message by its partner's policy.

    Args:
        accepted: the sets that the channel accepts, others are told as not supported; 835 and 837 are read for
            channels that name them.

    Raises:
        FramingError: there is none.
    """
    policy = EnvelopePolicy(attributes.get("envelope", EnvelopePolicy.STRICT.value))
    repeated = attributes.get(CLAIM) == REPEATED
    wrong = [int(note) for note in attributes.get("misaddressed", "").split(",") if note.isdigit()]
    guides = _Guides(accepted)
    interchange = read(body, policy).interchanges[0]
    sets = frozenset(attributes.get("agreed_sets", "").split())
    agreed = Agreed(sets, rules_of(attributes.get("agreed_rules", "")), frozenset(accepted))
    outcome = judge(interchange, policy, repeated=repeated, misaddressed=wrong, guide=guides, agreed=agreed)
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
    opened = [guides.opened(one, sender) for _, one in outcome.accepted_sets()]
    if not opened and (elsewhere := _of_other_channels(interchange, accepted)):
        return Opened((), document, elsewhere)
    return Opened(opened, document, None if opened else _refusal(outcome, policy))


def _of_other_channels(interchange: Interchange, accepted: Collection[str]) -> Reason | None:
    """Why nothing of an interchange is taken in that holds nothing which the channel accepts."""
    codes = {one.code for group in interchange.groups for one in group.sets}
    codes |= {"TA1"} if interchange.acknowledgements else set()
    if not accepted or not codes or codes & set(accepted):
        return None
    text = "this channel does not accept this message type"
    return Reason("M006", text, "ST01", "send it to its own channel")


def set_named(message: object) -> str:
    """`810 0002`: the set by its code and control number, so far as these are what they should be."""
    one = message.transaction_set if isinstance(message, LoopedSet) else message
    if not isinstance(one, TransactionSet):
        return ""
    return " ".join(text for text in (one.code, one.control_number) if text.isascii() and text.isalnum())


def _refusal(outcome: InterchangeOutcome, policy: EnvelopePolicy) -> Reason | None:
    """Why nothing of the interchange may act: its first fault. None: it holds no set, only acknowledgements."""
    faults = (f for f in outcome.all_findings if f.severity is Severity.ERROR and is_refused(f, policy))
    first = next(faults, None)
    if first is None:
        return None
    text = f"{first.text}, at {first.position_in_words} ({first.x12_code})"
    return Reason(first.code, text, first.where, "ask the partner to send it again")
