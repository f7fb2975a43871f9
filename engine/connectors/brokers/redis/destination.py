"""Destination `redis`: each delivery is one entry of a stream.

Its idempotency key is the field message_id. A stream keeps a repeat beside the first, so that an unknown outcome
waits for a person, unless all readers tell repeats by message_id (`deduplicated`). What a server confirms is as safe
as its `appendfsync` and its replicas (`replicas`) make it; `check` tells when it writes no log at all.
"""

from __future__ import annotations

from typing import Any

from redis.exceptions import NoPermissionError, ResponseError

from engine.connectors.brokers.destination import BrokerDestination
from engine.connectors.brokers.redis.link import RedisLink
from engine.connectors.brokers.redis.settings import RedisDestinationSettings
from engine.connectors.brokers.shared import filled
from engine.core.errors import DestinationError, TransportError
from engine.ports.connector import ConnectorContext, Delivered, Outbound

_ADD = "XADD"
_WAIT_SHARE = 0.8  # of the time-out, for replicas


class RedisDestination(BrokerDestination):
    """Adds to streams of one server."""

    def __init__(self, settings: RedisDestinationSettings, context: ConnectorContext) -> None:
        super().__init__(settings, context)
        self._settings, self._link = settings, RedisLink(settings, context)

    async def send(self, outbound: Outbound) -> Delivered:
        settings, where = self._settings, self._context.name
        stream = filled(settings.stream, outbound)
        options: list[Any] = [] if settings.declare else ["NOMKSTREAM"]
        if settings.max_entries is not None:
            options += ["MAXLEN", "~", settings.max_entries]
        try:
            answer = await self._link.ask(_ADD, stream, *options, "*", *self._fields(outbound), then=self._wait())
        except NoPermissionError:
            raise DestinationError("we may not write there", where=where, remedy="compare our permissions") from None
        except ResponseError:
            raise DestinationError("the server refuses it", where=where, remedy="is the key a stream") from None
        if answer is None:
            raise TransportError("there is no such stream", where=where, remedy="make it, or set declare: true")
        entry, reached = answer if settings.replicas else (answer, 0)
        if int(reached) < settings.replicas:
            raise TransportError(f"only {reached} of {settings.replicas} replicas have it", where=where, sent=True)
        return Delivered(reference=f"{stream}:{entry.decode()}"[:200])

    async def look(self) -> str:
        answer = await self._link.told("INFO", "persistence", missing="the server tells nothing", remedy="see its ACL")
        stream = self._settings.stream
        if "{" not in stream and not self._settings.declare:
            missing, remedy = f"there is no stream {stream}", "make it, or set declare: true"
            await self._link.told("XINFO", "STREAM", stream, missing=missing, remedy=remedy)
        if b"aof_enabled:0" in answer:
            return "the server takes entries, but writes no log (appendonly no): it may lose what it confirmed"
        return "the server takes entries"

    async def close(self) -> None:
        await self._link.close()

    def _fields(self, outbound: Outbound) -> list[Any]:
        fields: dict[str, Any] = {
            "message_id": outbound.idempotency_key,
            "correlation_id": outbound.correlation_id,
            "content_type": self._settings.content_type,
            "kind": outbound.kind,
            "order_key": outbound.order_key,
            self._settings.body_field: outbound.body,
        }
        return [part for name, value in fields.items() if value is not None for part in (name, value)]

    def _wait(self) -> tuple[Any, ...]:
        """For replicas, within the time-out."""
        wait = int(self._link.reach.timeout.total_seconds() * _WAIT_SHARE * 1000)
        return ("WAIT", self._settings.replicas, wait) if self._settings.replicas else ()
