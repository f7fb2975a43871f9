"""MLLP: messages in a byte stream, `<VT> message <FS><CR>`. No I/O: bytes in, messages out.

Source: HL7 Minimal Lower Layer Protocol, release 1; release 2 adds the one-byte frames ACK (06) and NAK (15).
"""

from __future__ import annotations

from typing import Final

from engine.core.errors import FramingError, IsthmusError, SizeLimitError
from engine.protocols.hl7v2.findings import Finding, FindingCode

START: Final = b"\x0b"
END: Final = b"\x1c\r"
COMMIT: Final = b"\x06"
NEGATIVE: Final = b"\x15"
_END_BYTE = END[:1]

DEFAULT_LIMIT = 16 * 1024 * 1024
"""Bytes of one message: far above scanned documents in base64, far below what hurts a 4 GB machine."""

JUNK_LIMIT = 64 * 1024
"""Bytes outside any frame: a peer that sends more does not speak MLLP."""

_RESTARTS = (b"\x0bMSH", b"\x0bFHS", b"\x0bBHS")


def frame(body: bytes) -> bytes:
    """The bytes to send for one message (or for `COMMIT` and `NEGATIVE` of release 2)."""
    return START + body + END


class MllpFramer:
    """Cuts one connection's bytes into messages, however the bytes are split.

    Bytes outside a frame are dropped and counted in `discarded`. A frame that starts anew inside another one was
    cut off by its sender: the torn part is dropped and counted in `torn`, never joined to the next message.

    Args:
        max_bytes: of one message.
    """

    __slots__ = ("_blank", "_buffer", "_inside", "_junk", "_searched", "discarded", "fault", "max_bytes", "torn")

    def __init__(self, max_bytes: int = DEFAULT_LIMIT) -> None:
        self.max_bytes = max_bytes
        self.discarded, self.torn, self._blank = 0, 0, 0
        self.fault: IsthmusError | None = None
        self._buffer, self._inside, self._searched, self._junk = bytearray(), False, 0, 0

    @property
    def pending(self) -> int:
        """Bytes of a message that has begun and not ended."""
        return len(self._buffer)

    @property
    def idle(self) -> bool:
        """No message has begun."""
        return not self._inside

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was dropped so far, line ends between frames aside."""
        found = []
        if self.discarded > self._blank:
            text = f"{self.discarded - self._blank} bytes outside any frame dropped"
            found.append(Finding(FindingCode.JUNK_BETWEEN_FRAMES, "MLLP", text))
        if self.torn:
            found.append(Finding(FindingCode.TORN_FRAME, "MLLP", f"{self.torn} messages cut off by their sender"))
        return tuple(found)

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that these bytes complete, in order, without their frames.

        After a fault nothing more can be read. Messages that were complete before it are still returned; the
        fault is then raised by the next call, and can be seen in `fault` at once.

        Raises:
            SizeLimitError: a message is longer than `max_bytes`; no more than that is kept.
            FramingError: more than `JUNK_LIMIT` bytes in a row outside any frame.
        """
        if self.fault is not None:
            raise self.fault
        # Single bytes are looked for: a search for two of them costs ten times as much.
        whole = not self._inside and data.endswith(END) and data.rfind(START) == 0
        if whole and data.find(_END_BYTE) == len(data) - 2 <= self.max_bytes + 1:
            self._junk = 0
            return [data[1:-2]]  # the frequent case: one packet, one whole message
        frames = self._cut(data)
        if self.fault is not None and not frames:
            raise self.fault
        return frames

    def _cut(self, data: bytes) -> list[bytes]:
        self._buffer += data
        frames: list[bytes] = []
        while self._enter() and self.fault is None:
            end = self._buffer.find(END, max(self._searched - 1, 0))
            if end < 0:
                self._searched = len(self._buffer)
                self._check_size(len(self._buffer))
                break
            self._check_size(end)
            if self.fault is None:
                frames.append(self._whole(bytes(self._buffer[:end])))
                del self._buffer[: end + len(END)]
                self._inside, self._searched = False, 0
        return frames

    def _enter(self) -> bool:
        """Find the start of a message; what stands before it is junk."""
        if self._inside:
            return True
        start = self._buffer.find(START)
        junk = len(self._buffer) if start < 0 else start
        self.discarded += junk
        self._blank += junk if junk <= len(END) and not self._buffer[:junk].strip() else 0
        self._junk += junk
        if self._junk > JUNK_LIMIT:
            self.fault = FramingError("bytes that are not MLLP: no start block", where=f"after {JUNK_LIMIT} bytes")
        del self._buffer[: junk if start < 0 else start + 1]
        self._inside = start >= 0
        if self._inside:
            self._junk = 0
        return self._inside

    def _whole(self, body: bytes) -> bytes:
        if START not in body:
            return body
        restart = max(body.rfind(mark) for mark in _RESTARTS)
        if restart < 0:
            return body  # a vertical tab in a text
        self.torn += 1
        self.discarded += restart + 1
        return body[restart + 1 :]

    def _check_size(self, size: int) -> None:
        if size > self.max_bytes:
            self.fault = SizeLimitError("the message is longer than allowed", where=f"after {self.max_bytes} bytes")
            self._buffer.clear()
