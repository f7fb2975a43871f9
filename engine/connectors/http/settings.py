"""Settings of the `http` source and destination."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, field_validator, model_validator

from engine.channel.model import Duration, Settings, Size
from engine.connectors.fields import Address, SecretReference
from engine.connectors.tls import ClientTls, ServerTls

URL_FIELDS = frozenset({"natural_key", "key", "message_id", "kind"})
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch
_OURS = frozenset({"idempotency-key", "content-length", "transfer-encoding", "host", "x-correlation-id"})


def _path(text: str) -> str:
    if not text.startswith("/") or "?" in text or "#" in text:
        raise ValueError("write a path that begins with /")
    return text


def _header(text: str) -> str:
    if not _TOKEN(text):
        raise ValueError("not the name of an HTTP header")
    return text


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("write a URL that begins with https:// or http://")
    if "@" in parts.netloc:
        raise ValueError("no user or password in the URL; use basic: with a secret reference")
    if "{" in parts.netloc:
        raise ValueError("the host stands in the URL as it is; only path and query take fields")
    if unknown := set(re.findall(r"\{([^{}]*)\}", text)) - URL_FIELDS:
        raise ValueError(f"unknown field {{{min(unknown)}}}; a URL takes {', '.join(sorted(URL_FIELDS))}")
    return text


Path = Annotated[str, AfterValidator(_path)]
HeaderName = Annotated[str, AfterValidator(_header)]
Url = Annotated[str, AfterValidator(_url)]


class Signature(Settings):
    """Signed webhooks of others: Standard Webhooks, scheme v1. `webhook-id` is then the key of a message."""

    secrets: tuple[SecretReference, ...] = Field(
        min_length=1,
        max_length=4,
        description="Where the sender's secret is kept (whsec_…); while it is changed the new one and the old one.",
        examples=[["env:SUPPLIER_HOOK_SECRET"]],
    )
    tolerance: Duration = Field(
        default=timedelta(minutes=5), description="A timestamp further from now, before or after, is refused."
    )

    @field_validator("tolerance")
    @classmethod
    def _within_reason(cls, tolerance: timedelta) -> timedelta:
        if not timedelta(seconds=1) <= tolerance <= timedelta(hours=1):
            raise ValueError("the tolerance is between 1s and 1h")
        return tolerance


class HttpSourceSettings(Settings):
    """A door for requests: who may knock, what they may bring."""

    listen: Address = Field(description="Address to listen on.", examples=["127.0.0.1:8081"])
    path: Path = Field(
        default="/", description="Path that takes messages; others are unknown.", examples=["/suppliers"]
    )
    methods: tuple[Literal["POST", "PUT"], ...] = Field(default=("POST",), description="Methods that bring a message.")
    token: SecretReference | None = Field(default=None, description="Where the token of the senders is kept.")
    token_header: HeaderName = Field(
        default="Authorization", description="Header with the token; Authorization has it as `Bearer …`."
    )
    tls: ServerTls | None = Field(default=None, description="TLS; with client_ca it is mutual and needs no token.")
    max_body: Size = Field(default=16 * 1024**2, description="Larger bodies are refused unread.")
    content_types: tuple[str, ...] = Field(
        default=(), description="Media types that are taken; empty: JSON for a json channel, any for others.",
        examples=[["application/json"]],
    )  # fmt: skip
    key_required: bool = Field(default=False, description="Refuse requests without Idempotency-Key.")
    acknowledge: Literal["after_journal", "after_delivery"] = Field(
        default="after_journal", description="Answer when the message is safe (202), or when it is delivered (200)."
    )
    answer_within: Duration = Field(
        default=timedelta(seconds=30), description="Longest wait for a delivery; then the answer is 202."
    )
    body_timeout: Duration = Field(default=timedelta(seconds=30), description="A body must be complete in this time.")
    idle_timeout: Duration = Field(
        default=timedelta(seconds=60), description="A connection without a complete request head is closed."
    )
    max_connections: int = Field(default=1000, ge=1, description="Further connections are closed at once.")
    health_path: Path | None = Field(default="/healthz", description="Answers ok to load balancers, without a token.")

    def names_who_may_send(self) -> bool:
        return self.token is not None or (self.tls is not None and self.tls.client_ca is not None)

    @model_validator(mode="after")
    def _somebody_is_asked_who_he_is(self) -> HttpSourceSettings:
        if not self.names_who_may_send():
            raise ValueError("an http source needs a token, or tls with client_ca")
        if self.health_path == self.path:
            raise ValueError("health_path and path must differ")
        return self


class WebhookDoorSettings(HttpSourceSettings):
    """A door for requests that may be signed. Apart, because doors of other protocols do not verify signatures."""

    signature: Signature | None = Field(
        default=None,
        description="Only signed webhooks are taken; needs no token, and with one both are asked for.",
    )

    def names_who_may_send(self) -> bool:
        return self.signature is not None or super().names_who_may_send()


class Basic(Settings):
    """User and password of basic authentication."""

    user: str = Field(description="User name.", examples=["isthmus"])
    password: SecretReference = Field(description="Where the password is kept.")


class HttpDestinationSettings(Settings):
    """Requests to one far side, one for each delivery."""

    url: Url = Field(
        description="Where to; may hold {natural_key}, {key} (as in Idempotency-Key), {message_id}, {kind}.",
        examples=["https://erp.harbor.example/api/suppliers"],
    )
    method: Literal["POST", "PUT", "PATCH"] = Field(default="POST", description="Method of the request.")
    content_type: str = Field(
        default="application/json",
        pattern=r"^[\w.+-]+/[\w.+-]+(;\s*[\w.+-]+=[\w.+-]+)*$",
        description="Media type sent.",
    )
    headers: dict[HeaderName, str] = Field(
        default_factory=dict,
        description="Further headers; a value env:NAME, file:PATH or store:NAME is looked up.",
        examples=[{"X-Api-Key": "env:PORTAL_KEY"}],
    )
    bearer: SecretReference | None = Field(default=None, description="Where the bearer token is kept.")
    basic: Basic | None = Field(default=None, description="Basic authentication, instead of bearer.")
    idempotent: bool = Field(
        default=False, description="The far side takes Idempotency-Key: sending twice acts once. Ask its operator."
    )
    inquire_url: Url | None = Field(
        default=None, description="Asked when an outcome is unknown: 200 it is there, 404 it is not.",
        examples=["https://erp.harbor.example/api/suppliers/{natural_key}"],
    )  # fmt: skip
    reference_field: str | None = Field(
        default=None, description="Field of a JSON response with the far side's own number.", examples=["invoice.id"]
    )
    check_url: Url | None = Field(
        default=None, description="Asked by `isthmus check`; none: only a connection is made."
    )
    connect_timeout: Duration = Field(default=timedelta(seconds=10), description="Longest wait for a connection.")
    timeout: Duration = Field(default=timedelta(seconds=30), description="Longest wait for the whole answer.")
    parallel: int = Field(default=8, ge=1, le=256, description="Requests under way at once.")
    max_response: Size = Field(default=1024**2, description="More of a response is not kept.")
    allow_private: bool = Field(
        default=True, description="May the host of the URL be a private address, or localhost where it says so."
    )
    tls: ClientTls = Field(default=ClientTls(), description="TLS of https URLs.")

    @field_validator("headers")
    @classmethod
    def _headers_are_not_ours(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if name.lower() in _OURS:
                raise ValueError(f"{name} is set by the engine itself")
            if name.lower() == "authorization" and not value.startswith(("env:", "file:", "store:")):
                raise ValueError("Authorization is a secret; use bearer:, basic: or a secret reference")
            if any(ord(c) < ord(" ") for c in value):
                raise ValueError(f"{name} has a control character")
        return headers

    @model_validator(mode="after")
    def _one_way_to_authenticate(self) -> HttpDestinationSettings:
        if self.bearer and self.basic:
            raise ValueError("an http destination has bearer or basic, not both")
        return self
