"""Source `kafka`: a member of a consumer group, or the only reader of named partitions.

A group's place in a partition is moved only up to the first record that the journal does not have yet. When a
partition goes to another member, what is under way is waited for a moment, so that it goes on behind it. Topic,
partition and offset tell a repeat, unless the record has an id of its own.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from engine.connectors.brokers.kafka.link import LOST, Cause, Thread, client, configuration, look_at, reach, told
from engine.connectors.brokers.kafka.produce import Outbox
from engine.connectors.brokers.kafka.settings import KafkaSourceSettings
from engine.connectors.brokers.shared import REASON_HEADER, Item
from engine.connectors.brokers.source import BrokerSource
from engine.connectors.brokers.taking import Taking
from engine.core.errors import TransportError
from engine.ports.connector import ConnectorContext, Reason

_POLL = 0.05  # seconds that a look at the library's queue waits
_AHEAD_KIB = 16 * 1024  # what the library fetches ahead
_PATIENCE = 5.0  # seconds for what is under way, when a partition goes to another member
Place = tuple[str, int]


class KafkaSource(BrokerSource):
    """Reads with one consumer, in a thread of its own."""

    def __init__(self, settings: KafkaSourceSettings, context: ConnectorContext) -> None:
        super().__init__(settings, context)
        self._settings, self._reach = settings, reach(settings, context)
        self._consumer: Consumer | None = None
        self._thread: Thread | None = None
        self._letters: Outbox | None = None
        self._guard = threading.Lock()
        self._next: dict[Place, int] = {}  # offsets to commit
        self._under_way: dict[Place, int] = {}  # records, for a partition that goes
        self._lost: TransportError | None = None
        self._cause = Cause()

    async def open(self) -> None:
        self._thread, self._lost = Thread(), None
        self._next, self._under_way = {}, {}
        self._consumer = self._made(self._told)
        await self._thread.do(self._begin, self._consumer)

    async def serve(self, taking: Taking) -> None:
        assert self._thread is not None
        self.served()
        while True:
            for message in await self._thread.do(self._some, taking.free()):
                taking.take(self._item(message))
            if self._lost is not None:
                raise self._lost

    async def close(self, under_way: Sequence[Item]) -> None:
        consumer, self._consumer = self._consumer, None
        thread, self._thread = self._thread, None
        letters, self._letters = self._letters, None
        if letters is not None:
            await letters.close()
        if consumer is not None and thread is not None:
            self._under_way = {}  # nobody waits for it any more
            await asyncio.shield(thread.do(self._end, consumer))
        if thread is not None:
            thread.close()

    async def look(self) -> str:
        thread, cause = Thread(), Cause()
        consumer = self._made(cause.note)
        topics = (*self._settings.topics, *([self._settings.dead_letter] if self._settings.dead_letter else []))
        seconds = self._reach.connect_timeout.total_seconds()
        try:
            await thread.do(look_at, consumer, topics, seconds, self._context.name, cause)
        finally:
            await asyncio.shield(thread.do(consumer.close))
            thread.close()
        return "the cluster is there, with the topics"

    def _made(self, on_error: Callable[[Any], None]) -> Consumer:
        settings = self._settings
        ours = {
            "group.id": settings.group,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "earliest" if settings.begin == "first" else "latest",
            "queued.max.messages.kbytes": _AHEAD_KIB,
            "fetch.wait.max.ms": 100,
            "error_cb": on_error,
        }
        return client(Consumer, configuration(self._reach, self._context) | ours, self._context.name)

    def _told(self, error: Any) -> None:
        """By the library, in its thread, when something is wrong with the cluster."""
        self._cause.note(error)
        if error.code() in LOST or error.fatal():
            found = told(error, self._context.name)
            self._lost = found if isinstance(found, TransportError) else TransportError(found.what, where=found.where)

    # -------------------------------------------------------------- in the thread
    def _begin(self, consumer: Consumer) -> None:
        settings = self._settings
        seconds = self._reach.connect_timeout.total_seconds()
        look_at(consumer, settings.topics, seconds, self._context.name, self._cause)
        if settings.partitions:
            consumer.assign([TopicPartition(t, p) for t in settings.topics for p in settings.partitions])
        else:
            consumer.subscribe([*settings.topics], on_revoke=self._goes)

    def _some(self, room: int) -> list[Any]:
        """What has come, at most `room`; commits what is safe."""
        consumer = self._consumer
        if consumer is None:
            return []
        self._commit(consumer, wait=False)
        if room < 1:
            return self._rest(consumer)
        first = consumer.poll(_POLL)
        if first is None:
            return []
        found = [first, *(consumer.consume(room - 1, 0) if room > 1 else [])]
        good = [message for message in found if self._is_record(message)]
        with self._guard:
            for message in good:
                place = _place(message)
                self._under_way[place] = self._under_way.get(place, 0) + 1
        return good

    def _rest(self, consumer: Consumer) -> list[Any]:
        """A member must keep asking, or it is taken for dead: with its partitions paused nothing comes."""
        assigned = consumer.assignment()
        consumer.pause(assigned)
        found = consumer.poll(_POLL)
        consumer.resume(assigned)
        return [found] if found is not None and self._is_record(found) else []

    def _is_record(self, message: Any) -> bool:
        error = message.error()
        if error is None:
            return True
        if error.code() != KafkaError._PARTITION_EOF and not error.retriable():
            found = told(error, self._context.name, message.topic() or "")
            self._lost = TransportError(found.what, where=found.where, remedy=found.remedy)
        return False

    def _goes(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Called by the library before another member gets them."""
        going = {(one.topic, one.partition) for one in partitions}
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end and any(self._under_way.get(place) for place in going):
            time.sleep(0.01)
        self._commit(consumer, wait=True)

    def _commit(self, consumer: Consumer, *, wait: bool) -> None:
        with self._guard:
            places, self._next = self._next, {}
        offsets = [TopicPartition(topic, partition, offset) for (topic, partition), offset in places.items()]
        if not offsets:
            return
        try:
            if wait:
                consumer.commit(offsets=offsets, asynchronous=False)
            else:
                consumer.commit(offsets=offsets, asynchronous=True)
        except KafkaException:
            pass  # the records come again, to us or another member, and are told as repeats

    def _end(self, consumer: Consumer) -> None:
        self._commit(consumer, wait=True)
        consumer.close()

    # -------------------------------------------------------------- records
    def _item(self, message: Any) -> Item:
        headers = {
            name.lower(): value.decode("utf-8", "replace")
            for name, value in message.headers() or ()
            if value is not None
        }
        topic, partition, offset = message.topic(), message.partition(), message.offset()
        facts = {"topic": topic, "partition": str(partition), "offset": str(offset)}
        if message.key() is not None:
            facts["key"] = message.key().decode("utf-8", "replace")
        return Item(
            body=message.value() or b"",
            position=f"{topic}/{partition}/{offset}",
            handle=message,
            headers=headers,
            message_id=headers.get("message_id"),
            facts=facts,
        )

    async def acknowledge(self, items: Sequence[Item]) -> None:
        """Remembered; the thread tells the cluster within a moment."""
        with self._guard:
            for item in items:
                place = _place(item.handle)
                self._next[place] = item.handle.offset() + 1
                self._under_way[place] = max(0, self._under_way.get(place, 0) - 1)

    async def dead_letter(self, item: Item, reason: Reason) -> None:
        topic = self._settings.dead_letter
        if topic is None:
            return
        if self._letters is None:
            self._letters = Outbox(self._reach, self._context, topic)
        ours = {REASON_HEADER: reason.code, "X-Position": item.position or ""}
        await self._letters.put(item.body, item.handle.key(), dict(item.headers) | ours)


def _place(message: Any) -> Place:
    return message.topic(), message.partition()
