"""What all messages of one sender and type have in common, worked out once.

From one message to the next only time and ids change in MSH (MSH-7, MSH-10, MSH-13). The rest of the line decides who
sent it, what it is, and what its acknowledgement looks like but for time, ids and code.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from engine.connectors.hl7v2_mllp.answers import Answer
from engine.core.errors import MessageError
from engine.core.ids import id_text
from engine.ports.connector import Receipt
from engine.protocols.hl7v2 import acknowledge
from engine.protocols.hl7v2.delimiters import STANDARD
from engine.protocols.hl7v2.framing import frame
from engine.protocols.hl7v2.header import Header, peek

_KNOWN_LIMIT = 1024
_TIME, _CONTROL_ID, _SEQUENCE = 6, 9, 12  # MSH-7, MSH-10, MSH-13 in a line split at its separator
_SHORTEST = 12  # fields, up to MSH-12


class Sender(msgspec.Struct, frozen=True):
    """One kind of message from one place. `header` is the first one's: its time and ids are not another message's.

    `replies`: for each acknowledgement of a message that was taken in, what stands around time, own id and control id,
    the code, and what the own id ends in.
    """

    header: Header
    scope: str
    message_type: str
    replies: tuple[tuple[acknowledge.Frame, bytes, str], ...]

    def acknowledge(self, control_id: bytes, receipt: Receipt) -> bytes:
        """The frames for a message that was taken in, and whose delivery nobody waits for."""
        stamp, own_id = acknowledge.stamp(receipt.received_at), id_text(receipt.message_id)
        frames = [
            frame(b"".join((before, stamp, between, (own_id + suffix).encode(), after, code, control_id, b"\r")))
            for (before, between, after), code, suffix in self.replies
        ]
        return frames[0] if len(frames) == 1 else b"".join(frames)


class Senders:
    """Those met so far. `scope` tells for whom a header's control id is unique."""

    def __init__(self, charset: str | None, scope: Callable[[Header], str]) -> None:
        self._charset, self._scope = charset, scope
        self._known: dict[bytes, Sender] = {}

    def of(self, body: bytes) -> tuple[Sender, bytes] | None:
        """The sender of a message that is one alone with carriage returns, and its control id.

        None: anything is unusual about its header; it is read the long way.
        """
        end = body.find(b"\r")
        fields = body[:end].split(b"|")
        if end < 0 or len(fields) < _SHORTEST or not fields[_CONTROL_ID].isalnum():
            return None
        control_id, fields[_TIME], fields[_CONTROL_ID] = fields[_CONTROL_ID], b"", b""
        if len(fields) > _SEQUENCE:
            fields[_SEQUENCE] = b""
        line = b"|".join(fields)
        sender = self._known.get(line) or self._meet(line, body)
        return None if sender is None else (sender, control_id)

    def _meet(self, line: bytes, body: bytes) -> Sender | None:
        if len(self._known) >= _KNOWN_LIMIT:
            return None
        try:
            header = peek(body, self._charset)
            if header.delimiters is not STANDARD or header.layout.codec or header.is_called_acknowledgement:
                return None
            sender = Sender(header, self._scope(header), header.message_type, _replies(header))
        except MessageError:  # told where the message is refused
            return None
        self._known[line] = sender
        return sender


def _replies(header: Header) -> tuple[tuple[acknowledge.Frame, bytes, str], ...]:
    around = acknowledge.frame_of(header)
    return tuple((around, code.encode() + b"|", suffix) for code, suffix in Answer(header, False).when_taken)
