"""Batches: FHS, BHS, messages, BTS, FTS. Split and written byte for byte, counts checked.

Source: HL7 v2.9 chapter 2, section 2.10.3 and the segments BHS, BTS, FHS, FTS.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from engine.core.errors import StructureError
from engine.protocols.hl7v2.datatypes import write_moment
from engine.protocols.hl7v2.delimiters import STANDARD, Delimiters, read_delimiters
from engine.protocols.hl7v2.escapes import escape
from engine.protocols.hl7v2.findings import Finding, FindingCode
from engine.protocols.hl7v2.lines import join_fields, split_fields

Kind = Literal["MSH", "FHS", "BHS", "BTS", "FTS", "other"]

_STARTS = re.compile(rb"(?:(?<=[\r\n])|\A|(?<=\A\xef\xbb\xbf))(FHS|BHS|MSH|BTS|FTS)(?![A-Za-z0-9])")
_LINE_ENDS = b"\r\n"


class Piece(NamedTuple):
    """A part of a file with its line ends: a message (`MSH`), an envelope line, or `other` bytes between them."""

    kind: Kind
    body: bytes


class Batch(NamedTuple):
    """What a file or frame holds, in order; the bodies joined are the bytes it was read from."""

    pieces: tuple[Piece, ...]
    findings: tuple[Finding, ...]

    @property
    def messages(self) -> tuple[bytes, ...]:
        return tuple(piece.body for piece in self.pieces if piece.kind == "MSH")

    @property
    def header(self) -> bytes | None:
        """The first batch header, or the file header when there is none."""
        envelope = {piece.kind: piece.body for piece in reversed(self.pieces)}
        return envelope.get("BHS") or envelope.get("FHS")

    def encode(self) -> bytes:
        return b"".join(piece.body for piece in self.pieces)


def is_batch(body: bytes) -> bool:
    return body.startswith((b"FHS", b"BHS"))


def split_batch(data: bytes, strict: bool = False) -> Batch:
    """Take a file apart.

    Args:
        strict: a wrong count or a missing envelope line is an error, not a finding.

    Raises:
        StructureError: at the envelope line.
    """
    starts = [(match.start(), match[1].decode()) for match in _STARTS.finditer(data)]
    pieces = [Piece("other", data[: starts[0][0] if starts else len(data)])]
    ends = [start for start, _ in starts[1:]] + [len(data)]
    for (start, kind), end in zip(starts, ends, strict=False):  # without any start there still is one end
        pieces.append(Piece(kind, data[start:end]))  # type: ignore[arg-type]  # the pattern has these kinds
    findings = tuple(_check(pieces))
    if strict and findings:
        raise StructureError(findings[0].text, where=findings[0].where)
    return Batch(tuple(piece for piece in pieces if piece.body), findings)


class _Counter:
    """Walks the envelope and compares what it says with what is there."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self._batches, self._messages = 0, 0
        self._in_batch, self._in_file = False, False

    def take(self, piece: Piece) -> None:
        if piece.kind == "FHS":
            self._in_file, self._batches = True, 0
        elif piece.kind == "BHS":
            self._close_batch()
            self._in_batch, self._messages = True, 0
            self._batches += 1
        elif piece.kind == "MSH":
            self._messages += 1
        elif piece.kind == "BTS":
            self._end_batch(piece)
        elif piece.kind == "FTS":
            self._end_file(piece)

    def finish(self) -> None:
        self._close_batch()
        if self._in_file:
            self._note(FindingCode.BATCH_ENVELOPE, "FTS", "the file has a header FHS and no trailer FTS")

    def _end_batch(self, piece: Piece) -> None:
        where = f"BTS[{max(self._batches, 1)}]"
        if not self._in_batch:
            self._note(FindingCode.BATCH_ENVELOPE, where, "a batch trailer BTS without its header BHS")
        self._compare(piece, self._messages, f"{where}-1", "messages in the batch")
        self._in_batch = False

    def _end_file(self, piece: Piece) -> None:
        self._close_batch()
        if not self._in_file:
            self._note(FindingCode.BATCH_ENVELOPE, "FTS", "a file trailer FTS without its header FHS")
        self._compare(piece, self._batches, "FTS-1", "batches in the file")
        self._in_file = False

    def _close_batch(self) -> None:
        if self._in_batch:
            where = f"BTS[{self._batches}]"
            self._note(FindingCode.BATCH_ENVELOPE, where, "the batch has a header BHS and no trailer BTS")
        self._in_batch = False

    def _compare(self, piece: Piece, counted: int, where: str, what: str) -> None:
        declared = piece.body[4:].strip(_LINE_ENDS).split(piece.body[3:4] or b"|")[0]
        if declared and not (declared.isdigit() and int(declared[:18]) == counted):
            self._note(FindingCode.BATCH_COUNT, where, f"the count differs from the {counted} {what}")

    def _note(self, code: FindingCode, where: str, text: str) -> None:
        self.findings.append(Finding(code, where, text))


def _check(pieces: Iterable[Piece]) -> list[Finding]:
    counter = _Counter()
    for piece in pieces:
        counter.take(piece)
    counter.finish()
    return counter.findings


def write_batch(
    messages: Sequence[bytes],
    control_id: str,
    moment: datetime,
    sender: tuple[str, str] = ("", ""),
    receiver: tuple[str, str] = ("", ""),
) -> bytes:
    """One batch with its count; messages go in as they are, ended by CR where they are not.

    Args:
        sender: application and facility (BHS-3, BHS-4); receiver alike (BHS-5, BHS-6).
        moment: BHS-7, aware.
    """
    names = [escape(name, STANDARD, "BHS").encode("ascii") for name in (*sender, *receiver)]
    return _wrap(STANDARD, names, control_id, moment, b"", messages)


def acknowledge_batch(header: bytes, acknowledgements: Sequence[bytes], control_id: str, moment: datetime) -> bytes:
    """The acknowledgements of a batch's messages as one batch; BHS-12 names the batch that they answer.

    Args:
        header: the BHS (or FHS) line that was received.
    """
    line = header.strip(_LINE_ENDS)
    delimiters = read_delimiters(line)
    fields = split_fields(line, delimiters) + [b""] * 12
    names = [fields[5], fields[6], fields[3], fields[4]]
    return _wrap(delimiters, names, control_id, moment, fields[11], acknowledgements)


def _wrap(
    delimiters: Delimiters,
    names: list[bytes],
    control_id: str,
    moment: datetime,
    reference: bytes,
    messages: Sequence[bytes],
) -> bytes:
    own_id = escape(control_id, delimiters, "BHS-11").encode("ascii")
    head = [b"BHS", delimiters.field, delimiters.encoding_characters, *names, write_moment(moment).encode()]
    head += [b"", b"", b"", own_id, *([reference] if reference else [])]
    tail = [b"BTS", str(len(messages)).encode()]
    bodies = [message if message.endswith(b"\r") else message + b"\r" for message in messages]
    return b"".join([join_fields(head, delimiters), b"\r", *bodies, join_fields(tail, delimiters), b"\r"])
