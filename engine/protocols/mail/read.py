"""A mail as it came: who sent it, its text, and its files with clean names. Source: RFC 5322, RFC 2045 to 2049.

What a mail says of itself is not proved: `sender` is what stands in From. Whether the mail's server checked it
(SPF, DKIM, DMARC) is the server's matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from email import policy
from email.errors import CloseBoundaryNotFoundDefect, InvalidBase64LengthDefect
from email.errors import MessageError as PythonMailError
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import getaddresses
from typing import NamedTuple

from engine.core.errors import FramingError, SizeLimitError, StructureError
from engine.protocols.mail.kinds import FileRefusedError, looks_executable, refuse_kind

MOST_PARTS = 200
DEEPEST = 10
_LONGEST_NAME = 150  # characters
_UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|\u200e\u200f\u202a-\u202e\u2066-\u2069]+')  # folders, control, direction
_MESSAGE_ID = re.compile(r"<[\x21-\x7e]{1,250}>")


class MailFile(NamedTuple):
    """One file of a mail. `name` has no folder and no control character; `place` is its part: `1.2`."""

    place: str
    name: str
    media_type: str
    body: bytes


class Mail(NamedTuple):
    """`message_id` with its angle brackets; None: the mail has none that can be used. `sent_at` as its Date says."""

    message_id: str | None
    sender: str
    recipients: tuple[str, ...]
    subject: str
    sent_at: datetime | None
    text: str
    files: tuple[MailFile, ...]


def read_mail(raw: bytes) -> Mail:
    """
    Raises:
        StructureError: not a mail that can be read, or one that is encrypted.
        SizeLimitError: more parts, or deeper ones, than a mail may have.
        FileRefusedError: a program among its files.
        FramingError: one of its files is not whole.
    """
    try:
        message = BytesParser(EmailMessage, policy=_POLICY).parsebytes(raw)
        return _mail(message)
    except (PythonMailError, ValueError, LookupError, TypeError, AttributeError, IndexError, RecursionError) as error:
        # The library's parser of headers raises many kinds on hostile ones.
        raise StructureError(f"the mail cannot be read: {type(error).__name__}") from None


_POLICY = policy.default.clone(max_line_length=None, raise_on_defect=False)


def _mail(message: EmailMessage) -> Mail:
    text, files = "", []
    for place, part in _leaves(message):
        refuse_kind(part.get_content_type(), part.get_content_disposition() or "", place)
        if part.get_content_maintype() == "text" and not _is_file(part):
            text = text or _text(part)
        elif (file := _file(place, part)) is not None:
            files.append(file)
    return Mail(
        message_id=message_id(str(message.get("Message-ID", ""))),
        sender=_first_address(message, "From"),
        recipients=tuple(_addresses(message, "To", "Cc")),
        subject=_line(str(message.get("Subject", ""))),
        sent_at=_date(message),
        text=text,
        files=tuple(files),
    )


def _leaves(message: EmailMessage) -> Iterator[tuple[str, EmailMessage]]:
    """Parts that hold something, with their place. A mail within a mail is a file."""
    waiting: list[tuple[str, int, EmailMessage]] = [("1", 1, message)]
    seen = 0
    while waiting:
        place, depth, part = waiting.pop()
        seen += 1
        if seen > MOST_PARTS or depth > DEEPEST:
            raise SizeLimitError(f"the mail has more than {MOST_PARTS} parts, or {DEEPEST} levels of them", where=place)
        if part.get_content_maintype() != "multipart":
            yield place, part
            continue
        refuse_kind(part.get_content_type(), "", place)
        if any(isinstance(defect, CloseBoundaryNotFoundDefect) for defect in part.defects):
            raise FramingError("the mail is cut off", where=f"part {place}", remedy="ask the sender to send it again")
        inner = [one for one in part.iter_parts() if isinstance(one, EmailMessage)]
        inside = [(f"{place}.{number}", depth + 1, one) for number, one in enumerate(inner, 1)]
        waiting += reversed(inside)


def _is_file(part: EmailMessage) -> bool:
    return part.get_content_disposition() == "attachment" or part.get_filename() is not None


def _text(part: EmailMessage) -> str:
    if part.get_content_type() != "text/plain":
        return ""
    payload = part.get_payload(decode=True)
    raw = payload if isinstance(payload, bytes) else b""
    try:
        return raw.decode(part.get_content_charset("utf-8"), "replace").replace("\r\n", "\n")
    except LookupError:  # a charset that nobody knows
        return raw.decode("utf-8", "replace").replace("\r\n", "\n")


def _file(place: str, part: EmailMessage) -> MailFile | None:
    if part.get_content_type() == "message/rfc822":
        inner = [one for one in part.iter_parts() if isinstance(one, EmailMessage)]
        body = inner[0].as_bytes() if inner else b""
        return MailFile(place, clean_name(part.get_filename() or "mail.eml"), "message/rfc822", body)
    payload = part.get_payload(decode=True)
    body = payload if isinstance(payload, bytes) else b""
    if any(isinstance(defect, InvalidBase64LengthDefect) for defect in part.defects):
        remedy = "ask the sender to send it again"
        raise FramingError("a file of the mail is cut off or damaged", where=f"part {place}", remedy=remedy)
    if not _is_file(part) and (part.get_content_maintype() == "text" or not body):
        return None
    name = clean_name(part.get_filename() or f"part-{place}")
    if looks_executable(name, body):
        raise FileRefusedError("a program is attached", where=f"part {place}", remedy="send documents only")
    return MailFile(place, name, part.get_content_type(), body)


def clean_name(name: str) -> str:
    """Without folders, control characters, and marks that change the direction of writing; never empty."""
    cleaned = _UNSAFE.sub("_", name.encode("utf-8", "replace").decode("utf-8")).strip(". ")
    if len(cleaned) > _LONGEST_NAME:
        stem, dot, ending = cleaned.rpartition(".")
        keep = f".{ending}" if dot and len(ending) <= 10 else ""
        cleaned = (stem or cleaned)[: _LONGEST_NAME - len(keep)] + keep
    return cleaned or "unnamed"


def message_id(header: str) -> str | None:
    """`<…@…>` of a Message-ID header; None when there is none that can be compared."""
    found = _MESSAGE_ID.search(header)
    return found[0] if found else None


def _addresses(message: EmailMessage, *names: str) -> list[str]:
    values = [str(value) for name in names for value in message.get_all(name, [])]
    return [address for _, address in getaddresses(values) if address]


def _first_address(message: EmailMessage, name: str) -> str:
    """Empty unless there is exactly one: a mail with two authors could show one and mean the other."""
    found = _addresses(message, name)
    return found[0].lower() if len(found) == 1 else ""


def _line(text: str) -> str:
    return " ".join(text.split())[:998]


def _date(message: EmailMessage) -> datetime | None:
    found = getattr(message.get("Date"), "datetime", None)
    return found if isinstance(found, datetime) else None
