"""Settings of the `rabbitmq` source and destination."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from engine.channel.model import Duration, Settings
from engine.connectors.brokers.settings import End, Sent, Server, Taken, Template

AmqpName = Annotated[str, Field(min_length=1, max_length=255)]


QueueType = Literal["quorum", "classic"]
QUEUE_TYPE = "Kind of a queue that is declared here; a quorum queue counts deliveries, and is kept on several servers."


class RabbitMqServer(Server):
    """How a RabbitMQ server is reached."""

    virtual_host: str = Field(default="/", min_length=1, max_length=200, description="Virtual host.")
    heartbeat: Duration = Field(
        default=timedelta(seconds=15), description="How often both sides give a sign; three missed, and it is lost."
    )

    @model_validator(mode="after")
    def _user_has_a_password(self) -> Self:
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password belong together")
        if not timedelta(seconds=1) <= self.heartbeat <= timedelta(minutes=10):
            raise ValueError("heartbeat is between 1s and 10m")
        return self


class RabbitMqConnection(RabbitMqServer):
    """A RabbitMQ server or cluster that several channels use."""

    type: Literal["rabbitmq"] = Field(description="A RabbitMQ server or cluster.")

    @model_validator(mode="after")
    def _has_servers(self) -> Self:
        if not self.servers:
            raise ValueError("a connection of type rabbitmq needs servers")
        return self


class Binding(Settings):
    """What flows from an exchange into a queue that is declared here."""

    exchange: AmqpName = Field(description="Exchange, which must exist.", examples=["finance"])
    routing_key: str = Field(default="#", max_length=255, description="Routing key or pattern.")


class DeadLetter(Settings):
    """Where refused messages go."""

    exchange: str = Field(default="", max_length=255, description="Exchange; empty: straight to a queue.")
    routing_key: AmqpName = Field(description="Routing key, or the queue's name.", examples=["refused"])


class RabbitMqSourceSettings(End, RabbitMqServer, Taken):
    """Takes the messages of a queue; all engines that read it share them."""

    queue: AmqpName = Field(description="Queue that is read.", examples=["isthmus.orders"])
    declare: bool = Field(default=False, description="Make the queue if there is none, durable.")
    queue_type: QueueType = Field(default="quorum", description=QUEUE_TYPE)
    bind: tuple[Binding, ...] = Field(default=(), description="Exchanges whose messages flow into a declared queue.")
    without_id: Literal["refuse", "content", "accept"] = Field(
        default="refuse",
        description="A message without id of its own: a queue has no places by which a repeat after a crash could be "
        "told. refuse: it is not taken; content: its body is its id, so that two with equal bodies are one; accept: a "
        "repeat is a second message.",
    )
    dead_letter: DeadLetter | None = Field(
        default=None,
        description="Where refused messages go as they came, with the reason's code as header. None: the journal alone "
        "keeps them.",
    )

    @model_validator(mode="after")
    def _bindings_are_declared(self) -> Self:
        if self.bind and not self.declare:
            raise ValueError("bind belongs to declare")
        return self


class RabbitMqDestinationSettings(End, RabbitMqServer, Sent):
    """Publishes each delivery, persistent, and waits until the queues that take it have confirmed it."""

    exchange: str = Field(
        default="", max_length=255, description="Exchange; empty: straight to the queue that routing_key names."
    )
    routing_key: Template = Field(
        description="Routing key; may hold {order_key}, {natural_key}, {kind}, {key}, each as one step of it.",
        examples=["invoice.{order_key}"],
    )
    declare: bool = Field(
        default=False,
        description="Make what is missing: the exchange (durable, topic), or without exchange the queue.",
    )

    queue_type: QueueType = Field(default="quorum", description=QUEUE_TYPE)

    @model_validator(mode="after")
    def _queues_have_names(self) -> Self:
        if self.declare and not self.exchange and "{" in self.routing_key:
            raise ValueError("declare without exchange needs a routing_key without fields: it is the queue's name")
        return self
