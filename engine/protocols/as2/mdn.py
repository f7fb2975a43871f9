"""Receipts: message disposition notifications, written and read. Source: RFC 4130 § 7, RFC 8098."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from cryptography import x509

from engine.protocols.as2.faults import As2Error, Modifier
from engine.protocols.as2.keys import Identity
from engine.protocols.as2.message import signed_entity, verified
from engine.protocols.as2.mime import (
    ContentType,
    Entity,
    boundary_for,
    broken,
    canonical,
    entity,
    headers,
    joined,
    parse,
    split,
)

REPORT = "multipart/report"
_MODE = "automatic-action/MDN-sent-automatically"
_DISPOSITION = re.compile(
    r"(processed|failed|displayed)\s*(?:/\s*(error|warning|failure)\s*(?::\s*(.*))?)?", re.I | re.S
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


class Disposition(NamedTuple):
    """`processed`, `processed/error: decryption-failed`, `failed/failure: …`."""

    status: str = "processed"
    kind: str = ""
    modifier: str = ""

    @classmethod
    def of_error(cls, modifier: Modifier) -> Disposition:
        failed = modifier in (Modifier.UNSUPPORTED_FORMAT, Modifier.UNSUPPORTED_MIC)
        return cls("failed", "failure", modifier) if failed else cls("processed", "error", modifier)

    @classmethod
    def of(cls, text: str) -> Disposition | None:
        found = _DISPOSITION.match(text.partition(";")[2].strip())
        if found is None:
            return None
        return cls(found[1].lower(), (found[2] or "").lower(), _CONTROL.sub(" ", found[3] or "").strip()[:100])

    @property
    def is_good(self) -> bool:
        """Processed, perhaps with a warning; a document that the partner has already is there, too."""
        return (self.status == "processed" and self.kind in ("", "warning")) or self.is_duplicate

    @property
    def is_duplicate(self) -> bool:
        return self.modifier.lower().startswith("duplicate-document")

    def __str__(self) -> str:
        kind = f"/{self.kind}" if self.kind else ""
        return f"{self.status}{kind}{f': {self.modifier}' if self.modifier else ''}"


class Receipt(NamedTuple):
    """What a receipt says.

    Args:
        recipient: AS2 name of whom the message was for.
        mic: base64, and the digest's name as it is written; None: none is named.
        text: for people.
    """

    original_message_id: str
    recipient: str
    disposition: Disposition
    mic: tuple[str, str] | None = None
    text: str = ""


class ReadReceipt(NamedTuple):
    """A receipt that came; `signed`: the digest of its signature, which was right, or None."""

    receipt: Receipt
    signed: str | None


def write(receipt: Receipt, agent: str, signing: tuple[Identity, str, datetime] | None) -> Entity:
    """The receipt as an entity, signed with (identity, digest, time) when that is given."""
    fields = {
        "Reporting-UA": agent,
        "Original-Recipient": f"rfc822; {_line(receipt.recipient)}",
        "Final-Recipient": f"rfc822; {_line(receipt.recipient)}",
        "Original-Message-ID": _line(receipt.original_message_id),
        "Disposition": f"{_MODE}; {receipt.disposition}",
    }
    if receipt.mic is not None:
        fields["Received-content-MIC"] = f"{receipt.mic[0]}, {receipt.mic[1]}"
    words = {"Content-Type": "text/plain; charset=utf-8", "Content-Transfer-Encoding": "8bit"}
    told = {"Content-Type": "message/disposition-notification", "Content-Transfer-Encoding": "7bit"}
    parts = [entity(words, canonical(receipt.text.encode()) + b"\r\n"), entity(told, entity(fields, b""))]
    boundary = boundary_for(parts, b"report")
    kind = f'{REPORT}; report-type=disposition-notification; boundary="{boundary}"'
    report = entity({"Content-Type": kind}, joined(parts, boundary))
    if signing is None:
        return parse(report)
    return parse(signed_entity(report, *signing))


def is_receipt(headers: Mapping[str, str], body: bytes) -> bool:
    """Whether what came over HTTP is a receipt, signed or not, and no message."""
    try:
        return _report(Entity(headers, body, b"")) is not None
    except As2Error:
        return False


def peek(headers: Mapping[str, str], body: bytes) -> str | None:
    """Which message it is for, before anything is verified; None: it cannot be told."""
    try:
        report = _report(Entity(headers, body, b""))
        return None if report is None else _receipt(report).original_message_id
    except As2Error:
        return None


def read(
    headers: Mapping[str, str], body: bytes, theirs: Sequence[x509.Certificate], digests: Sequence[str]
) -> ReadReceipt:
    """Read a receipt that came over HTTP (header names in lower case).

    Raises:
        As2Error: it is none, or its signature is wrong.
    """
    outer = Entity(headers, body, b"")
    report = _report(outer)
    if report is None:
        raise broken("this is no receipt", "Content-Type")
    if outer.content_type.type != "multipart/signed":
        return ReadReceipt(_receipt(report), None)
    parts = _parts(outer, outer.content_type)
    _, name = verified(parts[0], parse(parts[1]).decoded(), theirs, digests)
    return ReadReceipt(_receipt(report), name)


def _report(outer: Entity) -> Entity | None:
    """The multipart/report in it, not verified."""
    kind = outer.content_type
    if kind.type == "multipart/signed":
        parts = _parts(outer, kind)
        if len(parts) != 2:
            return None
        outer = parse(parts[0])
        kind = outer.content_type
    return outer if kind.type == REPORT else None


def _receipt(report: Entity) -> Receipt:
    parts = [parse(raw) for raw in _parts(report, report.content_type)]
    told = next((one for one in parts if one.content_type.type == "message/disposition-notification"), None)
    if told is None:
        raise broken("a receipt without its disposition", "Disposition")
    fields = headers(told.decoded())
    disposition = Disposition.of(fields.get("disposition", ""))
    if disposition is None:
        raise broken("a receipt without its disposition", "Disposition")
    value, _, name = fields.get("received-content-mic", "").partition(",")
    return Receipt(
        fields.get("original-message-id", ""),
        fields.get("final-recipient", "").partition(";")[2].strip(),
        disposition,
        (value.strip(), name.strip()) if value.strip() else None,
        next((one.decoded().decode("utf-8", "replace") for one in parts if one.content_type.type == "text/plain"), ""),
    )


def _parts(outer: Entity, kind: ContentType) -> list[bytes]:
    return split(outer.body, kind.parameters.get("boundary", ""))


def _line(text: str) -> str:
    return _CONTROL.sub("", text)
