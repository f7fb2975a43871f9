"""Settings of the `kafka` source and destination."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from engine.connectors.brokers.settings import End, Sent, Server, Taken, Template

Topic = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,249}$", examples=["supply.events"])]


class KafkaServer(Server):
    """How a Kafka cluster is reached."""

    sasl: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        default="SCRAM-SHA-512", description="How user and password are given."
    )

    @model_validator(mode="after")
    def _what_its_library_can(self) -> Self:
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password belong together")
        if self.tls is not None and (self.tls.pinned or self.tls.server_name or self.tls.minimum_version != "1.2"):
            raise ValueError("tls of kafka takes no pinned, server_name or minimum_version")
        if self.user is not None and self.sasl == "PLAIN" and self.tls is None and not self.plaintext:
            raise ValueError("PLAIN gives the password as it is; add tls:, or plaintext: true")
        return self


class KafkaConnection(KafkaServer):
    """A Kafka cluster that several channels use."""

    type: Literal["kafka"] = Field(description="A Kafka cluster.")

    @model_validator(mode="after")
    def _has_servers(self) -> Self:
        if not self.servers:
            raise ValueError("a connection of type kafka needs servers")
        return self


class KafkaSourceSettings(End, KafkaServer, Taken):
    """Takes the records of topics, as a member of a consumer group."""

    topics: tuple[Topic, ...] = Field(min_length=1, description="Topics that are read.", examples=[["supply.events"]])
    group: str = Field(
        min_length=1, max_length=200, description="Consumer group: engines that name it share the partitions.",
        examples=["isthmus"],
    )  # fmt: skip
    partitions: tuple[Annotated[int, Field(ge=0)], ...] = Field(
        default=(),
        description="Partitions that only we read, without sharing; none: the group gives each member its own.",
    )
    begin: Literal["first", "last"] = Field(
        default="first", description="Where a new group begins: at the first record, or after the last."
    )  # fmt: skip
    dead_letter: Topic | None = Field(
        default=None,
        description="Topic that gets refused records as they came, with the reason's code as header. None: the journal "
        "alone keeps them.",
    )

    @model_validator(mode="after")
    def _no_circle(self) -> Self:
        if self.dead_letter in self.topics:
            raise ValueError("dead_letter must be another topic")
        return self


class KafkaDestinationSettings(End, KafkaServer, Sent):
    """Writes each delivery as a record that all replicas in sync have."""

    topic: Topic = Field(description="Topic that is written to.")
    key: Template | None = Field(
        default=None,
        description="Key of a record: equal ones keep their order. May hold {order_key}, {natural_key}, {kind}, {key}; "
        "none: the value of order_by.",
    )
    declare: bool = Field(default=False, description="Make the topic if there is none.")
    partitions: int = Field(default=6, ge=1, le=1000, description="Partitions of a topic that is declared here.")
    replicas: int = Field(default=3, ge=1, le=10, description="Copies of a topic that is declared here.")

    @model_validator(mode="after")
    def _there_is_time(self) -> Self:
        if self.timeout < timedelta(milliseconds=100):
            raise ValueError("timeout is too short for a confirmation of all replicas")
        return self
