"""Transform: accepted messages go to worker processes in batches; outcomes and queue entries are one transaction.

Memory is a window: what does not fit stays in the journal and is read again when the window has room.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b

from engine.core.clock import Clock, to_micros
from engine.core.errors import UnstorableError
from engine.core.ids import IdSource, parse_id
from engine.flow.acknowledged import settle
from engine.flow.gathering import GATHERED, Gathering
from engine.flow.meter import ChannelMeter
from engine.flow.waiters import Waiters
from engine.ports.connector import Reason, Settled
from engine.ports.journal import Journal, NewDelivery, NewDocument, Outcome, PendingDelivery, PendingMessage
from engine.ports.ledger import Claim, ControlNumberLedger
from engine.ports.script import CLAIM, REPEATED, Route, ScriptPool, WorkItem, WorkResult
from engine.ports.states import DeliveryState, MessageState

log = logging.getLogger("isthmus.flow")

WINDOW_ITEMS, WINDOW_BYTES = 4096, 32 * 1024 * 1024
IN_FLIGHT = 256  # messages at the workers or being written: two batches there, the rest being stored
REFILL = 1024
RETRY_SECONDS = 0.5

Enqueue = Callable[[PendingDelivery], None]


class Transformer:
    """One channel's stage. `enqueue` gets each delivery once it is on disk.

    `ledger` tells whether an X12 control number was seen before.
    """

    def __init__(
        self,
        channel: str,
        journal: Journal,
        pool: ScriptPool,
        ids: IdSource,
        clock: Clock,
        meter: ChannelMeter,
        waiters: Waiters,
        enqueue: Enqueue,
        ledger: ControlNumberLedger | None = None,
    ) -> None:
        self.channel, self.paused, self._ledger = channel, False, ledger
        self.queue_uncertain: Callable[[], None] = lambda: None  # deliveries may be on disk that nobody was told of
        self._journal, self._pool, self._ids, self._clock = journal, pool, ids, clock
        self._meter, self._waiters, self._enqueue = meter, waiters, enqueue
        self._window: deque[WorkItem] = deque()
        self._in_window: set[int] = set()
        self._bytes = 0
        self._in_flight: dict[int, WorkItem] = {}
        self._last_taken = 0  # the highest id that is in the window or was
        self._spilled_to = 0  # accepted messages up to this id must be read from the journal
        self._refilling: asyncio.Task[None] | None = None
        self._tick: asyncio.Handle | None = None
        self._gathering, self._waiting = Gathering[Sequence[WorkResult]](self._write_all), 0  # results, not yet written
        self._claiming: asyncio.Task[None] | None = None
        self._redo = False
        self._singly_to = 0  # up to this id each outcome is written alone: one of them cannot be
        self._unstorable: dict[int, UnstorableError] = {}  # messages whose outcome cannot be
        self._discarding = False  # an outcome was not written: those after it must not overtake it
        self._accepted = 0

    # ------------------------------------------------------------------ taking in
    def take(self, item: WorkItem) -> None:
        """A message that was just accepted."""
        self._accepted += 1
        if self._spilled_to or len(self._window) >= WINDOW_ITEMS or self._bytes >= WINDOW_BYTES:
            self._spilled_to = max(self._spilled_to, item.message_id)
        else:
            self._put(item)
        self._soon()

    def recover(self) -> None:
        """Read what an earlier run left RECEIVED."""
        self._spilled_to = max(self._spilled_to, 1)
        self._soon()

    def reread(self) -> None:
        """A message became RECEIVED again behind our back (a person resent it): look from the start."""
        self._redo = True
        self._soon()

    @property
    def backlog(self) -> int:
        """Messages accepted by this run that wait for their transform, in memory or in the journal."""
        return self._accepted

    @property
    def idle(self) -> bool:
        return not self._window and not self._in_flight and not self._spilled_to and not self._redo

    def _put(self, item: WorkItem) -> None:
        if item.message_id in self._in_window or item.message_id in self._in_flight:
            return  # read from the journal before its door heard of the commit
        self._window.append(item)
        self._in_window.add(item.message_id)
        self._bytes += len(item.body)
        self._last_taken = max(self._last_taken, item.message_id)

    # ------------------------------------------------------------------ giving to workers
    def resume(self) -> None:
        self.paused = False
        self._soon()

    def _soon(self) -> None:
        # One dispatch per turn of the loop: a commit of many messages becomes one batch.
        if self._tick is None:
            self._tick = asyncio.get_running_loop().call_soon(self._dispatch)

    def _dispatch(self) -> None:
        self._tick = None
        if self.paused or self._claiming is not None:
            return
        if self._redo:
            if self._in_flight or self._refilling is not None:
                return  # what is read again keeps its place before what came later
            self._start_over()
        room = IN_FLIGHT - len(self._in_flight)
        if self._window and room > 0:
            items = [self._window.popleft() for _ in range(min(room, len(self._window)))]
            for item in items:
                self._in_window.discard(item.message_id)
                self._bytes -= len(item.body)
                self._in_flight[item.message_id] = item
            self._give(items)
        if self._spilled_to and len(self._window) < REFILL and self._refilling is None:
            self._refilling = asyncio.get_running_loop().create_task(self._refill())

    def _give(self, items: list[WorkItem]) -> None:
        if any("control_number" in item.attributes for item in items):
            self._claiming = asyncio.get_running_loop().create_task(self._claim(items))
        else:
            self._pool.submit(self.channel, items, self._results)

    async def _claim(self, items: list[WorkItem]) -> None:
        """Ask the ledger whether an interchange's control number was seen before; nothing else goes meanwhile."""
        try:
            self._pool.submit(self.channel, [await self._claimed(item) for item in items], self._results)
        except Exception as error:  # the store is away: nothing may act without its answer
            self._meter.store_failed(error)
            await asyncio.sleep(RETRY_SECONDS)
            self._forget([item.message_id for item in items])
        finally:
            self._claiming = None
            self._soon()

    async def _claimed(self, item: WorkItem) -> WorkItem:
        partner, number = item.attributes.get("partner"), item.attributes.get("control_number")
        if not partner or not number or self._ledger is None:
            return item
        digest = blake2b(item.body, digest_size=16).digest()
        origin = item.attributes.get("origin")
        claim = await self._ledger.claim(partner, number, parse_id(origin) if origin else item.message_id, digest)
        if claim is not Claim.REPEATED:
            for rejected in await settle(self._ledger, partner, item):
                self._meter.interchange_rejected(rejected)
            return item
        attributes = {**item.attributes, CLAIM: REPEATED}
        return WorkItem(item.message_id, item.program, item.body, item.message_type, attributes)

    def _start_over(self) -> None:
        self._redo, self._discarding = False, False
        self._window.clear()
        self._in_window.clear()
        self._bytes, self._last_taken = 0, 0
        self._spilled_to = max(self._spilled_to, 1)

    async def _refill(self) -> None:
        try:
            wanted = self._spilled_to
            pending = await self._journal.pending_messages(self.channel, self._last_taken, REFILL)
            if self._redo:
                return
            for message in pending:
                if message.message_id > self._last_taken:
                    self._put(work_item(message))
            if len(pending) < REFILL and self._spilled_to == wanted:
                self._spilled_to = 0
        except Exception as error:  # the store is away: the messages are safe in it, try again
            self._meter.store_failed(error)
            await asyncio.sleep(RETRY_SECONDS)
        finally:
            self._refilling = None
            self._soon()

    # ------------------------------------------------------------------ results
    def _results(self, results: Sequence[WorkResult]) -> None:
        again = [r for r in results if r.routes and self._is_again(r.message_id)]
        if again:
            asyncio.get_running_loop().create_task(self._skip_delivered(results, again))
        else:
            self._write(results)

    def _is_again(self, message_id: int) -> bool:
        item = self._in_flight.get(message_id)
        return item is not None and ("origin" in item.attributes or "control_number" in item.attributes)

    async def _skip_delivered(self, results: Sequence[WorkResult], again: Sequence[WorkResult]) -> None:
        """Replayed and edited messages: what their origin delivered is not delivered again."""
        try:
            keys = [route.idempotency_key for r in again for route in r.routes]
            delivered = await self._journal.delivered_keys(keys)
        except Exception as error:  # without the answer nothing may go out: read them again
            self._meter.store_failed(error)
            self._discarding = True
            self._forget([r.message_id for r in results])
            return
        self._write([without_delivered(r, delivered) if r in again else r for r in results])

    def _write(self, results: Sequence[WorkResult]) -> None:
        """In a moment, unless the workers have nothing else: meanwhile commits of received messages stay short."""
        self._waiting += len(results)
        self._gathering.add(results, self._waiting >= min(GATHERED, len(self._in_flight)))

    def _write_all(self, gathered: Sequence[Sequence[WorkResult]]) -> None:
        self._waiting = 0
        for results in gathered:
            if any(r.message_id <= self._singly_to for r in results):
                for result in results:
                    self._finish([result])
            else:
                self._finish(results)

    def _finish(self, results: Sequence[WorkResult]) -> None:
        if self._discarding:
            self._forget([r.message_id for r in results])
            return
        outcomes, deliveries = [], []
        for result in results:
            if refused := self._unstorable.get(result.message_id):
                result = _unstorable(result, refused)
            new = [self._delivery(route) for route in result.routes]
            outcomes.append(_outcome(result, new))
            deliveries.append((result, new))
        self._journal.finish(outcomes, lambda error: self._finished(error, deliveries))

    def _delivery(self, route: Route) -> NewDelivery:
        return NewDelivery(
            delivery_id=self._ids.next(),
            destination=route.destination,
            document=route.document,
            idempotency_key=route.idempotency_key,
            order_key=route.order_key,
        )

    def _finished(self, error: Exception | None, done: list[tuple[WorkResult, list[NewDelivery]]]) -> None:
        if error is not None:
            self._not_written(error, [result.message_id for result, _ in done])
            return
        now = to_micros(self._clock.now())
        self._accepted = max(0, self._accepted - len(done))  # those that an earlier run accepted were never counted
        for result, deliveries in done:
            item = self._in_flight.pop(result.message_id, None)
            self._unstorable.pop(result.message_id, None)
            if item is None:
                continue
            self._meter.transformed(result.message_id, result.state.name, result.reason, result.micros)
            for delivery in deliveries:
                self._enqueue(pending(self.channel, item, delivery, result.documents, now))
            if result.state is not MessageState.QUEUED:
                self._waiters.settle(result.message_id, Settled(result.state is not MessageState.HELD, result.reason))
        self._soon()

    def _not_written(self, error: Exception, message_ids: list[int]) -> None:
        """Everything since then is done again, in order; what the database will never take is HELD then."""
        if isinstance(error, UnstorableError):
            if len(message_ids) == 1:
                self._unstorable[message_ids[0]] = error
            self._singly_to = max(self._singly_to, *message_ids)
        self._meter.store_failed(error)
        self._redo, self._discarding = True, True
        self.queue_uncertain()  # the connection may have been lost after the commit: then deliveries are on disk
        asyncio.get_running_loop().call_later(RETRY_SECONDS, self._forget, message_ids)

    def _forget(self, message_ids: Iterable[int]) -> None:
        """Nothing of these results was written: they are still RECEIVED and will be read again."""
        for message_id in message_ids:
            self._in_flight.pop(message_id, None)
        self.reread()


def _unstorable(result: WorkResult, error: UnstorableError) -> WorkResult:
    """A person must look: nothing of what the transform made of this message can be kept."""
    return WorkResult(result.message_id, MessageState.HELD, Reason(error.code, error.what, None, error.remedy))


def work_item(message: PendingMessage) -> WorkItem:
    attributes = dict(message.attributes) | {"correlation": message.correlation_id}
    key = f"{message.channel}@{message.revision}"
    return WorkItem(message.message_id, key, message.body, message.message_type, attributes)


def without_delivered(result: WorkResult, delivered: set[str]) -> WorkResult:
    """The result without routes whose idempotency key was delivered before; with none left it is TRANSFORMED."""
    routes = [route for route in result.routes if route.idempotency_key not in delivered]
    if len(routes) == len(result.routes):
        return result
    state = result.state if routes else MessageState.TRANSFORMED
    reason = result.reason or Reason("R001", "already delivered from the original message: not sent again")
    return WorkResult(result.message_id, state, reason, result.documents, routes, result.keys, result.micros)


def _outcome(result: WorkResult, deliveries: list[NewDelivery]) -> Outcome:
    return Outcome(result.message_id, result.state, result.reason, result.documents, deliveries, result.keys)


def pending(
    channel: str, item: WorkItem, delivery: NewDelivery, documents: Sequence[NewDocument], now: int
) -> PendingDelivery:
    document = documents[delivery.document]
    return PendingDelivery(
        delivery_id=delivery.delivery_id,
        message_id=item.message_id,
        channel=channel,
        destination=delivery.destination,
        revision=int(item.program.rpartition("@")[2]),
        state=DeliveryState.QUEUED,
        attempts=0,
        not_before_micros=delivery.not_before_micros,
        first_micros=now,
        idempotency_key=delivery.idempotency_key,
        correlation_id=item.attributes.get("correlation", ""),
        body=document.body,
        kind=document.kind,
        natural_key=document.natural_key,
        order_key=delivery.order_key,
        attributes=item.attributes,
    )
