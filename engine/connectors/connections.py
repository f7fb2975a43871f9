"""Types of connections that are no ERP: what `type:` in `config/connections.yaml` is called, and its settings."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from pydantic import BaseModel


class ConnectionType(msgspec.Struct, frozen=True):
    """`load` imports the settings model."""

    name: str
    title: str
    load: Callable[[], type[BaseModel]]


def _sql() -> type[BaseModel]:
    from engine.connectors.sql.settings import SqlConnection

    return SqlConnection


def _nats() -> type[BaseModel]:
    from engine.connectors.brokers.nats.settings import NatsConnection

    return NatsConnection


def _rabbitmq() -> type[BaseModel]:
    from engine.connectors.brokers.rabbitmq.settings import RabbitMqConnection

    return RabbitMqConnection


def _redis() -> type[BaseModel]:
    from engine.connectors.brokers.redis.settings import RedisConnection

    return RedisConnection


def _kafka() -> type[BaseModel]:
    from engine.connectors.brokers.kafka.settings import KafkaConnection

    return KafkaConnection


CONNECTION_TYPES: tuple[ConnectionType, ...] = (
    ConnectionType("sql", "A database, by SQLAlchemy", _sql),
    ConnectionType("nats", "A NATS server or cluster", _nats),
    ConnectionType("rabbitmq", "A RabbitMQ server or cluster", _rabbitmq),
    ConnectionType("redis", "A Redis server", _redis),
    ConnectionType("kafka", "A Kafka cluster", _kafka),
)
