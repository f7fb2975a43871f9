"""What is done with every broker's messages: who they are, what is told about them, what goes along with ours."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec
from pydantic import ValidationError

from engine.connectors.brokers.settings import Server, Taken
from engine.connectors.formats import splitter
from engine.core.errors import ConfigurationError, DestinationError, MessageError, SizeLimitError, StructureError
from engine.ports.connector import ConnectorContext, Outbound, Reason, Receipt, Received, Verdict

_LONGEST_ID = 200  # characters
_LONGEST_FACT = 200
_CORRELATION_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}").fullmatch
_CLOUD_EVENT_IDS = ("ce-id", "ce_id", "cloudevents:id", "cloudevents_id")
_CLOUD_EVENT_TYPES = ("ce-type", "ce_type", "cloudevents:type", "cloudevents_type")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

Model = TypeVar("Model", bound=Server)


def reach_of(settings: Any, context: ConnectorContext, model: type[Model]) -> Model:
    """The connection that is named, or the settings themselves.

    Raises:
        ConfigurationError: no such connection, or it is not of this broker.
    """
    if settings.connection is None:
        found: Model = settings
        return found
    where = f"config/connections.yaml: {settings.connection}"
    written = context.connections.get(settings.connection)
    if written is None:
        raise ConfigurationError("no such connection", where=where, remedy="add it, with its type and servers")
    try:
        return model.model_validate(dict(written))
    except ValidationError as error:
        places = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))
        raise ConfigurationError(places, where=where, remedy="correct the connection's settings") from None


# ------------------------------------------------------------------ what comes
class Item(msgspec.Struct, eq=False):
    """One message of a broker.

    Args:
        position: where it stands, the same at every delivery; None when the broker has no such place.
        headers: names in lower case.
        message_id: the broker's own id of it.
        facts: subject, routing key, partition key: kept as attributes.
        deliveries: how often the broker gave it to somebody, 1 for the first time.
        handle: what the broker's part needs to acknowledge it.
        flaw: why it is no message at all.
    """

    body: bytes
    position: str | None
    handle: Any
    headers: Mapping[str, str] = {}
    message_id: str | None = None
    correlation_id: str | None = None
    facts: Mapping[str, str] = {}
    deliveries: int = 1
    flaw: str | None = None


class Reading:
    """From a broker's message to messages for the journal."""

    def __init__(self, policy: Taken, context: ConnectorContext, nameless: str = "content") -> None:
        self._policy, self._nameless = policy, nameless
        self._splitter = splitter(context.format, context)
        self._id_header = (policy.id_header or "").lower()
        self._type_header, self._correlation_header = policy.type_header.lower(), policy.correlation_header.lower()

    def messages(self, item: Item) -> list[Received]:
        """One, or several of a batch; never none. What must be refused is marked so."""
        try:
            self._judge(item)
            found = self._splitter.split(item.body, self._attributes(item))
            if not found:
                raise StructureError("there is no message in it", remedy="compare it with the channel's format")
        except MessageError as error:
            return [self.refused(item, error, keep=not isinstance(error, SizeLimitError))]
        base, several = self._natural_id(item), len(found) > 1
        facts = {"message_type": self._type(item), "correlation_id": self._correlation_id(item)}
        return [
            _named(one, facts | {"natural_id": f"{base}#{number}" if base and several else base})
            for number, one in enumerate(found, 1)
        ]

    def refused(self, item: Item, error: MessageError | Reason, *, keep: bool = True) -> Received:
        """Kept as REFUSED; `keep`: with its body."""
        reason = error if isinstance(error, Reason) else Reason(error.code, error.what, error.where, error.remedy)
        body, natural_id = item.body if keep else b"", self._natural_id(item)
        return Received(body, natural_id, attributes=self._attributes(item), refusal=reason)

    def _judge(self, item: Item) -> None:
        if item.flaw is not None:
            raise StructureError(item.flaw, remedy="compare the sender with the source's settings")
        if len(item.body) > self._policy.max_size:
            raise SizeLimitError("larger than max_size", remedy="raise max_size, or send less at once")
        if item.deliveries > self._policy.max_deliveries:
            words = "it was delivered too often without an end"
            raise StructureError(words, remedy="look at it, then resend it from the console")
        if self._nameless == "refuse" and self._natural_id(item) is None:
            remedy = "let the sender give a message id, name id_header, or say without_id: content"
            raise StructureError("it has no id, so that a repeat of it could not be told", remedy=remedy)

    def _natural_id(self, item: Item) -> str | None:
        headers = item.headers
        given = headers.get(self._id_header) if self._id_header else None
        given = given or item.message_id or next(filter(None, map(headers.get, _CLOUD_EVENT_IDS)), None)
        given = given or item.position
        if given is None:
            return f"body:{digest(item.body)}" if self._nameless == "content" else None
        return given if len(given) <= _LONGEST_ID and not _CONTROL.search(given) else f"id:{digest(given.encode())}"

    def _correlation_id(self, item: Item) -> str | None:
        given = item.correlation_id or item.headers.get(self._correlation_header)
        return given if given is not None and _CORRELATION_ID(given) else None

    def _type(self, item: Item) -> str | None:
        names = _CLOUD_EVENT_TYPES if self._type_header == "ce-type" else (self._type_header,)
        given = next(filter(None, map(item.headers.get, names)), None)
        return _CONTROL.sub(" ", given)[:_LONGEST_FACT] if given else None

    def _attributes(self, item: Item) -> dict[str, str]:
        facts = {name: _CONTROL.sub(" ", value)[:_LONGEST_FACT] for name, value in item.facts.items()}
        return facts | {"redelivered": str(item.deliveries - 1)} if item.deliveries > 1 else facts


def _named(one: Received, facts: Mapping[str, str | None]) -> Received:
    """With what the format itself does not say."""
    missing = {name: value for name, value in facts.items() if getattr(one, name) is None}
    return msgspec.structs.replace(one, **missing)


def go_on() -> None:
    """Called in loops: a broker's library may swallow that a task was cancelled.

    Raises:
        CancelledError: it was.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def is_refused(receipt: Receipt) -> bool:
    """Also when a crash lets us ask again: a duplicate of a refused message has the reason."""
    return receipt.verdict in (Verdict.REFUSED, Verdict.CONFLICT) or receipt.reason is not None


REASON_HEADER = "X-Refused-Because"  # of dead letters: a code, never words of the message


# ------------------------------------------------------------------ what goes
def outgoing_headers(outbound: Outbound, content_type: str) -> dict[str, str]:
    """What readers may want to know, without opening the body."""
    headers = {"Content-Type": content_type, "X-Correlation-Id": outbound.correlation_id}
    if outbound.kind is not None:
        headers["X-Kind"] = outbound.kind
    return headers


def filled(template: str, outbound: Outbound, *, token: bool = False) -> str:
    """The template with each field quoted whole; `token`: so that it is one step of a subject with dots.

    Raises:
        DestinationError: a field has no value.
    """
    fields = {
        "order_key": outbound.order_key,
        "natural_key": outbound.natural_key,
        "kind": outbound.kind,
        "key": outbound.idempotency_key,
    }
    for name, value in fields.items():
        if f"{{{name}}}" not in template:
            continue
        if not value:
            remedy = "set order_by at this destination" if name == "order_key" else "use another field"
            raise DestinationError(f"the delivery has no {name}", where=outbound.channel, remedy=remedy)
        quoted = quote(value, safe="").replace(".", "%2E").replace("~", "%7E") if token else value
        template = template.replace(f"{{{name}}}", quoted)
    return template
