"""Source `nats`: a member of a durable consumer, which pulls as much as it has room for.

A message is acknowledged when the journal has it. Word is given while one waits longer (a slow store), so that no
other member gets it too; after a lost connection it comes again when ack_wait is over, and its natural id (the
sender's, or stream and sequence) makes what was already taken in a duplicate.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

from nats.aio.msg import Msg
from nats.js import api

from engine.connectors.brokers.nats.link import NatsLink
from engine.connectors.brokers.nats.publish import publish
from engine.connectors.brokers.nats.settings import NatsSourceSettings
from engine.connectors.brokers.shared import REASON_HEADER, Item, digest, go_on
from engine.connectors.brokers.source import BrokerSource
from engine.connectors.brokers.taking import Taking
from engine.core.errors import ConfigurationError, TransportError
from engine.ports.connector import ConnectorContext, Reason

_EXPIRES = 20.0  # seconds that a request waits at the server
_HEARTBEAT = 5.0  # seconds: a server that is silent for three of them is lost
_OVER = ("404", "408")
_PARTS_OLD, _PARTS_NEW = 9, 11  # of a reply subject: without and with domain and account


class NatsSource(BrokerSource):
    """Serves one durable consumer."""

    def __init__(self, settings: NatsSourceSettings, context: ConnectorContext) -> None:
        super().__init__(settings, context)
        self._settings, self._link = settings, NatsLink(settings, context)
        self._stream, self._ack_wait = settings.stream, settings.ack_wait.total_seconds()
        self._asked, self._heard = 0, 0.0
        self._answered = asyncio.Event()
        self._failure: TransportError | None = None

    # -------------------------------------------------------------- sessions
    async def open(self) -> None:
        await self._link.open()
        self._asked, self._failure = 0, None
        self._stream, self._ack_wait = await self._find(self._link, declare=self._settings.declare)

    async def serve(self, taking: Taking) -> None:
        client = self._link.client
        assert client is not None
        inbox = client.new_inbox()

        async def came(message: Msg) -> None:
            self._heard = asyncio.get_running_loop().time()
            if not message.reply and message.headers and "Status" in message.headers:
                self._told(message.headers)
            else:
                self._asked -= 1
                taking.take(self._item(message))
            self._answered.set()

        await client.subscribe(inbox, cb=came, pending_msgs_limit=0, pending_bytes_limit=0)
        self.served()
        ways = [self._pull(taking, inbox), self._word(taking), self._watch()]
        tasks = [asyncio.ensure_future(way) for way in ways]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            next(iter(done)).result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def close(self, under_way: Sequence[Item]) -> None:
        """Others may have at once what we did not finish."""
        client = self._link.client
        if client is not None and client.is_connected:
            for item in under_way:
                await client.publish(item.handle, b"-NAK")
        await self._link.close()

    async def look(self) -> str:
        link = NatsLink(self._settings, self._context)
        try:
            await link.open()
            await self._find(link, declare=False)
            if self._settings.dead_letter is not None and link.client is not None:
                js = link.client.jetstream()
                remedy = "make a stream that takes it"
                find = js.find_stream_name_by_subject(self._settings.dead_letter)
                await link.asked(find, "no stream takes the subject of dead_letter", remedy)
        finally:
            await link.close()
        return "the stream is there, and its consumer can be read"

    async def _find(self, link: NatsLink, *, declare: bool) -> tuple[str, float]:
        """Name of the stream with the time of its making, and the consumer's ack_wait in seconds."""
        settings, client = self._settings, link.client
        assert client is not None
        js, missing = client.jetstream(), f"there is no stream {settings.stream}"
        stream = await link.asked(js.stream_info(settings.stream), missing, "make it, or correct stream")
        words, remedy = f"there is no consumer {settings.durable} of the stream", "make it, or set declare: true"
        try:
            consumer = await link.asked(js.consumer_info(settings.stream, settings.durable), words, remedy)
        except ConfigurationError:
            if not declare:
                raise
            making = js.add_consumer(settings.stream, self._consumer())
            consumer = await link.asked(making, words, remedy)
        self._judge(consumer.config)
        made = stream.created.isoformat() if stream.created else ""
        return f"{settings.stream}@{digest(made.encode())[:8]}", float(consumer.config.ack_wait or 30.0)

    def _consumer(self) -> api.ConsumerConfig:
        settings = self._settings
        return api.ConsumerConfig(
            durable_name=settings.durable,
            ack_policy=api.AckPolicy.EXPLICIT,
            deliver_policy=api.DeliverPolicy.ALL,
            ack_wait=settings.ack_wait.total_seconds(),
            max_deliver=-1,
            max_ack_pending=1 if settings.parallel == 1 else settings.parallel * 4,
            filter_subject=settings.subjects[0] if len(settings.subjects) == 1 else None,
            filter_subjects=[*settings.subjects] if len(settings.subjects) > 1 else None,
        )

    def _judge(self, config: api.ConsumerConfig) -> None:
        """Raises ConfigurationError for a consumer by which messages could be lost."""
        if config.ack_policy != api.AckPolicy.EXPLICIT:
            words = "the consumer does not wait for our acknowledgement"
        elif config.deliver_subject is not None:
            words = "the consumer pushes; a source pulls"
        elif config.max_deliver is not None and 0 < config.max_deliver <= self._settings.max_deliveries:
            words = "the consumer gives a message up before max_deliveries"
        else:
            return
        remedy = "make a pull consumer with ack policy explicit and without max deliver, or let declare: true do it"
        raise ConfigurationError(words, where=self._context.name, remedy=remedy)

    # -------------------------------------------------------------- taking
    async def _pull(self, taking: Taking, inbox: str) -> None:
        client = self._link.client
        assert client is not None
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._settings.stream}.{self._settings.durable}"
        nanoseconds = 1_000_000_000
        while True:
            room = await taking.room(self._asked)
            if self._failure is not None:
                raise self._failure
            self._asked += room
            self._heard = asyncio.get_running_loop().time()
            request = {
                "batch": room,
                "expires": int(_EXPIRES * nanoseconds),
                "idle_heartbeat": int(_HEARTBEAT * nanoseconds),
            }
            await client.publish(subject, json.dumps(request).encode(), reply=inbox)
            go_on()
            while self._asked > max(0, self._settings.parallel // 2) and self._failure is None:
                self._answered.clear()
                await self._answered.wait()

    def _told(self, headers: dict[str, str]) -> None:
        """A word of the server about our request."""
        status = headers["Status"]
        if status in _OVER or (status == "409" and "Nats-Pending-Messages" in headers):
            left = headers.get("Nats-Pending-Messages", "")
            self._asked = max(0, self._asked - (int(left) if left.isdigit() else self._asked))
        elif status != "100":
            words = f"the consumer cannot be read any more ({status})"
            self._failure = TransportError(words, where=self._context.name)

    async def _word(self, taking: Taking) -> None:
        """Tell the server that we are at it, long before ack_wait is over."""
        client = self._link.client
        assert client is not None
        before: set[str] = set()
        while True:
            await asyncio.sleep(self._ack_wait / 3)
            under_way = [item.handle for item in taking.under_way]
            for handle in under_way:
                if handle in before:
                    await client.publish(handle, b"+WPI")
            before = set(under_way)
            go_on()

    async def _watch(self) -> None:
        """Raises TransportError when the server is lost, also when it only falls silent."""
        while True:
            try:
                async with asyncio.timeout(_HEARTBEAT):
                    await self._link.lost.wait()
                raise TransportError("the server is lost", where=self._context.name)
            except TimeoutError:
                silent = asyncio.get_running_loop().time() - self._heard
                if self._asked and silent > 3 * _HEARTBEAT:
                    raise TransportError("the server is silent", where=self._context.name) from None

    def _item(self, message: Msg) -> Item:
        """Source: NATS by Example and ADR-15, subject of acknowledgements."""
        parts = message.reply.split(".")
        shift = 0 if len(parts) == _PARTS_OLD else 2
        deliveries, sequence = int(parts[4 + shift]), parts[5 + shift]
        headers = {name.lower(): value for name, value in (message.headers or {}).items()}
        return Item(
            body=message.data,
            position=f"{self._stream}:{sequence}",
            handle=message.reply,
            headers=headers,
            message_id=headers.get("nats-msg-id"),
            facts={"subject": message.subject, "sequence": sequence},
            deliveries=deliveries,
        )

    # -------------------------------------------------------------- settling
    async def acknowledge(self, items: Sequence[Item]) -> None:
        client = self._link.client
        if client is None or not client.is_connected:
            raise TransportError("the server is lost", where=self._context.name)
        for item in items:
            await client.publish(item.handle, b"+ACK")

    async def dead_letter(self, item: Item, reason: Reason) -> None:
        subject, client = self._settings.dead_letter, self._link.client
        if subject is None:
            return
        assert client is not None
        kept = {name: value for name, value in item.headers.items() if not name.startswith("nats-")}
        ours = {"Nats-Msg-Id": f"dead:{item.position}", REASON_HEADER: reason.code, "X-Subject": item.facts["subject"]}
        wait = self._link.reach.timeout.total_seconds()
        await publish(client, subject, item.body, kept | ours, wait, self._context.name)
