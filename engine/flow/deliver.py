"""Deliver: one destination of a channel. Sends what its lane allows, and writes what became of it.

The order of things for one delivery, so that nothing is lost or doubled:
1. not idempotent, or with a fallback: SENDING is on disk before the first byte leaves;
2. an attempt that ended unknown is asked about (inquirable), sent again (idempotent), or HELD (neither);
3. arrived: DELIVERED; refused: HELD; not arrived: QUEUED with the time of the next attempt.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial

import msgspec

from engine.channel.model import DestinationModel
from engine.core.clock import Clock, from_micros, to_micros
from engine.core.errors import DestinationError, StillAwaitedError, TransportError, UnknownOutcomeError
from engine.flow.lane import Entry, Lane
from engine.flow.meter import DeliveryMeter
from engine.flow.outbound import outbound_of, reason_of
from engine.flow.policy import CircuitBreaker, RateLimiter, wait_before_retry, window_ends_in
from engine.flow.settling import STORE_RETRY_SECONDS, Settling
from engine.flow.sleepers import Sleepers
from engine.flow.waiters import Waiters
from engine.ports.connector import Delivered, Destination, Outbound, Reason, Semantics, Settled
from engine.ports.journal import Journal, PendingDelivery, Settlement
from engine.ports.states import DeliveryState

REFILL = 1024
OWN_SECONDS = 0.25  # until an engine that is not sure of its journal looks again


class Deliverer:
    """Runs until cancelled.

    Args:
        connector: the far side; `fallback` takes over while the circuit is open.
        limiter: shared by all destinations of one connection, or None.
        owns: whether this engine certainly still has the journal; without it nothing is sent.
    """

    def __init__(
        self,
        channel: str,
        model: DestinationModel,
        connector: Destination,
        journal: Journal,
        clock: Clock,
        meter: DeliveryMeter,
        waiters: Waiters,
        limiter: RateLimiter | None = None,
        fallback: Destination | None = None,
        dice: random.Random | None = None,
        owns: Callable[[], bool] = lambda: True,
    ) -> None:
        self._owns = owns
        self.channel, self.name, self.model = channel, model.name, model
        self.connector, self.fallback, self.limiter = connector, fallback, limiter
        self.meter, self.paused, self.draining = meter, False, False
        self.circuit = CircuitBreaker(model.circuit)
        self._journal, self._clock, self._waiters = journal, clock, waiters
        self._dice = dice or random.Random()
        self._lane = Lane()
        self._settling, self._sleepers = Settling(journal, meter), Sleepers()
        self._look = asyncio.Event()  # there may be something to read from the journal
        self._last_taken = 0
        self._spilled_to = 1  # the journal is read once at start
        self._rescan = False
        self._sending = 0

    # ------------------------------------------------------------------ from outside
    def put(self, delivery: PendingDelivery) -> None:
        """A delivery that was just committed."""
        if self._spilled_to or self._lane.full:
            self._spilled_to = max(self._spilled_to, delivery.delivery_id)
            self._look.set()
            return
        self._last_taken = max(self._last_taken, delivery.delivery_id)
        wait = self._wait(delivery)
        self._lane.put(delivery, wait, time.monotonic())
        if wait > 0:
            self._sleepers.wake_all()  # each has its own alarm, set to the next time that was known
        else:
            self._sleepers.wake_one()

    def rescan(self) -> None:
        """A person changed something (resent, confirmed, discarded): read the journal from the start."""
        self._rescan = True
        self._look.set()

    def wake(self) -> None:
        self._sleepers.wake_all()

    @property
    def busy(self) -> bool:
        """Sends under way or not yet written: a drain waits for them."""
        return self._sending > 0 or self._settling.unwritten > 0

    @property
    def queued_in_memory(self) -> int:
        return len(self._lane)

    def state(self) -> str:
        """One word for the console; see DestinationStatus."""
        if self.paused:
            return "paused"
        if self.circuit.is_open:
            return "open"
        if window_ends_in(self.model.windows, self._clock.now()) > 0:
            return "window"
        if self._sending:
            return "sending"
        return "retrying" if self._lane.next_due() is not None else "idle"

    def next_attempt_at(self) -> datetime | None:
        due = self._lane.next_due()
        return None if due is None else datetime.now(UTC) + timedelta(seconds=max(0.0, due - time.monotonic()))

    # ------------------------------------------------------------------ the loop
    async def run(self) -> None:
        await self._read_blocked()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._refill_forever())
            for _ in range(max(1, self.connector.parallel)):
                group.create_task(self._send_forever())

    async def _send_forever(self) -> None:
        while True:
            entry, wait = self._next()
            if entry is None:
                await self._sleepers.sleep(wait)
                continue
            self._sending += 1
            try:
                await self._deliver(entry)
            finally:
                self._sending -= 1
            if self._rescan:
                self._look.set()

    def _next(self) -> tuple[Entry | None, float | None]:
        """What to send now, or how long to wait (None: until woken)."""
        now = time.monotonic()
        if self.paused or self.draining or self._rescan:
            return None, None
        if not self._owns():
            return None, OWN_SECONDS
        wait = self._gate(now)
        if wait > 0:
            return None, wait
        entry = self._lane.take(now)
        if entry is None:
            due = self._lane.next_due()
            return None, None if due is None else max(0.001, due - now)
        self.circuit.began()
        if self.limiter is not None:
            self.limiter.began(now)
        if self._spilled_to and not self._lane.full:
            self._look.set()
        return entry, 0.0

    def _gate(self, now: float) -> float:
        """Seconds until anything may be sent."""
        wait = window_ends_in(self.model.windows, self._clock.now()) if self.model.windows else 0.0
        if not self.circuit.allows(now) and self.fallback is None:
            wait = max(wait, self.circuit.opens_again_in(now), 0.05)
        if self.limiter is not None:
            wait = max(wait, self.limiter.wait(now))
        return min(wait, 60.0)

    # ------------------------------------------------------------------ one delivery
    async def _deliver(self, entry: Entry) -> None:
        attempts = entry.attempts + 1
        outbound = outbound_of(self.channel, entry.delivery, attempts)
        connector = self._choose(entry)
        try:
            delivered = await self._attempt(entry, connector, outbound)
        except DestinationError as error:
            self.circuit.ended()
            self._hold(entry, attempts, reason_of(error))
        except UnknownOutcomeError as error:
            self.circuit.ended()
            self._hold(entry, attempts, reason_of(error))
        except TransportError as error:
            await self._not_arrived(entry, attempts, error, error.sent, connector)
        except Exception as error:  # a fault of the connector: what left is unknown; other deliveries go on
            unknown = TransportError(f"{type(error).__name__} in the connector", sent=True)
            self.meter.connector_failed(error)
            await self._not_arrived(entry, attempts, unknown, True, connector)
        else:
            if self.circuit.succeeded():
                self._sleepers.wake_all()
            await self._arrived(entry, attempts, delivered)

    def _choose(self, entry: Entry) -> Destination:
        # What may have arrived at the first destination must not go to another one.
        if self.fallback is not None and not entry.doubt and not self.circuit.allows(time.monotonic()):
            return self.fallback
        return self.connector

    async def _attempt(self, entry: Entry, connector: Destination, outbound: Outbound) -> Delivered:
        if entry.doubt:
            if connector.semantics is Semantics.NEITHER:
                raise UnknownOutcomeError(
                    "an earlier attempt may have arrived, and this destination cannot be asked",
                    remedy="look at the far side: confirm the delivery, or resend it",
                )
            if connector.semantics is Semantics.INQUIRABLE:
                found = await connector.inquire(outbound)
                if found is not None:
                    return found
                entry.doubt = False  # it was asked: certainly not there
        elif connector.semantics is not Semantics.IDEMPOTENT or self.fallback is not None:
            await self._mark_sending(entry, outbound.attempt)
        if not self._owns():
            raise TransportError("another engine may have taken over the journal")
        return await connector.send(outbound)

    async def _mark_sending(self, entry: Entry, attempt: int) -> None:
        settlement = self._settlement(entry, DeliveryState.SENDING, attempt)
        try:
            await self._settling.write(settlement)
        except Exception as error:
            raise TransportError(f"the journal could not note the attempt: {type(error).__name__}") from error

    async def _arrived(self, entry: Entry, attempts: int, delivered: Delivered) -> None:
        settlement = self._settlement(
            entry, DeliveryState.DELIVERED, attempts, response=delivered.response, reference=delivered.reference
        )
        if delivered.attachments:
            named = tuple(
                msgspec.structs.replace(one, name=f"{entry.delivery.destination}/{one.name}")
                for one in delivered.attachments
            )
            settlement = msgspec.structs.replace(settlement, attachments=named)
        if self.connector.semantics is Semantics.IDEMPOTENT:
            # A crash before this is flushed sends it again under the same key: nothing is doubled.
            # With a fallback the note is the only word that neither gets it again: it does not wait for others.
            hurry = self.fallback is not None or self._waiters.any or len(self._lane) <= 1
            self._settling.gather(settlement, partial(self._told, entry, delivered), hurry)
        else:
            await self._settling.write_surely(settlement)
            self._told(entry, delivered)
        self._lane.finish(entry, time.monotonic())  # what it frees is for this sender: nobody is woken
        self.meter.delivered(entry.delivery, attempts)

    def _told(self, entry: Entry, delivered: Delivered) -> None:
        self._waiters.settle(entry.delivery.message_id, Settled(True, None, delivered.response))

    async def _not_arrived(
        self, entry: Entry, attempts: int, error: TransportError, sent: bool, connector: Destination
    ) -> None:
        if isinstance(error, StillAwaitedError):
            self.circuit.ended()
        elif connector is self.connector and self.circuit.failed(time.monotonic()):
            self.meter.circuit_opened(error)
        self.meter.failed(entry.delivery, attempts, error)
        if connector.semantics is Semantics.NEITHER and sent:
            reason = Reason(
                "T003", f"unknown outcome: {error.what}", error.where, "look at the far side, then confirm or resend"
            )
            return self._hold(entry, attempts, reason)
        age = self._clock.now() - from_micros(entry.delivery.first_micros)
        if age >= self.model.retry.give_up_after:
            reason = Reason(
                error.code,
                f"gave up after {attempts} attempts: {error.what}",
                error.where,
                "resend when the far side is back",
            )
            return self._hold(entry, attempts, reason)
        wait = wait_before_retry(self.model.retry, attempts, error.retry_after, self._dice)
        # Doubt stays until somebody answered: this error may come from the inquiry itself.
        entry.doubt = entry.doubt or sent
        state = DeliveryState.SENDING if entry.doubt else DeliveryState.QUEUED
        due = to_micros(self._clock.now() + timedelta(seconds=wait))
        settlement = self._settlement(
            entry, state, attempts, due, Reason(error.code, error.what, error.where, error.remedy)
        )
        self._settling.submit(settlement, _nobody)
        entry.attempts = attempts
        self._lane.again(entry, wait, time.monotonic())
        self._sleepers.wake_all()

    def _hold(self, entry: Entry, attempts: int, reason: Reason) -> None:
        self._settling.submit(self._settlement(entry, DeliveryState.HELD, attempts, reason=reason), _nobody)
        key = entry.delivery.order_key
        if key is not None and self.model.on_hold == "block":
            self._lane.block(key)
        else:
            self._lane.finish(entry, time.monotonic())
        self.meter.held(entry.delivery, reason)
        self._waiters.settle(entry.delivery.message_id, Settled(False, reason))
        self._sleepers.wake_all()

    # ------------------------------------------------------------------ writing
    def _settlement(
        self,
        entry: Entry,
        state: DeliveryState,
        attempts: int,
        not_before: int = 0,
        reason: Reason | None = None,
        response: bytes | None = None,
        reference: str | None = None,
    ) -> Settlement:
        return Settlement(
            delivery_id=entry.delivery.delivery_id,
            message_id=entry.delivery.message_id,
            state=state,
            attempts=attempts,
            at_micros=to_micros(self._clock.now()),
            not_before_micros=not_before,
            reason=reason,
            response=response,
            reference=reference,
        )

    # ------------------------------------------------------------------ reading
    async def _read_blocked(self) -> None:
        if self.model.order_by is None or self.model.on_hold != "block":
            return
        while True:
            try:
                for key in await self._journal.held_order_keys(self.channel, self.name):
                    self._lane.block(key)
                return
            except Exception as error:  # the store is away; sending without knowing would break the order
                self.meter.store_failed(error)
                await asyncio.sleep(STORE_RETRY_SECONDS)

    async def _refill_forever(self) -> None:
        while True:
            if self._rescan and self._sending == 0 and self._settling.unwritten == 0:
                self._lane.clear()
                self._rescan, self._last_taken, self._spilled_to = False, 0, max(self._spilled_to, 1)
                await self._read_blocked()
                self._sleepers.wake_all()
            if self._spilled_to and not self._lane.full and not self._rescan:
                await self._refill()
            else:
                await self._pause_refill()

    async def _pause_refill(self) -> None:
        self._look.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(0.05 if self._spilled_to or self._rescan else 0.5):
                await self._look.wait()
        await asyncio.sleep(0.002)  # full lanes and sends under way change at every delivery; do not spin on it

    async def _refill(self) -> None:
        wanted = self._spilled_to
        try:
            found = await self._journal.pending_deliveries(self.channel, self.name, self._last_taken, REFILL)
        except Exception as error:  # the deliveries are safe in the store: read again later
            self.meter.store_failed(error)
            await asyncio.sleep(STORE_RETRY_SECONDS)
            return
        if self._rescan:
            return
        now = time.monotonic()
        for delivery in found:
            self._last_taken = max(self._last_taken, delivery.delivery_id)
            self._lane.put(delivery, self._wait(delivery), now)
        if len(found) < REFILL and self._spilled_to == wanted:
            self._spilled_to = 0
        self._sleepers.wake_all()

    def _wait(self, delivery: PendingDelivery) -> float:
        if not delivery.not_before_micros:
            return 0.0
        return (delivery.not_before_micros - to_micros(self._clock.now())) / 1_000_000


def _nobody() -> None:
    """Nobody waits for this note."""
