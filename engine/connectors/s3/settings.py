"""Settings of the `s3` source and destination."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from engine.channel.model import Duration, Name, Settings, Size
from engine.connectors.fields import SecretReference
from engine.connectors.file.settings import FileName, Folder, NameTemplate
from engine.connectors.formats import FORMAT_WORDS, WRITTEN
from engine.connectors.wrapping import Unwrapping, Wrapping

_LONGEST_KEY = 900  # bytes of 1024: room for what is put before a name
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def _endpoint(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ValueError("write the server's address alone, for example https://objects.harbor.example")
    if "@" in parts.netloc:
        raise ValueError("no user or password in the address; use access_key and secret_key")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise ValueError("use https: without TLS objects can be read and changed on their way")
    return text.rstrip("/")


def _prefix(text: str) -> str:
    if text.startswith("/") or "\x00" in text or len(text.encode()) > _LONGEST_KEY:
        raise ValueError("a prefix does not begin with / and has at most 900 bytes")
    return text


Endpoint = Annotated[str, AfterValidator(_endpoint)]
Prefix = Annotated[str, AfterValidator(_prefix)]


class S3Server(Settings):
    """Which bucket of which server, and the keys to it."""

    endpoint: Endpoint | None = Field(
        default=None,
        description="Address of the server; none: Amazon's for the region. http only for this machine itself.",
        examples=["https://objects.harbor.example"],
    )
    region: str = Field(
        default="us-east-1", pattern=r"^[A-Za-z0-9-]{1,60}$", description="Region that requests are signed for."
    )
    path_style: bool | None = Field(
        default=None, description="Bucket in the path instead of the host's name; none: when endpoint is set."
    )
    bucket: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$", description="Name of the bucket.", examples=["prices"]
    )
    access_key: SecretReference = Field(description="Where the access key is kept.", examples=["env:S3_ACCESS_KEY"])
    secret_key: SecretReference = Field(description="Where its secret is kept.", examples=["env:S3_SECRET_KEY"])
    session_token: SecretReference | None = Field(default=None, description="Where a session token is kept.")
    allow_private: bool = Field(
        default=True, description="May the server have a private address, or be localhost where endpoint says so."
    )
    ca: Folder | None = Field(
        default=None, description="PEM file: authorities to trust, relative to the site; none: the usual ones."
    )
    connect_timeout: Duration = Field(default=timedelta(seconds=10), description="Longest wait for a connection.")
    timeout: Duration = Field(default=timedelta(seconds=30), description="Longest wait for each answer.")
    transfer_timeout: Duration = Field(
        default=timedelta(minutes=10), description="Longest time for one object, however it trickles."
    )


class S3SourceSettings(Unwrapping, S3Server):
    """Reads each object below a prefix once."""

    prefix: Prefix = Field(default="", description="What keys begin with.", examples=["prices/"])
    pattern: FileName = Field(
        default="*", description="Names that are read, with * and ?: the part of the key behind its last slash.",
        examples=["*.csv"],
    )  # fmt: skip
    poll: Duration = Field(default=timedelta(seconds=30), description="How often the bucket is looked at.")
    order: Literal["name", "time"] = Field(default="name", description="Which object of several is first.")
    max_size: Size = Field(default=64 * 1024**2, description="Larger objects are refused unread.")
    split: Literal["auto", "none", "hl7v2", "x12"] = Field(
        default="auto", description="Several messages in an object; auto: as the channel's format has it."
    )
    deduplicate: Literal["version", "content", "name"] = Field(
        default="version",
        description="What makes an object the same again: bucket and key with its version or ETag, its content alone, "
        "or bucket and key alone (then other content is a conflict). HL7 messages go by their own control ids.",
    )
    after: Literal["move", "tag", "delete", "keep"] = Field(
        default="move",
        description="What becomes of an object that was read: copied below done and removed; tagged isthmus=taken or "
        "isthmus=refused; removed; or left alone and remembered here, for a bucket where we may only read.",
    )
    done: Prefix | None = Field(
        default=None, description="Prefix of objects that were read; none: `done/` in the prefix's folder."
    )
    error: Prefix | None = Field(
        default=None,
        description="Prefix of refused objects, each with a .reason.txt; none: `error/` in the prefix's folder.",
    )
    parallel: int = Field(default=8, ge=1, le=64, description="Objects under way at once.")

    @model_validator(mode="after")
    def _away_is_elsewhere(self) -> S3SourceSettings:
        if "" in (self.done, self.error):
            raise ValueError("done and error need a prefix of their own, for example done/")
        if self.prefix and self.prefix in (self.done, self.error):
            raise ValueError("done and error must differ from prefix, or objects would be read again and again")
        return self

    def away(self, name: Literal["done", "error"]) -> str:
        """The prefix for objects that are through."""
        given = self.done if name == "done" else self.error
        return given or f"{self.prefix[: self.prefix.rfind('/') + 1]}{name}/"


class S3DestinationSettings(Wrapping, S3Server):
    """Puts each delivery as one object."""

    prefix: Prefix = Field(default="", description="What keys begin with.", examples=["orders/"])
    file_name: NameTemplate = Field(
        default="{natural_key}_{key}",
        description="The key behind the prefix. {key} is short and the same for every attempt and replay; {date} is "
        "the message's day; other fields: natural_key, message_id, control_number, kind, partner.",
        examples=["{partner}_{control_number}.edi"],
    )
    format: WRITTEN = Field(default="raw", description=FORMAT_WORDS)
    partner: Name | None = Field(
        default=None, description="Trading partner of an x12 destination; none: as the document says."
    )
    content_type: str = Field(
        default="application/octet-stream", pattern=r"^[\w.+-]+/[\w.+-]+$", description="Media type of the objects."
    )
    encryption: Literal["AES256", "aws:kms"] | None = Field(
        default=None, description="Encryption at the server; none: as the bucket has it."
    )
    kms_key: str | None = Field(
        default=None, max_length=500, description="Name of the key for aws:kms; none: the account's own."
    )
    conditional: bool = Field(
        default=True,
        description="Put with If-None-Match, so that the server itself never overwrites. Without, for servers that do "
        "not know it: the key is looked at just before.",
    )
    readers_remove: bool = Field(
        default=False,
        description="Readers remove objects: then nobody can tell whether one was put and taken, and an unknown "
        "outcome waits for a person.",
    )
    parallel: int = Field(default=8, ge=1, le=64, description="Objects under way at once.")

    @model_validator(mode="after")
    def _parts_belong_together(self) -> S3DestinationSettings:
        if self.partner is not None and self.format != "x12":
            raise ValueError("`partner` belongs to format: x12")
        if self.kms_key is not None and self.encryption != "aws:kms":
            raise ValueError("`kms_key` belongs to encryption: aws:kms")
        return self
