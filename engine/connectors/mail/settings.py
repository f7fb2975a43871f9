"""Settings of the `imap` source and the `smtp` destination. TLS always: mail carries money and names."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from engine.channel.model import Duration, Settings, Size
from engine.connectors.fhir.settings import OAuth2
from engine.connectors.fields import Address, SecretReference
from engine.connectors.formats import FORMAT_WORDS, WRITTEN
from engine.connectors.tls import ClientTls
from engine.connectors.wrapping import Unwrapping, Wrapping

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_DOMAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_FIELDS = frozenset({"natural_key", "key", "kind", "message_id"})
_PATH = re.compile(r"[A-Za-z_][\w]*(?:\.[A-Za-z_][\w]*|\[\d+\])*")


def is_mail_address(text: str) -> bool:
    """Plain addresses only: no comment, no quoted name, no address in brackets."""
    return _ADDRESS.fullmatch(text) is not None


def _mail_address(text: str) -> str:
    if not is_mail_address(text):
        raise ValueError("write one plain address: ap@harbor.example")
    return text


def _domain(text: str) -> str:
    if not _DOMAIN.fullmatch(text):
        raise ValueError("write a domain: alderbrook.example")
    return text.lower()


def _template(text: str) -> str:
    if any(ord(one) < ord(" ") for one in text):
        raise ValueError("one line, without control characters")
    if unknown := set(re.findall(r"\{([^{}]*)\}", text)) - _FIELDS:
        raise ValueError(f"unknown field {{{min(unknown)}}}; it takes {', '.join(sorted(_FIELDS))}")
    return text


def _path(text: str) -> str:
    if not _PATH.fullmatch(text):
        raise ValueError("write a path in the document: supplier.email")
    return text


MailAddress = Annotated[str, AfterValidator(_mail_address)]
Domain = Annotated[str, AfterValidator(_domain)]
Line = Annotated[str, AfterValidator(_template), Field(min_length=1, max_length=200)]
Path = Annotated[str, AfterValidator(_path)]
MailFolder = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f*%\"\\]+$")]
Pattern = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f/]+$")]


class MailServer(Settings):
    """How to get to a server of mail, and how we prove who we are."""

    address: Address = Field(description="Host and port of the server.", examples=["imap.harbor.example:993"])
    security: Literal["tls", "starttls"] = Field(
        default="tls", description="TLS from the first byte, or by STARTTLS. There is no third way."
    )
    user: str = Field(min_length=1, max_length=254, description="Name to log in with.", examples=["ap@harbor.example"])
    password: SecretReference | None = Field(default=None, description="Where the password is kept.")
    oauth2: OAuth2 | None = Field(
        default=None, description="A token by client credentials, instead of a password (XOAUTH2)."
    )
    connect_timeout: Duration = Field(default=timedelta(seconds=10), description="Longest wait for a connection.")
    timeout: Duration = Field(default=timedelta(seconds=60), description="Longest wait for each answer.")
    tls: ClientTls = Field(default=ClientTls(), description="TLS.")

    @model_validator(mode="after")
    def _one_proof(self) -> MailServer:
        if (self.password is None) == (self.oauth2 is None):
            raise ValueError("a mail server takes password or oauth2")
        return self


class ImapSourceSettings(Unwrapping, MailServer):
    """Reads each mail of a folder, and moves it when its messages are safe."""

    folder: MailFolder = Field(default="INBOX", description="Folder that is read.", examples=["INBOX/Invoices"])
    body: Literal["attachment", "mail"] = Field(
        default="attachment",
        description="attachment: each attached file that matches is a message; mail: the mail is one message, as JSON "
        "with sender, subject, text and the list of its files.",
    )
    attachments: tuple[Pattern, ...] = Field(
        default=(),
        description="Names of attached files that become messages. Every other file of a mail is kept beside its "
        "first message.",
        examples=[["*.edi", "*.xml"]],
    )
    senders: tuple[Pattern, ...] = Field(
        default=(),
        description="Addresses whose mails are taken, with * and ?; empty: anybody's. It is what the mail says of "
        "itself: let the mail server check it (SPF, DKIM).",
        examples=[["*@alderbrook.example"]],
    )
    split: Literal["auto", "none", "hl7v2", "x12"] = Field(
        default="auto", description="Several messages in an attached file; auto: as the channel's format has it."
    )
    deduplicate: Literal["mail", "content"] = Field(
        default="mail",
        description="What makes a message the same again: the mail's own id, or its content, whoever sends it when.",
    )
    after: Literal["move", "delete"] = Field(
        default="move", description="What becomes of a mail that was taken in. Refused ones are always moved."
    )
    done: MailFolder = Field(default="Done", description="Folder for mails that were taken in; made when missing.")
    error: MailFolder = Field(default="Refused", description="Folder for refused mails; made when missing.")
    max_size: Size = Field(default=32 * 1024**2, description="Larger mails are refused unread.")
    poll: Duration = Field(
        default=timedelta(minutes=1), description="How often the folder is looked at when the server does not tell."
    )

    @model_validator(mode="after")
    def _parts_fit(self) -> ImapSourceSettings:
        if self.body == "attachment" and not self.attachments:
            raise ValueError("say which files become messages: attachments: ['*.edi']")
        if self.body == "mail" and (self.attachments or self.unwrap or self.split != "auto"):
            raise ValueError("attachments, unwrap and split belong to body: attachment")
        if len({self.folder, self.done, self.error}) < len(("folder", "done", "error")):
            raise ValueError("folder, done and error are three folders")
        return self


class SmtpDestinationSettings(Wrapping, MailServer):
    """One mail for each delivery."""

    address: Address = Field(description="Host and port of the relay.", examples=["smtp.harbor.example:465"])
    sender: MailAddress = Field(description="Address that it comes from.", examples=["ap@harbor.example"])
    to: tuple[MailAddress, ...] = Field(default=(), description="Addresses that every mail goes to.")
    to_field: Path | None = Field(
        default=None, description="Path in the document to a further address.", examples=["supplier.email"]
    )
    domains: tuple[Domain, ...] = Field(
        default=(), description="Domains that `to_field` may lead to. Others are refused.",
        examples=[["alderbrook.example"]],
    )  # fmt: skip
    subject: Line = Field(
        default="{kind} {natural_key}",
        description="Subject; may hold {natural_key}, {kind}, {message_id} and {key} (as in Message-ID).",
    )
    text: str = Field(
        default="", max_length=4000, description="What the mail says; the delivery is attached.",
    )  # fmt: skip
    format: WRITTEN = Field(default="raw", description=FORMAT_WORDS)
    partner: str | None = Field(default=None, description="Trading partner of format x12; none: as the document says.")
    file_name: Line = Field(
        default="{natural_key}_{key}.json", description="Name of the attached delivery; fields as in subject."
    )
    media_type: str = Field(
        default="application/json", pattern=r"^[\w.+-]+/[\w.+-]+$", description="Its media type.",
        examples=["application/edi-x12"],
    )  # fmt: skip
    with_attachments: bool = Field(default=False, description="Attach the files kept beside the message, too.")
    max_size: Size = Field(default=20 * 1024**2, description="A larger mail is not sent.")

    @model_validator(mode="after")
    def _somebody_gets_it(self) -> SmtpDestinationSettings:
        if not self.to and self.to_field is None:
            raise ValueError("name somebody in to, or the path to an address in to_field")
        if self.to_field is not None and not self.domains:
            raise ValueError("to_field needs domains: a document must not choose where mail goes")
        if self.partner is not None and self.format != "x12":
            raise ValueError("`partner` belongs to format: x12")
        return self
