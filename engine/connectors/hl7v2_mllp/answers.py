"""From a receipt to the acknowledgement that its sender gets: always the same for the same receipt."""

from __future__ import annotations

from datetime import datetime

from engine.core.errors import (
    CharsetError,
    ConflictError,
    FramingError,
    MessageError,
    SizeLimitError,
    StructureError,
    UnacceptedTypeError,
)
from engine.core.ids import id_text
from engine.ports.connector import Reason, Receipt, Settled, Verdict
from engine.protocols.hl7v2 import acknowledge
from engine.protocols.hl7v2.acknowledge import AckError, Code, Outcome
from engine.protocols.hl7v2.framing import frame
from engine.protocols.hl7v2.header import Header

_REJECTED = frozenset({UnacceptedTypeError.code, SizeLimitError.code, FramingError.code, MessageError.code})
_CONDITIONS = {
    UnacceptedTypeError.code: acknowledge.UNSUPPORTED_TYPE,
    ConflictError.code: acknowledge.DUPLICATE_KEY,
    StructureError.code: acknowledge.SEGMENT_SEQUENCE,
    CharsetError.code: acknowledge.DATA_TYPE,
}
_ACCEPT_SUFFIX = "C"  # the two acknowledgements of one message have ids of their own
_ACCEPT = 15
_TRY_AGAIN = Reason("J001", "the message could not be stored; send it again")
_LATE = Reason("T001", "not delivered yet; the message is kept and will be delivered")


class Answer:
    """The acknowledgements of one message: which are due, when, with which bytes.

    Args:
        header: of the message.
        wait: the application acknowledgement waits for the delivery.
    """

    __slots__ = ("_header", "_msh15", "_msh16", "_wait")

    def __init__(self, header: Header, wait: bool) -> None:
        self._header, self._wait = header, wait
        self._msh15 = _condition(header, 15)
        self._msh16 = _condition(header, 16)

    @property
    def when_taken(self) -> tuple[tuple[Code, str], ...]:
        """Codes for a message that was taken in, each with what its own control id ends in."""
        plan = acknowledge.plan(self._msh15, self._msh16, "ok")
        codes = ((plan.accept_code, _ACCEPT_SUFFIX), (plan.application_code, ""))
        return tuple((code, suffix) for code, suffix in codes if code is not None)

    def to_receipt(self, receipt: Receipt) -> tuple[bytes, bool]:
        """Frames to send now, and whether the application's answer is still to come (`to_settled`)."""
        outcome = _outcome(receipt.verdict, receipt.reason)
        plan = acknowledge.plan(self._msh15, self._msh16, outcome)
        deferred = self._wait and outcome == "ok" and receipt.settled is not None
        now = b""
        if plan.accept_code is not None:
            now = self._write(plan.accept_code, receipt, _ACCEPT_SUFFIX, receipt.reason)
        if plan.application_code is not None and not deferred:
            now += self._write(plan.application_code, receipt, "", receipt.reason)
        return now, deferred

    def to_settled(self, receipt: Receipt, settled: Settled | None) -> bytes:
        """The application's answer; None: it did not come in time."""
        outcome: Outcome = "ok" if settled is not None and settled.delivered else "error"
        code = acknowledge.plan(self._msh15, self._msh16, "ok", outcome).application_code
        reason = _LATE if settled is None else settled.reason
        return self._write(code, receipt, "", reason if outcome != "ok" else None) if code else b""

    def to_failure(self, moment: datetime, control_id: str) -> bytes:
        """Nothing was stored: the sender is to send the message again."""
        codes = acknowledge.plan(self._msh15, self._msh16, "error").codes
        return b"".join(_frame(self._header, code, control_id, moment, _TRY_AGAIN) for code in codes)

    def _write(self, code: Code, receipt: Receipt, suffix: str, reason: Reason | None) -> bytes:
        return _frame(self._header, code, id_text(receipt.message_id) + suffix, receipt.received_at, reason)


def _condition(header: Header, number: int) -> str | None:
    """MSH-15 or MSH-16; what table 0155 does not have is answered always, so that nobody waits in vain."""
    if not header.field(number):
        return None
    try:
        value = header.accept_ack if number == _ACCEPT else header.application_ack
    except MessageError:  # not of the character set: the message is refused, and its sender is to hear that
        return "AL"
    return value if value in (None, "AL", "NE", "ER", "SU") else "AL"


def is_taken_in(receipt: Receipt) -> bool:
    """Accepted now, or as its first was: the answer is positive."""
    return receipt.reason is None and receipt.verdict is not Verdict.CONFLICT


def _outcome(verdict: Verdict, reason: Reason | None) -> Outcome:
    """A duplicate is answered as its first was: refused again, or accepted again."""
    if verdict is Verdict.CONFLICT:
        return "error"
    if reason is None:
        return "ok"
    return "reject" if reason.code in _REJECTED else "error"


def _frame(header: Header, code: Code, control_id: str, moment: datetime, reason: Reason | None) -> bytes:
    if reason is None or code in ("AA", "CA"):
        return frame(acknowledge.build(header, code, control_id, moment))
    error = AckError(_CONDITIONS.get(reason.code, acknowledge.INTERNAL), f"{reason.code} {reason.text}", reason.where)
    return frame(acknowledge.build(header, code, control_id, moment, reason.text, (error,)))
