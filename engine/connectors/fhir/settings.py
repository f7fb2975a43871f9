"""Settings of the `fhir` source and destination."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, field_validator, model_validator

from engine.channel.model import Duration, Settings, Size
from engine.connectors.fields import SecretReference
from engine.connectors.http.settings import Basic, HeaderName, HttpSourceSettings, Path
from engine.connectors.tls import ClientTls
from engine.protocols.fhir.version import Version, is_type

JSON_TYPES = ("application/fhir+json", "application/json", "text/json")
XML_TYPES = ("application/fhir+xml", "application/xml", "text/xml")


def _resource_type(text: str) -> str:
    if not is_type(text):
        raise ValueError("write a resource type, such as SupplyRequest")
    return text


def _fixed_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("write a URL that begins with https:// or http://")
    if "@" in parts.netloc or parts.query or parts.fragment or "{" in text:
        raise ValueError("only scheme, host and path; no user, query or field")
    return text.rstrip("/")


def _parameter(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.:-]{0,100}", text):
        raise ValueError("not the name of a search parameter")
    if text in ("_lastUpdated", "_sort", "_count", "_format"):
        raise ValueError(f"{text} is set by the engine itself")
    return text


ResourceType = Annotated[str, AfterValidator(_resource_type)]
FixedUrl = Annotated[str, AfterValidator(_fixed_url)]


Algorithm = Literal["RS256", "RS384", "ES256", "ES384"]


class Smart(Settings):
    """Access tokens of an authorization server, as SMART Backend Services asks."""

    issuer: str = Field(
        min_length=1, max_length=500, description="`iss` of its tokens, to the letter.",
        examples=["https://login.harbor.example"],
    )  # fmt: skip
    audience: str = Field(
        min_length=1, max_length=500, description="`aud` of tokens for us: the base URL that senders use.",
        examples=["https://engine.harbor.example/fhir"],
    )  # fmt: skip
    jwks_url: FixedUrl | None = Field(
        default=None, description="Where its public keys are.", examples=["https://login.harbor.example/jwks"]
    )
    jwks_file: str | None = Field(
        default=None, description="Its public keys as a file below the site, instead.",
        examples=["config/keys/issuer.json"],
    )  # fmt: skip
    jwks_cache: Duration = Field(default=timedelta(hours=1), description="Keys are asked for anew after this time.")
    token_url: FixedUrl = Field(
        description="Where senders get tokens; told in .well-known/smart-configuration.",
        examples=["https://login.harbor.example/token"],
    )
    scopes: tuple[str, ...] = Field(
        default=("system/*.write",), description="Scopes told in .well-known/smart-configuration.",
        examples=[["system/SupplyRequest.write"]],
    )  # fmt: skip
    algorithms: tuple[Algorithm, ...] = Field(
        default=("RS384", "ES384"), min_length=1, description="Signatures that are taken.",
        examples=[["RS256", "RS384", "ES384"]],
    )  # fmt: skip
    longest: Duration = Field(default=timedelta(hours=1), description="Tokens that are good for longer are refused.")
    leeway: Duration = Field(default=timedelta(seconds=30), description="How far clocks may be apart.")
    once: bool = Field(default=False, description="A token (by its jti) is good for one request.")
    allow_private: bool = Field(
        default=True, description="May the host of jwks_url be a private address, or localhost where it says so."
    )
    tls: ClientTls = Field(default=ClientTls(), description="TLS of jwks_url.")

    @field_validator("jwks_file")
    @classmethod
    def _below_the_site(cls, path: str | None) -> str | None:
        if path is not None and (path.startswith("/") or ".." in path.split("/")):
            raise ValueError("write a path below the site")
        return path

    @model_validator(mode="after")
    def _one_place_of_keys(self) -> Smart:
        if (self.jwks_url is None) == (self.jwks_file is None):
            raise ValueError("smart takes jwks_url or jwks_file")
        if self.leeway > timedelta(minutes=5):
            raise ValueError("leeway is at most 5m")
        return self


class FhirSourceSettings(HttpSourceSettings):
    """A FHIR server that takes resources in: who may knock, what they may bring."""

    path: Path = Field(default="/fhir", description="Base path; resources stand below it.", examples=["/fhir"])
    methods: tuple[Literal["POST", "PUT"], ...] = Field(
        default=("POST", "PUT"), description="POST takes creates and bundles, PUT updates."
    )
    content_types: tuple[str, ...] = Field(
        default=(*JSON_TYPES, *XML_TYPES),
        description="Media types that are taken.",
        examples=[["application/fhir+json"]],
    )
    version: Version = Field(default="R4", description="FHIR version that senders speak.", examples=["R4", "R5"])
    resources: tuple[ResourceType, ...] = Field(
        default=(), description="Resource types that are taken; empty: every type.", examples=[["SupplyRequest"]]
    )
    validate_resources: bool = Field(
        default=False,
        description="Check each resource against its definition before it is taken in; costs milliseconds each.",
    )
    transactions: Literal["entries", "whole"] = Field(
        default="whole",
        description="A transaction bundle becomes one message that is the bundle, taken in whole or not at all; or one "
        "message for each entry, of which those before a refused one stay.",
    )
    search: bool = Field(
        default=False,
        description="Answer reads and searches of what this channel took in: by _id, _lastUpdated, identifier and "
        "whatever stands in the channel's index. Give the index `id: id` to read updates by their id. Each is audited.",
    )
    max_entries: int = Field(default=1000, ge=1, le=10_000, description="Bundles with more entries are refused.")
    smart: Smart | None = Field(default=None, description="Senders show access tokens, instead of one fixed token.")

    @model_validator(mode="after")
    def _somebody_is_asked_who_he_is(self) -> FhirSourceSettings:
        if self.token and self.smart:
            raise ValueError("a fhir source has token or smart, not both")
        if self.token is None and self.smart is None and (self.tls is None or self.tls.client_ca is None):
            raise ValueError("a fhir source needs a token, smart, or tls with client_ca")
        if self.health_path == self.path:
            raise ValueError("health_path and path must differ")
        return self


class OAuth2(Settings):
    """Client credentials; with `private_key` as SMART Backend Services asks, by a signed assertion."""

    token_url: FixedUrl = Field(description="Where tokens are given.", examples=["https://ehr.example/oauth2/token"])
    client_id: str = Field(description="Our client id there.", examples=["isthmus"])
    client_secret: SecretReference | None = Field(default=None, description="Where the client's secret is kept.")
    private_key: SecretReference | None = Field(
        default=None, description="Where our private key (PEM, RSA or EC P-384) is kept.",
        examples=["file:secrets/smart.pem"],
    )  # fmt: skip
    key_id: str | None = Field(default=None, description="`kid` of the key in our published key set.")
    scope: str = Field(
        default="system/*.write", description="Scopes to ask for.", examples=["system/SupplyRequest.write"]
    )

    @model_validator(mode="after")
    def _one_way_to_prove(self) -> OAuth2:
        if (self.client_secret is None) == (self.private_key is None):
            raise ValueError("oauth2 takes client_secret or private_key")
        return self


class FarServer(Settings):
    """Another FHIR server, and how we prove to it who we are."""

    url: FixedUrl = Field(description="Base URL of the server.", examples=["https://ehr.harbor.example/fhir"])
    version: Version = Field(default="R4", description="FHIR version of the server.", examples=["R4", "R5"])
    headers: dict[HeaderName, str] = Field(
        default_factory=dict,
        description="Further headers; a value env:NAME, file:PATH or store:NAME is looked up.",
        examples=[{"X-Api-Key": "env:EHR_KEY"}],
    )
    bearer: SecretReference | None = Field(default=None, description="Where a lasting bearer token is kept.")
    basic: Basic | None = Field(default=None, description="Basic authentication, instead of a token.")
    oauth2: OAuth2 | None = Field(default=None, description="Tokens by OAuth2 client credentials, instead.")
    connect_timeout: Duration = Field(default=timedelta(seconds=10), description="Longest wait for a connection.")
    timeout: Duration = Field(default=timedelta(seconds=30), description="Longest wait for the whole answer.")
    max_response: Size = Field(default=1024**2, description="More of a response is not kept.")
    allow_private: bool = Field(
        default=True, description="May the host of the URL be a private address, or localhost where it says so."
    )
    tls: ClientTls = Field(default=ClientTls(), description="TLS of https URLs.")

    @model_validator(mode="after")
    def _one_way_to_authenticate(self) -> FarServer:
        if sum(one is not None for one in (self.bearer, self.basic, self.oauth2)) > 1:
            raise ValueError("a FHIR server is told one of bearer, basic and oauth2")
        return self


class FhirDestinationSettings(FarServer):
    """Resources to one FHIR server."""

    interaction: Literal[
        "conditional_create", "create", "update", "conditional_update", "bundle", "process_message"
    ] = Field(
        default="conditional_create",
        description="conditional_create, update, conditional_update (of what has the resource's identifier of "
        "identifier_system) and bundle act once also when sent twice; create may be asked for.",
    )
    identifier_system: str = Field(
        default="urn:isthmus:delivery",
        pattern=r"^[A-Za-z][A-Za-z0-9+.-]*:[^\s|&=?#]+$",
        max_length=255,
        description="System of the identifier that tells our deliveries apart; a resource without one is given one.",
    )
    if_match: bool = Field(default=False, description="Updates name the version they replace (meta.versionId).")
    parallel: int = Field(default=8, ge=1, le=256, description="Requests under way at once.")

    @model_validator(mode="after")
    def _versions_are_of_updates(self) -> FhirDestinationSettings:
        if self.if_match and self.interaction != "update":
            raise ValueError("if_match is for interaction: update")
        return self


Parameter = Annotated[str, AfterValidator(_parameter)]


class Following(FarServer):
    """What of a server is followed, and how often it is asked."""

    resource: ResourceType = Field(description="Resource type to follow.", examples=["SupplyRequest"])
    query: dict[Parameter, str] = Field(
        default_factory=dict, description="Further search parameters.", examples=[{"status": "active"}]
    )
    poll: Duration = Field(default=timedelta(minutes=1), description="How often the server is asked.")
    overlap: Duration = Field(
        default=timedelta(minutes=5),
        description="So much before the newest known change is asked for again: what a server shows late is found.",
    )
    since: datetime | None = Field(
        default=None, description="Changes from here on, at the first start; none: everything the server has.",
        examples=["2026-03-01T00:00:00Z"],
    )  # fmt: skip
    page: int = Field(default=100, ge=1, le=1000, description="Resources asked for at once.")
    max_response: Size = Field(default=16 * 1024**2, description="Larger pages are not read: lower page.")

    @field_validator("since")
    @classmethod
    def _with_its_offset(cls, since: datetime | None) -> datetime | None:
        if since is not None and since.tzinfo is None:
            raise ValueError("write the time with its offset, such as 2026-03-01T00:00:00Z")
        return since


class FhirPollSettings(Following):
    """Changes at another FHIR server, asked for again and again."""


class FhirSubscriptionSettings(HttpSourceSettings):
    """Changes at another FHIR server, told by it (rest-hook); what was not told is asked for."""

    path: Path = Field(
        default="/notifications", description="Path that notifications come to.", examples=["/notifications"]
    )
    methods: tuple[Literal["POST", "PUT"], ...] = Field(
        default=("POST", "PUT"), description="Methods of notifications; servers of R4 PUT whole resources."
    )
    content_types: tuple[str, ...] = Field(
        default=JSON_TYPES, description="Media types that are taken.", examples=[["application/fhir+json"]]
    )
    server: Following = Field(description="The server that notifies, and what of it is followed.")
    register_: bool = Field(
        default=False, alias="register", description="Make the Subscription at the server at start, or renew it."
    )
    endpoint: FixedUrl | None = Field(
        default=None, description="Our address as the server calls it, for `register`.",
        examples=["https://engine.harbor.example/notifications"],
    )  # fmt: skip
    payload: Literal["empty", "id-only", "full-resource"] = Field(
        default="id-only", description="What notifications hold, for `register`."
    )
    topic: str | None = Field(
        default=None, description="Canonical URL of the SubscriptionTopic, for `register`; R5 has no other way.",
        examples=["https://ehr.harbor.example/fhir/SubscriptionTopic/supply"],
    )  # fmt: skip

    @model_validator(mode="after")
    def _what_a_subscription_needs(self) -> FhirSubscriptionSettings:
        if self.register_ and (self.endpoint is None or self.token is None):
            raise ValueError("register needs endpoint and token: the server shows the token in each notification")
        if self.register_ and self.server.version == "R5" and self.topic is None:
            raise ValueError("register at an R5 server needs topic")
        return self
