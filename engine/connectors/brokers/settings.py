"""Settings that all brokers have: how a server is reached, how its messages are taken, how ours are sent."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from engine.channel.model import Duration, Settings, Size
from engine.connectors.fields import Address, SecretReference, split_address
from engine.connectors.tls import ClientTls

FIELDS = frozenset({"order_key", "natural_key", "kind", "key"})
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}").fullmatch
_LOOPBACK = re.compile(r"localhost|127\.\d+\.\d+\.\d+|::1").fullmatch


def _header(text: str) -> str:
    if not _HEADER(text):
        raise ValueError("not the name of a header")
    return text


def _template(text: str) -> str:
    if unknown := set(re.findall(r"\{([^{}]*)\}", text)) - FIELDS:
        raise ValueError(f"unknown field {{{min(unknown)}}}; it takes {', '.join(sorted(FIELDS))}")
    return text


Header = Annotated[str, AfterValidator(_header)]
Template = Annotated[str, AfterValidator(_template), Field(min_length=1, max_length=200)]


class Server(Settings):
    """How a broker is reached, and who we are."""

    servers: tuple[Address, ...] = Field(
        default=(),
        description="Host and port of each server of the cluster.",
        examples=[["broker.harbor.example:4222"]],
    )
    user: str | None = Field(default=None, min_length=1, max_length=200, description="Name to log in with.")
    password: SecretReference | None = Field(default=None, description="Where its password is kept.")
    tls: ClientTls | None = Field(default=None, description="TLS; `tls: {}` trusts the system's authorities.")
    plaintext: bool = Field(
        default=False, description="Talk without TLS to a server of another machine: only in a network safe otherwise."
    )
    connect_timeout: Duration = Field(default=timedelta(seconds=10), description="Longest wait for a connection.")
    timeout: Duration = Field(default=timedelta(seconds=10), description="Longest wait for each answer.")

    @model_validator(mode="after")
    def _nothing_travels_open(self) -> Self:
        if min(self.connect_timeout, self.timeout) <= timedelta(0):
            raise ValueError("a time-out must be longer than 0s")
        far = [one for one in self.servers if not _LOOPBACK(split_address(one)[0])]
        if far and self.tls is None and not self.plaintext:
            raise ValueError("messages and passwords would travel unencrypted; add tls:, or plaintext: true")
        if self.tls is not None and self.plaintext:
            raise ValueError("plaintext and tls exclude each other")
        if self.password is not None and self.user is None and not self._user_is_optional():
            raise ValueError("password needs user")
        return self

    def _user_is_optional(self) -> bool:
        return False


class End(Settings):
    """A source or destination: its server's settings stand here, or in config/connections.yaml."""

    connection: str | None = Field(
        default=None, description="Name in config/connections.yaml, instead of servers.", examples=["events"]
    )

    @model_validator(mode="after")
    def _one_server(self) -> Self:
        if (self.connection is None) == (not getattr(self, "servers", ())):
            raise ValueError("name either a connection or servers")
        own = {name for model in type(self).__mro__ if _is_server(model) for name in vars(model)["__annotations__"]}
        here = own & self.model_fields_set - {"connection"}
        if self.connection is not None and here:
            raise ValueError(f"{min(here)} belongs to the connection's own settings")
        return self


def _is_server(model: type) -> bool:
    return issubclass(model, Server) and not issubclass(model, End)


class Taken(Settings):
    """How a broker's messages are taken in."""

    id_header: Header | None = Field(
        default=None,
        description="Header with the sender's id of a message; none: the broker's own or a CloudEvents id, else the "
        "message's place in the stream. HL7 messages go by MSH-10.",
        examples=["Event-Id"],
    )
    type_header: Header = Field(
        default="ce-type", description="Header with the message's type, as `accept:` lists it. Without it: no type."
    )
    correlation_header: Header = Field(
        default="X-Correlation-Id", description="Header with an id that follows the message through all systems."
    )
    max_size: Size = Field(
        default=16 * 1024**2,
        description="A larger message is refused: the journal keeps why, without the body; dead_letter gets the body.",
    )
    max_deliveries: int = Field(
        default=20,
        ge=2,
        description="A message that the broker has given us more often is refused unread, so that it cannot stop the "
        "others. While the journal cannot be written nothing is delivered anew, so that is not counted.",
    )
    parallel: int = Field(
        default=128,
        ge=1,
        le=4096,
        description="Messages under way at once; also what the broker may send ahead. They are taken in, and "
        "acknowledged, in their order. 1: strictly one after another, also across a lost connection.",
    )


class Sent(Settings):
    """How messages are given to a broker."""

    content_type: str = Field(
        default="application/json",
        pattern=r"^[\w.+-]+/[\w.+-]+(;\s*[\w.+-]+=[\w.+-]+)*$",
        description="Media type that is told to readers.",
    )
    deduplicated: bool = Field(
        default=False,
        description="Every reader of these messages tells a repeat by its message id, so that an unknown outcome is "
        "simply sent again. false: it waits for a person.",
    )
    parallel: int = Field(default=64, ge=1, le=1024, description="Sends under way at once.")
