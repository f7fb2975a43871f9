"""Settings of the `webhook` destination, and of what an `http` source verifies.

- name: portal
  type: webhook
  url: https://portal.brightwater.example/hooks/harbor
  secrets: [env:PORTAL_HOOK_SECRET]
"""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from engine.channel.model import Duration, Settings, Size
from engine.connectors.fields import SecretReference
from engine.connectors.http.settings import HeaderName, HttpDestinationSettings, Url
from engine.connectors.tls import ClientTls
from engine.connectors.webhook.signing import ID, SIGNATURE, TIMESTAMP

_SIGNED = frozenset({ID, TIMESTAMP, SIGNATURE, "content-type"})


class WebhookDestinationSettings(Settings):
    """Signed requests to one receiver, one for each delivery."""

    url: Url = Field(description="Where to.", examples=["https://portal.brightwater.example/hooks/harbor"])
    secrets: tuple[SecretReference, ...] = Field(
        min_length=1,
        max_length=2,
        description="Where the signing secret is kept (whsec_…); while it is changed the new one, then the old one.",
        examples=[["env:PORTAL_HOOK_SECRET"]],
    )
    content_type: str = Field(
        default="application/cloudevents+json; charset=utf-8",
        pattern=r"^[\w.+-]+/[\w.+-]+(;\s*[\w.+-]+=[\w.+-]+)*$",
        description="Media type sent.",
    )
    headers: dict[HeaderName, str] = Field(
        default_factory=dict,
        description="Further headers; a value env:NAME, file:PATH or store:NAME is looked up.",
        examples=[{"X-Api-Key": "env:PORTAL_KEY"}],
    )
    idempotent: bool = Field(
        default=True,
        description="The receiver takes webhook-id as the key of what it has already, as the standard asks.",
    )
    connect_timeout: Duration = Field(default=timedelta(seconds=5), description="Longest wait for a connection.")
    timeout: Duration = Field(default=timedelta(seconds=15), description="Longest wait for the whole answer.")
    parallel: int = Field(default=4, ge=1, le=256, description="Requests under way at once.")
    max_body: Size = Field(default=1024**2, description="Larger messages are not sent, but HELD.")
    allow_private: bool = Field(
        default=False, description="May the host be a private address, or localhost where the URL says so."
    )
    tls: ClientTls = Field(default=ClientTls(), description="TLS of https URLs.")

    @field_validator("headers")
    @classmethod
    def _headers_are_not_ours(cls, headers: dict[str, str]) -> dict[str, str]:
        if ours := sorted(name for name in headers if name.lower() in _SIGNED):
            raise ValueError(f"{ours[0]} is set by the engine itself")
        return headers

    @model_validator(mode="after")
    def _told_under_tls(self) -> WebhookDestinationSettings:
        if urlsplit(self.url).scheme != "https" and not self.allow_private:
            raise ValueError("a webhook goes to https; http is for private addresses, with allow_private: true")
        if "{" in self.url:
            raise ValueError("the url of a webhook takes no fields: what happened stands in its body")
        self.as_http()
        return self

    def as_http(self) -> HttpDestinationSettings:
        """What carries it. Nothing of an answer is kept."""
        return HttpDestinationSettings(
            url=self.url,
            content_type=self.content_type,
            headers=self.headers,
            idempotent=self.idempotent,
            connect_timeout=self.connect_timeout,
            timeout=self.timeout,
            parallel=self.parallel,
            allow_private=self.allow_private,
            tls=self.tls,
        )
