"""A mail becomes messages: of its matching files, or of the mail itself."""

from __future__ import annotations

import hashlib
from fnmatch import fnmatchcase

import msgspec

from engine.connectors.intake import FileMessages
from engine.connectors.mail.settings import ImapSourceSettings
from engine.core.errors import MessageError, SizeLimitError, StructureError, UnacceptedTypeError
from engine.ports.connector import Attachment, ConnectorContext, Reason, Received
from engine.protocols.mail.read import Mail, MailFile, message_id, read_mail


class _Policy(msgspec.Struct, frozen=True):
    """How files of a mail become messages. `none`: natural ids are of this mail and place."""

    split: str
    deduplicate: str


class MailMessages:
    def __init__(self, settings: ImapSourceSettings, context: ConnectorContext) -> None:
        self._settings = settings
        by_mail = settings.deduplicate == "mail"
        self._files = FileMessages(_Policy(settings.split, "none" if by_mail else "content"), context, settings)

    def of(self, raw: bytes) -> list[Received]:
        """In the order of its files. A mail that is refused is one message, with the reason."""
        try:
            mail = read_mail(raw)
            self._let_in(mail.sender)
            token = mail.message_id or f"<{_digest(raw)}>"
            return self._as_one(mail, raw, token) if self._settings.body == "mail" else self._of_files(mail, token)
        except MessageError as error:
            return [refused(raw, error)]

    def too_large(self, head: bytes) -> Received:
        """Of a mail that was not read: its header is what is kept."""
        error = SizeLimitError("the mail is too large", remedy="raise max_size, or ask the sender for smaller mails")
        return refused(head, error)

    def _let_in(self, sender: str) -> None:
        patterns = self._settings.senders
        if patterns and not any(fnmatchcase(sender, pattern.lower()) for pattern in patterns):
            raise UnacceptedTypeError(
                "the sender is not one of `senders`", where="From", remedy="add the address, or leave the mail refused"
            )

    def _of_files(self, mail: Mail, token: str) -> list[Received]:
        wanted = [file for file in mail.files if file.body and _matches(file, self._settings.attachments)]
        if not wanted:
            raise StructureError(
                "no attached file is one that this channel takes", remedy="compare the mail with `attachments`"
            )
        messages = [one for file in wanted for one in self._split(file, mail, token)]
        others = _attachments([file for file in mail.files if file not in wanted])
        return [msgspec.structs.replace(messages[0], attachments=others), *messages[1:]]

    def _split(self, file: MailFile, mail: Mail, token: str) -> list[Received]:
        token = f"{token}/{file.place}"
        try:
            found = self._files.of(file.body, file.name, token)
        except MessageError as error:
            found = [self._files.refused(file.body, file.name, token, error)]
        facts = _facts(mail)
        return [msgspec.structs.replace(one, attributes={**one.attributes, **facts}) for one in found]

    def _as_one(self, mail: Mail, raw: bytes, token: str) -> list[Received]:
        files = [
            {"name": f.name, "media_type": f.media_type, "size": len(f.body), "digest": _digest(f.body)}
            for f in mail.files
        ]
        body = msgspec.json.encode(
            {
                "message_id": mail.message_id,
                "from": mail.sender,
                "to": mail.recipients,
                "subject": mail.subject,
                "sent_at": mail.sent_at,
                "text": mail.text,
                "attachments": files,
            }
        )
        natural_id = token if self._settings.deduplicate == "mail" else _digest(body)
        return [Received(body, natural_id, attributes=_facts(mail), attachments=_attachments(mail.files))]


def refused(raw: bytes, error: MessageError) -> Received:
    """The same mail refused again is the same message: it may be met twice after a crash."""
    found = message_id(raw[: 64 * 1024].decode("ascii", "replace"))
    reason = Reason(error.code, error.what, error.where, error.remedy)
    return Received(raw, f"{found or ''}!{_digest(raw)}", refusal=reason)


def _matches(file: MailFile, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(file.name.lower(), pattern.lower()) for pattern in patterns)


def _facts(mail: Mail) -> dict[str, str]:
    """What may stand beside a message. No subject and no text: they may name a patient."""
    facts = {"mail_from": mail.sender}
    return facts | ({"mail_id": mail.message_id} if mail.message_id else {})


def _attachments(files: tuple[MailFile, ...] | list[MailFile]) -> tuple[Attachment, ...]:
    return tuple(Attachment(file.name, file.media_type, file.body) for file in files)


def _digest(body: bytes) -> str:
    return hashlib.blake2b(body, digest_size=16).hexdigest()
