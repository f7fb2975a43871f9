"""Settings of the `nats` source and destination."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from engine.channel.model import Duration
from engine.connectors.brokers.settings import End, Sent, Server, Taken, Template
from engine.connectors.fields import SecretReference

StreamName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,100}$", examples=["SUPPLY"])]
Subject = Annotated[str, Field(pattern=r"^[^\s.*>]+(\.[^\s.*>]+)*$", max_length=200, examples=["refused.supply"])]
SubjectFilter = Annotated[str, Field(pattern=r"^[^\s.]+(\.[^\s.]+)*$", max_length=200, examples=["supply.>"])]


class NatsServer(Server):
    """How a NATS server is reached."""

    token: SecretReference | None = Field(default=None, description="Where a token is kept, instead of a user.")
    nkey: SecretReference | None = Field(default=None, description="Where the seed of a user's nkey is kept (SU…).")
    credentials: SecretReference | None = Field(
        default=None, description="Where a user's credentials are kept: the JWT and seed of a .creds file."
    )
    tls_first: bool = Field(default=False, description="The server expects TLS before it greets (handshake_first).")

    @model_validator(mode="after")
    def _one_way_to_log_in(self) -> Self:
        ways = [name for name in ("user", "token", "nkey", "credentials") if getattr(self, name) is not None]
        if len(ways) > 1:
            raise ValueError(f"{ways[0]} and {ways[1]} exclude each other")
        if self.user is not None and self.password is None:
            raise ValueError("user needs password")
        if self.tls_first and self.tls is None:
            raise ValueError("tls_first needs tls")
        return self


class NatsConnection(NatsServer):
    """A NATS server or cluster that several channels use."""

    type: Literal["nats"] = Field(description="A NATS server or cluster.")

    @model_validator(mode="after")
    def _has_servers(self) -> Self:
        if not self.servers:
            raise ValueError("a connection of type nats needs servers")
        return self


class NatsSourceSettings(End, NatsServer, Taken):
    """Takes the messages of a JetStream stream, as a member of a durable consumer."""

    stream: StreamName = Field(description="Stream that is read.")
    durable: StreamName = Field(
        description="Durable consumer: engines that name the same one share its messages.", examples=["isthmus"]
    )
    subjects: tuple[SubjectFilter, ...] = Field(
        default=(), description="Subjects of a consumer that is declared here; none: all of the stream."
    )
    declare: bool = Field(
        default=False,
        description="Make the durable consumer if there is none: from the stream's first message, each acknowledged. "
        "The stream itself is its owner's.",
    )
    ack_wait: Duration = Field(
        default=timedelta(seconds=30),
        description="Of a consumer that is declared: after so long without a word from us, another member gets a "
        "message. We give word while we work on it.",
    )
    dead_letter: Subject | None = Field(
        default=None,
        description="Subject that gets refused messages as they came, with the reason's code as header. A stream must "
        "take it. None: the journal alone keeps them.",
    )


class NatsDestinationSettings(End, NatsServer, Sent):
    """Publishes each delivery on a subject of a stream, and waits until the stream has it."""

    subject: Template = Field(
        description="Subject; may hold {order_key}, {natural_key}, {kind}, {key}, each as one step of it.",
        examples=["finance.invoice.{order_key}"],
    )
    stream: StreamName | None = Field(
        default=None, description="Stream that must take it; none: whichever takes the subject."
    )
    declare: bool = Field(
        default=False, description="Make the stream if there is none: on disk, for subjects, with duplicate_window."
    )
    subjects: tuple[SubjectFilter, ...] = Field(default=(), description="Subjects of a stream that is declared here.")
    replicas: int = Field(default=1, ge=1, le=5, description="Copies of a stream that is declared here.")
    duplicate_window: Duration | None = Field(
        default=None,
        description="How long the stream tells a repeat by our message id, as it is set there. Within it an unknown "
        "outcome is simply sent again, so it must be longer than retry: give_up_after. None: an unknown outcome waits "
        "for a person, unless deduplicated says that all readers tell repeats.",
        examples=["48h"],
    )

    @model_validator(mode="after")
    def _declared_streams_have_a_name(self) -> Self:
        if self.declare and (self.stream is None or not self.subjects):
            raise ValueError("declare needs stream and subjects")
        if self.subjects and not self.declare:
            raise ValueError("subjects belongs to declare")
        return self
