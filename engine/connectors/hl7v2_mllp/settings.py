"""Settings of the `hl7v2_mllp` source and destination."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_network
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from engine.channel.model import Duration, Settings, Size
from engine.connectors.fields import Address
from engine.connectors.tls import ClientTls, ServerTls


def _network(text: str) -> str:
    try:
        ip_network(text, strict=False)
    except ValueError:
        raise ValueError("write an address or a network: 10.1.2.3 or 10.1.0.0/16") from None
    return text


Network = Annotated[str, AfterValidator(_network)]


class MllpSourceSettings(Settings):
    """A listener for HL7 v2 messages."""

    listen: Address = Field(description="Address to listen on.", examples=["127.0.0.1:6661"])
    tls: ServerTls | None = Field(default=None, description="TLS; with client_ca it is mutual.")
    allow: tuple[Network, ...] = Field(
        default=(), description="Addresses or networks that may connect; empty: any.", examples=[["10.1.0.0/16"]]
    )
    acknowledge: Literal["after_journal", "after_delivery"] = Field(
        default="after_journal",
        description="When the application acknowledgement is sent: as soon as the message is on disk, or when it was "
        "delivered. An accept acknowledgement (MSH-15) is always sent as soon as the message is on disk.",
    )
    answer_within: Duration = Field(
        default=timedelta(seconds=60),
        description="With after_delivery: a message that is not delivered by then is answered AE; it stays queued, and "
        "the same message sent again is answered AA.",
    )
    strict: bool = Field(
        default=False, description="Refuse tolerated deviations: line feeds, odd segment names, wrong batch counts."
    )
    version: str | None = Field(
        default=None, description="HL7 version that the sender speaks; lint checks against it.", examples=["2.5.1"]
    )
    max_message: Size = Field(default=16 * 1024**2, description="Longer messages close their connection.")
    max_connections: int = Field(default=1024, ge=1, le=65_536, description="More are closed at once.")
    max_buffered: Size = Field(
        default=256 * 1024**2,
        description="Unfinished messages over all connections; above it the largest goes.",
    )
    in_flight: int = Field(
        default=256, ge=1, le=10_000, description="Messages of one connection that wait for their acknowledgement."
    )
    message_timeout: Duration = Field(
        default=timedelta(seconds=60), description="A message that began must end within this time."
    )
    idle_timeout: Duration = Field(
        default=timedelta(hours=1), description="A connection without messages is closed after this time."
    )
    keep_alive: bool = Field(default=True, description="Ask the network whether a silent peer is still there.")


class MllpDestinationSettings(Settings):
    """A receiver of HL7 v2 messages."""

    address: Address = Field(description="Where the receiver listens.", examples=["10.1.2.3:6661"])
    tls: ClientTls | None = Field(default=None, description="TLS; with a certificate it is mutual.")
    connections: int = Field(default=1, ge=1, le=64, description="Messages under way at once, a connection each.")
    connect_timeout: Duration = Field(default=timedelta(seconds=10), description="To reach the receiver.")
    ack_timeout: Duration = Field(
        default=timedelta(seconds=30), description="To get the acknowledgement; then the connection is dropped."
    )
    idle_timeout: Duration = Field(
        default=timedelta(minutes=10),
        description="An unused connection is closed after this time; 0s: at once.",
    )
    keep_alive: bool = Field(default=True, description="Ask the network whether a silent receiver is still there.")
    acknowledgement: Literal["any", "application"] = Field(
        default="any",
        description="What counts as delivered: any: CA or AA; application: only AA, also after a CA.",
    )
    retry_on: tuple[Literal["AE", "CE", "AR", "CR"], ...] = Field(
        default=(), description="Answers after which the same message is tried again instead of being HELD."
    )
    idempotent: bool = Field(
        default=True,
        description="The receiver knows a message again by its MSH-10. false: an unknown outcome waits for a person.",
    )
    max_ack: Size = Field(default=1024**2, description="Longer acknowledgements are not read.")

    @model_validator(mode="after")
    def _patience(self) -> MllpDestinationSettings:
        if not self.ack_timeout or not self.connect_timeout:
            raise ValueError("connect_timeout and ack_timeout must be longer than 0s")
        return self
