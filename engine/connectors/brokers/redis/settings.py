"""Settings of the `redis` source and destination."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from engine.channel.model import Duration
from engine.connectors.brokers.settings import End, Sent, Server, Taken, Template

Key = Annotated[str, Field(min_length=1, max_length=500, examples=["supply.events"])]
FieldName = Annotated[str, Field(min_length=1, max_length=100)]


class RedisServer(Server):
    """How a Redis server is reached: a primary, without Sentinel or cluster."""

    database: int = Field(default=0, ge=0, le=65535, description="Number of the database.")

    def _user_is_optional(self) -> bool:
        return True


class RedisConnection(RedisServer):
    """A Redis server that several channels use."""

    type: Literal["redis"] = Field(description="A Redis server.")

    @model_validator(mode="after")
    def _has_servers(self) -> Self:
        if not self.servers:
            raise ValueError("a connection of type redis needs servers")
        return self


class RedisSourceSettings(End, RedisServer, Taken):
    """Takes the entries of a stream, as a member of a consumer group."""

    stream: Key = Field(description="Stream that is read.")
    group: FieldName = Field(description="Consumer group: engines that name the same one share its entries.")
    consumer: FieldName | None = Field(
        default=None, description="Our name in the group; none: one of this machine and site, the same at every start."
    )
    declare: bool = Field(
        default=False, description="Make the group if there is none, from the stream's first entry, and the stream."
    )
    body_field: FieldName = Field(default="body", description="Field of an entry that is the message; others: headers.")
    claim_after: Duration = Field(
        default=timedelta(seconds=60),
        description="What another member has had for so long without a word is taken over from it.",
    )
    dead_letter: Key | None = Field(
        default=None,
        description="Stream that gets refused entries as they came, with the reason's code as field. None: the journal "
        "alone keeps them.",
    )

    @model_validator(mode="after")
    def _others_have_time(self) -> Self:
        if self.claim_after < timedelta(milliseconds=100):
            raise ValueError("claim_after must be longer, or members take from each other what they work on")
        if self.dead_letter == self.stream:
            raise ValueError("dead_letter must be another stream")
        return self


class RedisDestinationSettings(End, RedisServer, Sent):
    """Adds each delivery to a stream."""

    stream: Template = Field(
        description="Stream; may hold {order_key}, {natural_key}, {kind}, {key}.", examples=["supply.orders"]
    )
    declare: bool = Field(default=False, description="Make the stream if there is none.")
    body_field: FieldName = Field(default="body", description="Field with the message.")
    replicas: int = Field(
        default=0, ge=0, le=10, description="How many replicas must have it, too, before it counts as delivered."
    )
    max_entries: int | None = Field(
        default=None, ge=1, description="About so many entries are kept, older ones go; none: all, their owner trims."
    )
