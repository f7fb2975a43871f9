"""Settings of the `soap` source and destination."""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from engine.channel.model import Duration, Settings, Size
from engine.connectors.fields import SecretReference, split_address
from engine.connectors.http.settings import HttpDestinationSettings, HttpSourceSettings, Path
from engine.core.errors import FieldError
from engine.protocols.xml.path import compile_path

_SITE_FILE_WORDS = "write a file of the site, relative to it and without `..`"


def _site_file(text: str) -> str:
    if text.startswith(("/", "~")) or "\\" in text or "\x00" in text or ".." in text.split("/"):
        raise ValueError(_SITE_FILE_WORDS)
    return text


def _xml_path(text: str) -> str:
    try:
        compile_path(text)
    except FieldError as error:
        raise ValueError(error.remedy or error.what) from None
    return text


SiteFile = Annotated[str, AfterValidator(_site_file)]
XmlPath = Annotated[str, AfterValidator(_xml_path)]
OperationName = Annotated[str, Field(pattern=r"^[A-Za-z_][\w.-]{0,127}$")]


class AcceptedUsers(Settings):
    """Who may send, by WS-Security's UsernameToken."""

    users: dict[str, SecretReference] = Field(
        min_length=1, description="User name to where the password is kept.", examples=[{"clinic": "env:CLINIC_SOAP"}]
    )
    passwords: Literal["digest", "text", "either"] = Field(
        default="digest", description="How passwords come; text only over TLS or from this machine."
    )
    skew: Duration = Field(
        default=timedelta(minutes=5), description="How far a token's time may be from ours; nonces are kept as long."
    )


class SoapSourceSettings(HttpSourceSettings):
    """A SOAP service: what it says of itself, who may call it, how calls are answered."""

    path: Path = Field(
        default="/soap", description="Path of the service; its WSDL is at `?wsdl`.", examples=["/orders"]
    )
    wsdl: SiteFile = Field(
        description="WSDL 1.1 of the site, document/literal or rpc/literal; what it imports stands beside it.",
        examples=["wsdl/orders.wsdl"],
    )
    service: str | None = Field(default=None, description="Which service of the WSDL; none: the first.")
    operations: tuple[OperationName, ...] = Field(
        default=(), description="Operations that are taken; empty: every one.", examples=[["SubmitOrder"]]
    )
    answers: dict[OperationName, SiteFile] = Field(
        default_factory=dict,
        description="Operation to the template of its result: {message_id}, {correlation_id}, {received_at}, "
        "{verdict}; without one: the empty response element.",
        examples=[{"SubmitOrder": "wsdl/submit_order_response.xml"}],
    )
    username_token: AcceptedUsers | None = Field(
        default=None, description="Require a UsernameToken, beside or instead of token and client certificate."
    )
    natural_id: XmlPath | None = Field(
        default=None,
        description="Path in the body's element to the sender's own id; none: wsa:MessageID, if there is one.",
        examples=["Header/Number"],
    )
    validate_schema: bool = Field(default=True, description="Refuse calls that the WSDL's schema does not allow.")
    most_attachments: int = Field(
        default=0,
        ge=0,
        le=100,
        description="Files that a call may bring beside its envelope (MTOM or SwA), kept with the message; 0: none.",
    )
    max_attachment: Size = Field(default=8 * 1024**2, description="The largest of them; `max_body` is for all.")
    public_url: str | None = Field(
        default=None, pattern=r"^https?://[^\s?#<>\"{}]+$",
        description="Address in the served WSDL; none: the one that the client asked.",
        examples=["https://engine.harbor.example/orders"],
    )  # fmt: skip
    serve_wsdl: bool = Field(default=True, description="Give the WSDL to anybody who can connect.")
    methods: tuple[Literal["POST"], ...] = Field(default=("POST",), description="SOAP calls are POST.")
    content_types: tuple[str, ...] = Field(
        default=("text/xml", "application/soap+xml"), description="Media types of SOAP 1.1 and 1.2 that are taken."
    )

    @model_validator(mode="after")
    def _attachments_have_room(self) -> SoapSourceSettings:
        if self.most_attachments and self.max_attachment > self.max_body:
            raise ValueError("max_attachment is above max_body, which holds for the whole call")
        return self

    def names_who_may_send(self) -> bool:
        return super().names_who_may_send() or self.username_token is not None

    @model_validator(mode="after")
    def _passwords_are_not_overheard(self) -> SoapSourceSettings:
        if self.username_token is None or self.username_token.passwords == "digest" or self.tls is not None:
            return self
        if not _is_loopback(self.listen):
            raise ValueError("passwords as text need tls; or take digests")
        return self


def _is_loopback(listen: str) -> bool:
    host = split_address(listen)[0]
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class SentUser(Settings):
    """Who we are there, by WS-Security's UsernameToken."""

    user: str = Field(description="User name.", examples=["isthmus"])
    password: SecretReference = Field(description="Where the password is kept.")
    digest: bool = Field(default=True, description="Send a digest; false: the password itself, only over https.")


class SoapDestinationSettings(HttpDestinationSettings):
    """Calls of one operation of one SOAP service."""

    wsdl: SiteFile | None = Field(
        default=None,
        description="Vetted copy of the service's WSDL in the site; what it imports stands beside it.",
        examples=["wsdl/supplier.wsdl"],
    )
    service: str | None = Field(default=None, description="Service of the WSDL; none: the first.")
    port: str | None = Field(default=None, description="Port of the service; none: its first.")
    operation: OperationName | None = Field(
        default=None, description="Operation of the WSDL that is called.", examples=["SubmitOrder"]
    )
    parameters: dict[str, str] = Field(
        default_factory=dict,
        description="Parameter (dotted: part of it) to the dotted path of its value in the document; "
        "empty: the document's own fields.",
        examples=[{"Number": "order_number", "Header.Currency": "currency"}],
    )
    validate_schema: bool = Field(
        default=True, description="Check each call that is written from the WSDL against its schema, before it is sent."
    )
    template: SiteFile | None = Field(
        default=None,
        description="Prepared body instead of WSDL and parameters: the quick way for known calls.",
        examples=["wsdl/submit_order.xml"],
    )
    soap_version: Literal["1.1", "1.2"] = Field(
        default="1.1", description="Of a template or an XML body; with a WSDL its port decides."
    )
    action: str | None = Field(
        default=None, pattern=r'^[^\s"\\]*$', description="SOAPAction of a template or an XML body.",
        examples=["urn:harbor:orders:SubmitOrder"],
    )  # fmt: skip
    attachments: tuple[str, ...] = Field(
        default=(),
        description="Parameters (dotted) whose value in the document is base64 and goes as binary; `cid:NAME` is the "
        "file of that name kept beside the message.",
        examples=[["Attachment.Content"]],
    )
    attachments_as: Literal["inline", "mtom", "swa"] = Field(
        default="inline",
        description="How they go: inline, base64 in the envelope; mtom, as parts beside it (XOP); swa, as parts that "
        "their parameters (swaRef) name.",
    )
    with_attachments: bool = Field(default=False, description="With swa: send the files kept beside the message, too.")
    username_token: SentUser | None = Field(default=None, description="Say who we are by a UsernameToken.")
    addressing: bool = Field(
        default=True, description="Send wsa:MessageID (the delivery's key), wsa:To and wsa:Action."
    )
    idempotent: bool = Field(
        default=False, description="The far side acts once on one wsa:MessageID. Ask its operator."
    )
    not_taken: tuple[OperationName, ...] = Field(
        default=(),
        description="Fault codes, without prefix, that say for certain that nothing was done: tried again.",
        examples=[["Server.Busy"]],
    )
    reference_field: XmlPath | None = Field(
        default=None, description="Path in the response's element to the far side's own number.", examples=["OrderId"]
    )
    method: Literal["POST"] = Field(default="POST", description="SOAP calls are POST.")

    @field_validator("inquire_url")
    @classmethod
    def _nothing_to_inquire(cls, url: str | None) -> str | None:
        if url is not None:
            raise ValueError("a SOAP service cannot be asked by URL; set idempotent where it acts once")
        return url

    @model_validator(mode="after")
    def _one_way_to_write(self) -> SoapDestinationSettings:
        if self.template is not None and (self.operation or self.parameters or self.attachments):
            raise ValueError("a template needs no operation, parameters or attachments")
        if self.with_attachments and self.attachments_as != "swa":
            raise ValueError("with_attachments goes as swa; name the parameters under attachments for the others")
        if self.attachments_as == "mtom" and not self.attachments:
            raise ValueError("mtom is for parameters: name them under attachments")
        if (self.wsdl is None) != (self.operation is None) and self.template is None:
            raise ValueError("wsdl and operation go together")
        if self.idempotent and not self.addressing:
            raise ValueError("idempotent needs addressing: a repeat is told by wsa:MessageID")
        if self.username_token and not self.username_token.digest and not self.url.startswith("https:"):
            raise ValueError("a password as text goes only over https; or send digests")
        return self
