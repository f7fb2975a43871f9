"""Settings of the `http_poll` source."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from engine.channel.model import Duration, Settings, Size
from engine.connectors.fhir.settings import OAuth2
from engine.connectors.fields import SecretReference
from engine.connectors.http.settings import Basic, HeaderName
from engine.connectors.schedule import Timetable
from engine.connectors.tls import ClientTls

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("write a URL that begins with https:// or http://")
    if "@" in parts.netloc:
        raise ValueError("no user or password in the URL; use basic: with a secret reference")
    if parts.fragment or any(character in text for character in "{} \t\r\n"):
        raise ValueError("the URL stands as it is: no fields, blanks or #; values belong to parameters:")
    return text


def _pointer(text: str) -> str:
    if text and not text.startswith("/"):
        raise ValueError("write a JSON pointer: /items, /data/0/list, or '' for the whole answer")
    return text


PollUrl = Annotated[str, AfterValidator(_url)]
Pointer = Annotated[str, AfterValidator(_pointer)]


class PollOAuth2(OAuth2):
    """Client credentials; by a secret, or by a signed assertion with our private key."""

    scope: str = Field(description="Scopes to ask for.", examples=["shipments.read"])


class Cursor(Settings):
    """How far was read, told to the server at the next look."""

    parameter: str = Field(
        min_length=1, max_length=100, description="Parameter of the URL that takes it.", examples=["updated_since"]
    )
    value: Pointer = Field(
        description="Where it is in each element: a number, or a time or another text that grows. The highest counts.",
        examples=["/updated_at"],
    )
    start: str | None = Field(
        default=None, max_length=200, description="Value of the first look; none: the parameter is left out.",
        examples=["2026-01-01T00:00:00Z"],
    )  # fmt: skip
    overlap: Duration = Field(
        default=timedelta(0), description="A cursor in time: how far back is asked again, for what came late."
    )


class HttpPollSettings(Timetable):
    """Asks a URL by the clock, and takes what is new in its answers."""

    url: PollUrl = Field(description="What is asked, with GET.", examples=["https://api.carrier.example/v2/shipments"])
    parameters: dict[str, str] = Field(
        default_factory=dict,
        description="Further parameters of the URL; a value env:NAME, file:PATH or store:NAME is looked up.",
        examples=[{"account": "HARBOR", "key": "env:CARRIER_KEY"}],
    )
    headers: dict[HeaderName, str] = Field(
        default_factory=dict,
        description="Further headers; a value env:NAME, file:PATH or store:NAME is looked up.",
        examples=[{"X-Api-Key": "env:CARRIER_KEY"}],
    )
    media_type: str = Field(
        default="application/json", pattern=r"^[\w.+*-]+/[\w.+*-]+$", description="Media type that is asked for."
    )
    bearer: SecretReference | None = Field(default=None, description="Where the bearer token is kept.")
    basic: Basic | None = Field(default=None, description="Basic authentication, instead of bearer.")
    oauth2: PollOAuth2 | None = Field(default=None, description="Tokens by OAuth2, instead of bearer or basic.")
    items: Pointer | None = Field(
        default=None, description="List in the answer whose elements are messages; none: the answer is one.",
        examples=["/shipments"],
    )  # fmt: skip
    id: Pointer | None = Field(
        default=None, description="Where an element has its id; none: its content tells it.", examples=["/number"]
    )
    version: Pointer | None = Field(
        default=None,
        description="Where an element tells its state, so that a changed one is a message of its own; without it, "
        "another content under the same id is a conflict.",
        examples=["/updated_at"],
    )
    next: str | None = Field(
        default=None,
        pattern=r"^(link|/.*)$",
        description="Where the next page is told: link for the Link header (rel=next), or a JSON pointer to its URL, "
        "or with next_parameter to what that parameter takes.",
        examples=["link", "/links/next"],
    )
    next_parameter: str | None = Field(
        default=None, max_length=100, description="Parameter of the URL that asks for the page of `next`."
    )
    cursor: Cursor | None = Field(default=None, description="Ask only for what came since the last look.")
    connect_timeout: Duration = Field(default=timedelta(seconds=10), description="Longest wait for a connection.")
    timeout: Duration = Field(default=timedelta(seconds=60), description="Longest wait for each whole answer.")
    max_size: Size = Field(default=16 * 1024**2, description="Larger answers are not read to their end.")
    max_pages: int = Field(default=1000, ge=1, description="Most pages of one look.")
    max_items: int = Field(default=100_000, ge=1, description="Most elements of one look.")
    allow_private: bool = Field(
        default=True, description="May the host of the URL be a private address, or localhost where it says so."
    )
    tls: ClientTls = Field(default=ClientTls(), description="TLS of https URLs.")

    @model_validator(mode="after")
    def _parts_belong_together(self) -> Self:
        if sum(one is not None for one in (self.bearer, self.basic, self.oauth2)) > 1:
            raise ValueError("an http_poll source has one of bearer, basic and oauth2")
        if self.items is None and (self.id or self.version or self.cursor or self.next):
            raise ValueError("id, version, cursor and next belong to items; without items the answer is one message")
        if self.version is not None and self.id is None:
            raise ValueError("version belongs to id")
        if self.next_parameter is not None and (self.next is None or self.next == "link"):
            raise ValueError("next_parameter needs next: with a JSON pointer")
        if any(name.lower() == "authorization" for name in self.headers):
            raise ValueError("Authorization is a secret; use bearer:, basic: or oauth2:")
        return self

    @model_validator(mode="after")
    def _secrets_are_not_sent_in_the_clear(self) -> Self:
        parts = urlsplit(self.url)
        given = [*self.headers.values(), *self.parameters.values()]
        secret = (
            self.bearer or self.basic or self.oauth2 or any(v.startswith(("env:", "file:", "store:")) for v in given)
        )
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK and secret:
            raise ValueError("use https: over http the token or password could be read on its way")
        return self
