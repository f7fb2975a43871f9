"""A whole file of HL7 v2: one message, several, batches, or recorded MLLP frames."""

from __future__ import annotations

import re
from typing import NamedTuple

from engine.core.errors import IsthmusError, StructureError
from engine.protocols.hl7v2.batch import Batch, Piece, split_batch
from engine.protocols.hl7v2.findings import Finding, FindingCode
from engine.protocols.hl7v2.header import check_charset, peek
from engine.protocols.hl7v2.message import Hl7Message

_FRAME = re.compile(rb"\x0b(.*?)(\x1c\r?\n?|\Z)", re.DOTALL)
_FRAME_STARTS = (b"\x0bMSH", b"\x0bFHS", b"\x0bBHS")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_WIDE_STARTS = (b"\xff\xfe", b"\xfe\xff", b"M\0", b"\0M", b"\0\0")
_BLANK = b" \t\r\n\x0b\x1c"


class Hl7File(NamedTuple):
    """What a file holds. `pieces` joined are its bytes; `messages` are its messages, each proven readable."""

    pieces: tuple[Piece, ...]
    messages: tuple[Hl7Message, ...]
    findings: tuple[Finding, ...]

    def encode(self) -> bytes:
        """The file's bytes, each message written by its own view."""
        messages = iter(self.messages)
        return b"".join(bytes(next(messages)) if piece.kind == "MSH" else piece.body for piece in self.pieces)


def read_file(data: bytes, charset: str | None = None, strict: bool = False) -> Hl7File:
    """Read a file and prove that all of it can be read.

    Args:
        charset: overrules what the messages declare.
        strict: deviations of a batch's envelope are errors.

    Raises:
        StructureError: not HL7 v2 in its usual (ER7) encoding, or a header that declares impossible separators.
        CharsetError: bytes that are not of the declared character set.
    """
    batch = _pieces(data, strict)
    marked = data.startswith(_BYTE_ORDER_MARK)
    bodies = batch.messages
    if not bodies:
        raise StructureError("no message: nothing begins with MSH", where="MSH")
    messages = tuple(_message(body, charset, marked, n, len(bodies)) for n, body in enumerate(bodies, 1))
    return Hl7File(batch.pieces, messages, (*batch.findings, *_of_messages(messages)))


def split_file(data: bytes, strict: bool = False) -> Batch:
    """Only cut a file into its messages, without reading them. Raises StructureError as `read_file` does."""
    return _pieces(data, strict)


def _pieces(data: bytes, strict: bool) -> Batch:
    if data.lstrip(_BYTE_ORDER_MARK + _BLANK).startswith(b"<"):
        raise StructureError("XML, not the usual encoding of HL7 v2 (ER7)", where="byte 1")
    if data.startswith(_WIDE_STARTS):
        return Batch((Piece("MSH", data),), ())  # two or four bytes a character: one message
    if any(start in data for start in _FRAME_STARTS):
        return _frames(data, strict)
    batch = split_batch(data, strict)
    return batch._replace(findings=(*_leading(batch), *batch.findings))


def _frames(data: bytes, strict: bool) -> Batch:
    pieces: list[Piece] = []
    findings: list[Finding] = []
    position = 0
    for number, match in enumerate(_FRAME.finditer(data), 1):
        between = data[position : match.start()]
        if between.strip(_BLANK):
            text = "bytes outside the MLLP frames"
            findings.append(Finding(FindingCode.JUNK_BETWEEN_FRAMES, f"before frame {number}", text))
        inside = split_batch(match[1], strict)
        findings += inside.findings
        pieces += [Piece("other", between + b"\x0b"), *inside.pieces, Piece("other", match[2])]
        position = match.end()
    pieces.append(Piece("other", data[position:]))
    return Batch(tuple(piece for piece in pieces if piece.body), tuple(findings))


def _leading(batch: Batch) -> list[Finding]:
    first = batch.pieces[0] if batch.pieces else None
    if first is None or first.kind != "other":
        return []
    lead = first.body.removeprefix(_BYTE_ORDER_MARK)
    if lead.strip(_BLANK):
        raise StructureError("the file does not begin with MSH, FHS, BHS or an MLLP frame", where="byte 1")
    if lead != first.body:
        return [Finding(FindingCode.BYTE_ORDER_MARK, "byte 1", "a byte order mark before the header")]
    return [Finding(FindingCode.LEADING_BYTES, "byte 1", "blank bytes before the header")]


def _message(body: bytes, charset: str | None, marked: bool, number: int, count: int) -> Hl7Message:
    try:
        header = peek(body, charset)
        if charset is None and marked and not header.raw("MSH-18"):
            charset, header = "UNICODE UTF-8", peek(body, "UNICODE UTF-8")
        check_charset(body, header)
        return Hl7Message.parse(body, charset)
    except IsthmusError as error:
        where = f"message {number} {error.where or ''}".strip() if count > 1 else error.where
        raise type(error)(error.what, where=where, remedy=error.remedy) from None


def _of_messages(messages: tuple[Hl7Message, ...]) -> list[Finding]:
    found: list[Finding] = []
    for number, message in enumerate(messages, 1):
        prefix = f"message {number} " if len(messages) > 1 else ""
        found += [finding._replace(where=prefix + finding.where) for finding in message.findings]
    return found
