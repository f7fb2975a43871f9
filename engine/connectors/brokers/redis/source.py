"""Source `redis`: a member of a consumer group of a stream.

At its start a member goes on with what it had under way; then it reads what is new, and takes over what another one
has had for too long. An entry is acknowledged when the journal has it; its id in the stream tells a repeat.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from redis.exceptions import ResponseError

from engine.connectors.brokers.redis.link import RedisLink
from engine.connectors.brokers.redis.settings import RedisSourceSettings
from engine.connectors.brokers.shared import REASON_HEADER, Item, digest
from engine.connectors.brokers.source import BrokerSource
from engine.connectors.brokers.taking import Taking
from engine.core.errors import ConfigurationError, DestinationError, TransportError
from engine.ports.connector import ConnectorContext, Reason

_BLOCK = 2.0  # seconds that a read waits at the server
_TOGETHER = 256  # entries of one read
Entry = tuple[bytes, list[bytes] | None]  # id; names and values in turn, None when it was trimmed away


class RedisSource(BrokerSource):
    """Serves one group of one stream."""

    def __init__(self, settings: RedisSourceSettings, context: ConnectorContext) -> None:
        super().__init__(settings, context)
        self._settings, self._link = settings, RedisLink(settings, context)
        site = digest(os.fsencode(context.root.resolve()))[:8]
        self._me = settings.consumer or f"{socket.gethostname()}.{site}.{context.channel}"
        self._mine: set[str] = set()  # ids under way

    async def open(self) -> None:
        self._mine = set()
        if self._settings.declare:
            await self._declare()
        await self._find(self._link)

    async def serve(self, taking: Taking) -> None:
        self.served()
        ways = [asyncio.ensure_future(way) for way in (self._read(taking), self._take_over(taking), self._word(taking))]
        try:
            done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            next(iter(done)).result()
        except ResponseError:
            raise self._gone() from None
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def close(self, under_way: Sequence[Item]) -> None:
        await self._link.close()

    async def look(self) -> str:
        link = RedisLink(self._settings, self._context)
        try:
            await self._find(link)
        finally:
            await link.close()
        return "the stream is there, and its group can be read"

    async def _find(self, link: RedisLink) -> None:
        stream, group = self._settings.stream, self._settings.group
        missing, remedy = f"there is no stream {stream}", "make it, or set declare: true"
        found = await link.told("XINFO", "GROUPS", stream, missing=missing, remedy=remedy)
        names = [dict(zip(one[::2], one[1::2], strict=True)).get(b"name") for one in found]
        if group.encode() not in names:
            raise ConfigurationError(f"there is no group {group} of it", where=self._context.name, remedy=remedy)

    async def _declare(self) -> None:
        stream, group = self._settings.stream, self._settings.group
        try:
            await self._link.ask("XGROUP", "CREATE", stream, group, "0", "MKSTREAM")
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise ConfigurationError(
                    "the group cannot be made", where=self._context.name, remedy="is the key a stream, and may we"
                ) from None

    # -------------------------------------------------------------- taking
    async def _read(self, taking: Taking) -> None:
        await self._go_on(taking)
        settings = self._settings
        while True:
            count = min(await taking.room(), _TOGETHER)
            command = ("XREADGROUP", "GROUP", settings.group, self._me, "COUNT", count)
            block = ("BLOCK", int(_BLOCK * 1000), "STREAMS", settings.stream, ">")
            for entry in _entries(await self._link.ask(*command, *block, more=_BLOCK)):
                self._take(entry, 1, taking)

    async def _go_on(self, taking: Taking) -> None:
        """With what this member had and did not finish."""
        settings, after = self._settings, "0"
        while True:
            count = min(await taking.room(), _TOGETHER)
            command = ("XREADGROUP", "GROUP", settings.group, self._me, "COUNT", count, "STREAMS", settings.stream)
            found = _entries(await self._link.ask(*command, after))
            if not found:
                return
            await self._again(found, taking)
            after = found[-1][0].decode()

    async def _take_over(self, taking: Taking) -> None:
        """From members that are gone."""
        settings, after = self._settings, "0-0"
        idle = int(settings.claim_after.total_seconds() * 1000)
        while True:
            await asyncio.sleep(settings.claim_after.total_seconds() / 2)
            count = min(await taking.room(), _TOGETHER)
            command = ("XAUTOCLAIM", settings.stream, settings.group, self._me, idle, after, "COUNT", count)
            answer = await self._link.ask(*command)
            after = answer[0].decode()
            new = [(one[0], one[1]) for one in answer[1] if one and one[0].decode() not in self._mine]
            await self._again(new, taking)

    async def _again(self, entries: Sequence[Entry], taking: Taking) -> None:
        """With how often each was delivered."""
        if not entries:
            return
        settings, low, high = self._settings, entries[0][0], entries[-1][0]
        command = ("XPENDING", settings.stream, settings.group, low, high, len(entries) * 4, self._me)
        counts = {one[0]: int(one[3]) for one in await self._link.ask(*command)}
        for entry in entries:
            self._take(entry, max(2, counts.get(entry[0], 2)), taking)

    def _take(self, entry: Entry, deliveries: int, taking: Taking) -> None:
        entry_id = entry[0].decode()
        if entry_id in self._mine:
            return
        self._mine.add(entry_id)
        taking.take(self._item(entry_id, entry[1], deliveries))

    def _item(self, entry_id: str, pairs: list[bytes] | None, deliveries: int) -> Item:
        fields = dict(zip(pairs[::2], pairs[1::2], strict=True)) if pairs else {}
        body = fields.get(self._settings.body_field.encode())
        headers = {_text(name).lower(): _text(value) for name, value in fields.items() if value is not body}
        flaw = None if body is not None else "it has no field that body_field names"
        if pairs is None:
            flaw = "it was trimmed from the stream before it could be read"
        return Item(
            body=body if body is not None else msgspec.json.encode(headers),
            position=f"{self._settings.stream}:{entry_id}",
            handle=entry_id,
            headers=headers,
            message_id=headers.get("message_id"),
            correlation_id=headers.get("correlation_id"),
            facts={"stream": self._settings.stream, "entry": entry_id},
            deliveries=deliveries,
            flaw=flaw,
        )

    async def _word(self, taking: Taking) -> None:
        """Tell the group that we are at it: others take over what nobody speaks for."""
        settings = self._settings
        while True:
            await asyncio.sleep(settings.claim_after.total_seconds() / 3)
            ids = [item.handle for item in taking.under_way]
            if ids:
                await self._link.ask("XCLAIM", settings.stream, settings.group, self._me, 0, *ids, "JUSTID")

    # -------------------------------------------------------------- settling
    async def acknowledge(self, items: Sequence[Item]) -> None:
        ids = [item.handle for item in items]
        try:
            await self._link.ask("XACK", self._settings.stream, self._settings.group, *ids)
        except ResponseError:
            raise self._gone() from None
        self._mine.difference_update(ids)

    async def dead_letter(self, item: Item, reason: Reason) -> None:
        target = self._settings.dead_letter
        if target is None:
            return
        fields: dict[str, Any] = dict(item.headers) | {
            self._settings.body_field: item.body,
            REASON_HEADER: reason.code,
            "X-Entry": item.position,
        }
        try:
            await self._link.ask("XADD", target, "*", *_pairs(fields))
        except ResponseError:
            raise DestinationError("the stream does not take it", where=self._context.name) from None

    def _gone(self) -> TransportError:
        return TransportError("the stream or its group is gone", where=self._context.name, remedy="make it again")


def _entries(answer: Any) -> list[Entry]:
    """Of one stream."""
    return [(one[0], one[1]) for one in answer[0][1]] if answer else []


def _pairs(fields: Mapping[str, Any]) -> list[Any]:
    return [part for pair in fields.items() for part in pair]


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")
