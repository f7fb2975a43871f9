"""A delivery as a mail: the same Message-ID at every attempt, addresses that nobody smuggled in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from engine.connectors.file.destination import short_key
from engine.connectors.formats import Encoded
from engine.connectors.mail.settings import SmtpDestinationSettings, is_mail_address
from engine.core.errors import DestinationError, MessageError
from engine.core.ids import id_text
from engine.ports.connector import Attachment, Outbound
from engine.protocols.json_message import JsonMessage
from engine.protocols.mail.read import clean_name


def recipients(settings: SmtpDestinationSettings, outbound: Outbound) -> list[str]:
    """
    Raises:
        DestinationError: the document has no address where one should be, or one outside `domains`.
    """
    found = list(settings.to)
    if settings.to_field is not None:
        found.append(_address_in(outbound, settings))
    return found


def _address_in(outbound: Outbound, settings: SmtpDestinationSettings) -> str:
    path = settings.to_field or ""
    try:
        address = JsonMessage.parse(outbound.body).get(path)
    except MessageError:
        raise DestinationError("the delivery is no document", where=path, remedy="send a document here") from None
    if address is None or not is_mail_address(address):
        raise DestinationError("there is no mail address", where=path, remedy="correct the supplier's address")
    if address.rpartition("@")[2].lower() not in settings.domains:
        raise DestinationError(
            "the address is not in one of `domains`", where=path, remedy="correct it, or add its domain"
        )
    return address


def mail_of(
    settings: SmtpDestinationSettings,
    outbound: Outbound,
    encoded: Encoded,
    files: Sequence[Attachment],
    to: Sequence[str],
    now: datetime,
) -> EmailMessage:
    """
    Raises:
        DestinationError: it would be larger than max_size.
    """
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"] = settings.sender, ", ".join(to)
    mail["Subject"] = _filled(settings.subject, outbound)
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = message_id_of(settings, outbound)
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
    mail.set_content(settings.text or "\n")
    _attach(mail, Attachment(_filled(settings.file_name, outbound), settings.media_type, encoded.body))
    for file in files:
        _attach(mail, file)
    if len(mail.as_bytes()) > settings.max_size:
        raise DestinationError("the mail is too large", remedy="raise max_size, or send without attachments")
    return mail


def message_id_of(settings: SmtpDestinationSettings, outbound: Outbound) -> str:
    return f"<{short_key(outbound.idempotency_key)}@{settings.sender.rpartition('@')[2]}>"


def _filled(template: str, outbound: Outbound) -> str:
    """One line: what a document puts into it cannot begin another header."""
    fields = {
        "natural_key": outbound.natural_key or "",
        "kind": outbound.kind or "",
        "message_id": id_text(outbound.message_id),
        "key": short_key(outbound.idempotency_key),
    }
    text = template
    for name, value in fields.items():
        text = text.replace(f"{{{name}}}", value)
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())


def _attach(mail: EmailMessage, file: Attachment) -> None:
    main, _, sub = file.media_type.partition("/")
    if main in ("multipart", "message") or not sub:
        main, sub = "application", "octet-stream"
    mail.add_attachment(file.body, maintype=main, subtype=sub, filename=clean_name(file.name))
