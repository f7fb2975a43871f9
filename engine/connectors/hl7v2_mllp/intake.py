"""From a frame to the messages in it, ready for the journal."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from engine.connectors.hl7v2_mllp.senders import Sender, Senders
from engine.core.errors import MessageError, StructureError
from engine.ports.connector import Reason, Received
from engine.protocols.hl7v2.batch import is_batch, split_batch
from engine.protocols.hl7v2.header import Header, check_charset, peek
from engine.protocols.hl7v2.message import Hl7Message

_SCOPES_LIMIT = 1024


class Taken(msgspec.Struct, frozen=True):
    """One message of a frame. `header` is None when it has none that can be read; `plain` as `is_plain` says.

    With a `sender` the header is that of the sender's first message; `control_id` is MSH-10 of this one then.
    """

    received: Received
    header: Header | None
    plain: bool = False
    sender: Sender | None = None
    control_id: bytes = b""

    @property
    def is_acknowledgement(self) -> bool:
        """Answers are not answered."""
        if self.header is None:
            return False
        try:
            return self.header.is_called_acknowledgement if self.plain else self.header.is_acknowledgement
        except MessageError:  # its type cannot be read: it is refused, and its sender is to hear that
            return False


class Intake:
    """Reads headers and judges what can be judged at the door.

    Args:
        channel: control ids are unique for a sender within it.
        charset: the channel's word against MSH-18.
        strict: tolerated deviations are refused.
    """

    def __init__(self, channel: str, charset: str | None, strict: bool) -> None:
        self._channel, self._charset, self._strict = channel, charset, strict
        self._scopes: dict[bytes, str] = {}
        self._senders = Senders(charset, self._scope)

    def take(self, body: bytes, attributes: Mapping[str, str], plain: bool = False) -> Taken:
        """One message; a refusal is on it when it must be refused."""
        known = self._senders.of(body) if plain else None
        if known is not None:
            return self._taken(body, attributes, *known)
        return self._take_slowly(body, attributes, plain)

    def reread(self, taken: Taken) -> Taken:
        """The same message with the header that is its own."""
        return self._take_slowly(taken.received.body, taken.received.attributes, taken.plain)

    def _taken(self, body: bytes, attributes: Mapping[str, str], sender: Sender, control_id: bytes) -> Taken:
        refusal = self._refusal(body, sender.header)
        if refusal is not None:
            return self._take_slowly(body, attributes, plain=True)
        natural_id = control_id.decode("ascii")
        received = Received(body, natural_id, sender.message_type, sender.scope, attributes)
        return Taken(received, sender.header, True, sender, control_id)

    def _refusal(self, body: bytes, header: Header) -> Reason | None:
        try:
            check_charset(body, header)
            if self._strict:
                _refuse_deviations(body, self._charset)
        except MessageError as error:
            return _reason(error)
        return None

    def _take_slowly(self, body: bytes, attributes: Mapping[str, str], plain: bool) -> Taken:
        try:
            header = peek(body, self._charset)
        except MessageError as error:
            return self.refuse(body, attributes, error)
        return Taken(self._received(body, header, attributes), header, plain)

    def refuse(self, body: bytes, attributes: Mapping[str, str], error: MessageError) -> Taken:
        """Bytes that are kept as REFUSED, and whose sender cannot be answered."""
        return Taken(Received(body, attributes=attributes, refusal=_reason(error)), None)

    def messages(self, body: bytes) -> tuple[bytes, ...]:
        """The messages of a batch, or of a frame that holds several.

        Raises:
            StructureError: a batch without messages; with `strict` also wrong counts.
        """
        batch = split_batch(body, self._strict)
        if not batch.messages:
            raise StructureError("a batch without messages", where="BHS")
        return batch.messages

    def _scope(self, header: Header) -> str:
        """Whom the control id is unique for: the sending application and facility, in this channel."""
        written = header.field(3) + b"\r" + header.field(4)
        known = self._scopes.get(written)
        if known is None:
            known = f"{self._channel}/{header.sending_application or ''}/{header.sending_facility or ''}"
            if len(self._scopes) < _SCOPES_LIMIT:
                self._scopes[written] = known
        return known

    def _received(self, body: bytes, header: Header, attributes: Mapping[str, str]) -> Received:
        refusal = self._refusal(body, header)
        if refusal is not None:
            return Received(body, attributes=attributes, refusal=refusal)
        try:
            natural_id, kind, scope = header.control_id, header.message_type, self._scope(header)
        except MessageError as error:
            return Received(body, attributes=attributes, refusal=_reason(error))
        return Received(body, natural_id, kind, scope, attributes)


def is_plain(body: bytes) -> bool:
    """One message whose lines end as they should, and no MSA in it: nearly all are, and one search tells."""
    return _find_mark(body) is None and b"\n" not in body and not is_batch(body)


def holds_several(body: bytes) -> bool:
    """A batch, or several messages without an envelope: they must never be taken for one."""
    return _find_another(body) is not None or is_batch(body) or (b"\n" in body and b"\nMSH" in body)


_find_mark = re.compile(rb"\rMS[AH]").search
_find_another = re.compile(rb"\rMSH").search  # half the time of `in`


def _refuse_deviations(body: bytes, charset: str | None) -> None:
    findings = Hl7Message.parse(body, charset).findings
    if findings:
        raise StructureError(f"{findings[0].code} {findings[0].text}", where=findings[0].where)


def _reason(error: MessageError) -> Reason:
    return Reason(error.code, error.what, error.where, error.remedy)
