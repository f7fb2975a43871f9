"""What Kafka's library is told about a cluster, and its errors in our words."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from engine.connectors.brokers.kafka.settings import KafkaConnection, KafkaServer
from engine.connectors.brokers.shared import reach_of
from engine.core.errors import ConfigurationError, DestinationError, IsthmusError, TransportError
from engine.ports.connector import ConnectorContext

_MISSING = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION)
_REFUSED = (
    KafkaError.MSG_SIZE_TOO_LARGE,
    KafkaError.INVALID_MSG_SIZE,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.POLICY_VIOLATION,
    KafkaError.INVALID_RECORD,
)
_KEPT_OUT = (KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED, KafkaError._SSL)
_FILES = "check that the files of tls are there, and that certificate and key belong together"
_UNANSWERED = (KafkaError._TRANSPORT, KafkaError._TIMED_OUT, KafkaError._ALL_BROKERS_DOWN, KafkaError._RESOLVE)
LOST = (KafkaError._ALL_BROKERS_DOWN, KafkaError._AUTHENTICATION, KafkaError._SSL, KafkaError._FATAL)


Client = TypeVar("Client", Consumer, Producer, AdminClient)


def reach(settings: Any, context: ConnectorContext) -> KafkaServer:
    return reach_of(settings, context, KafkaConnection if settings.connection else KafkaServer)


def configuration(server: KafkaServer, context: ConnectorContext) -> dict[str, Any]:
    """As librdkafka names it. Source: its CONFIGURATION.md."""
    found: dict[str, Any] = {
        "bootstrap.servers": ",".join(server.servers),
        "client.id": "isthmus",
        "log_level": 0,  # what it means is told by our errors
        "allow.auto.create.topics": False,
        "socket.connection.setup.timeout.ms": max(1000, _milliseconds(server.connect_timeout.total_seconds())),
        "socket.timeout.ms": max(1000, _milliseconds(server.timeout.total_seconds())),
        "socket.keepalive.enable": True,
        "reconnect.backoff.ms": 100,
        "reconnect.backoff.max.ms": 10_000,
    }
    secured = server.tls is not None
    if server.user is not None and server.password is not None:
        found |= {"security.protocol": "SASL_SSL" if secured else "SASL_PLAINTEXT", "sasl.mechanism": server.sasl}
        found |= {"sasl.username": server.user, "sasl.password": context.secrets.resolve(server.password).strip()}
    elif secured:
        found["security.protocol"] = "SSL"
    return found | _tls(server, context)


def _tls(server: KafkaServer, context: ConnectorContext) -> dict[str, Any]:
    tls = server.tls
    if tls is None:
        return {}
    found: dict[str, Any] = {"enable.ssl.certificate.verification": tls.verify}
    found["ssl.endpoint.identification.algorithm"] = "https" if tls.verify else "none"
    if tls.ca:
        found["ssl.ca.location"] = str(context.root / tls.ca)
    if tls.certificate:
        found["ssl.certificate.location"] = str(context.root / tls.certificate)
        found["ssl.key.location"] = str(context.root / (tls.key or tls.certificate))
    if tls.key_password:
        found["ssl.key.password"] = context.secrets.resolve(tls.key_password)
    return found


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)


class Cause:
    """Why the cluster lets nobody in. The library tells it aside; an answer that never came says only so."""

    def __init__(self) -> None:
        self.error: Any = None

    def note(self, error: Any) -> None:
        """For `error_cb`."""
        if error.code() in _KEPT_OUT:
            self.error = error

    def behind(self, error: Any) -> Any:
        """What explains an error better than it does itself, or the error."""
        known, self.error = self.error, None
        return known if known is not None and error.code() in _UNANSWERED else error


def client(kind: Callable[[dict[str, Any]], Client], settings: dict[str, Any], where: str) -> Client:
    """A producer, consumer or admin client of the library.

    Raises:
        ConfigurationError: it cannot use the settings: files of TLS, nearly always.
    """
    try:
        return kind(settings)
    except KafkaException as error:
        words = f"the settings cannot be used ({error.args[0].name()})"
        raise ConfigurationError(words, where=where, remedy=_FILES) from None


class Thread:
    """One thread for all that Kafka's library does for one source or destination: its calls wait."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, "kafka")

    async def do(self, work: Any, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work, *arguments)

    def close(self) -> None:
        self._executor.shutdown(wait=False)


def look_at(client: Consumer | Producer, topics: tuple[str, ...], seconds: float, where: str, cause: Cause) -> None:
    """Is the cluster there, with these topics. Waits: for a thread. `cause` is noted by the client's `error_cb`.

    Raises:
        TransportError: it cannot be reached.
        ConfigurationError: a topic is missing, or we may not.
    """
    for topic in topics:
        try:
            found = client.list_topics(topic, timeout=seconds).topics[topic].error
        except KafkaException as error:
            client.poll(0)  # the library tells its causes here; nothing is subscribed to yet
            raise told(cause.behind(error.args[0]), where) from None
        if found is not None and found.code() != KafkaError.LEADER_NOT_AVAILABLE:
            raise told(found, where, topic)


def declare(server: KafkaServer, context: ConnectorContext, topic: NewTopic) -> None:
    """Make a topic; one that is there stays as it is. Waits: for a thread."""
    cause = Cause()
    admin = client(AdminClient, configuration(server, context) | {"error_cb": cause.note}, context.name)
    seconds = server.timeout.total_seconds()
    try:
        admin.create_topics([topic], operation_timeout=seconds, request_timeout=seconds)[topic.topic].result(
            seconds * 2
        )
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            admin.poll(0)
            raise told(cause.behind(error.args[0]), context.name, topic.topic) from None
    except TimeoutError:
        raise TransportError("no answer of the cluster", where=context.name) from None


def told(error: Any, where: str, topic: str = "") -> IsthmusError:
    """In our words, with nothing sent: TransportError or ConfigurationError."""
    code, name = error.code(), error.name()
    if code in _MISSING:
        words = f"there is no topic {topic}" if topic else "there is no such topic"
        return ConfigurationError(words, where=where, remedy="make it, or set declare: true at its destination")
    if code in _REFUSED:
        return ConfigurationError(f"the cluster refuses ({name})", where=where, remedy="compare our permissions")
    if code in (KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED):
        return TransportError("the cluster does not let us in", where=where, remedy="compare user and password")
    if code == KafkaError._SSL:
        words = (
            "TLS failed: the cluster's certificate has expired, is for another name, or of an authority unknown here"
        )
        remedy = "compare ca of tls with who signed it, servers with its names, its dates with the clock"
        return TransportError(words, where=where, remedy=remedy)
    remedy = "compare servers; a cluster that asks for client certificates wants certificate and key of tls"
    return TransportError(f"the cluster cannot be reached ({name})", where=where, remedy=remedy)


def undelivered(error: Any, where: str, topic: str) -> IsthmusError:
    """What became of a record that was not confirmed: TransportError or DestinationError."""
    code = error.code()
    if code in _MISSING:
        return TransportError(f"there is no topic {topic}", where=where, remedy="make it, or set declare: true")
    if code in _REFUSED:
        words = f"the cluster refuses it ({error.name()})"
        return DestinationError(words, where=where, remedy="compare it with the topic's limits and our permissions")
    return TransportError(f"no confirmation ({error.name()})", where=where, sent=True)
