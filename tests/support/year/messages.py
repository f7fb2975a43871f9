"""The engine's own messages over the year: delivered, refused, held, and what people did about those that were held."""

from __future__ import annotations

from datetime import datetime, timedelta

from engine.core.clock import to_micros
from engine.core.ids import first_id_at
from engine.ports.states import DeliveryState, MessageState
from engine.store.open import Store
from tests.support.connector_doubles import Clock
from tests.support.stores import REFUSED, Driver, settlement
from tests.support.year.maker import LAST, Maker

_CHANNELS = ("orders", "invoices", "usage")
_LAG = timedelta(hours=3, minutes=20)  # of a source that is behind at the end of the year
_SOURCE = "remittances"  # one that nobody waits for


class Messages:
    def __init__(self, maker: Maker, count: int) -> None:
        self.maker, self.oracle, self.count = maker, maker.oracle, count
        self.oracle.told_until[_SOURCE] = LAST - _LAG

    async def play(self, store: Store, clock: Clock) -> None:
        """`clock` is the store's own."""
        for number in range(self.count):
            at = self.maker.moment(number * 300 // self.count)
            await self._message(store, clock, at, number)
        await store.records.set_watermark(_SOURCE, to_micros(LAST - _LAG))

    async def _message(self, store: Store, clock: Clock, at: datetime, number: int) -> None:
        channel = _CHANNELS[number % len(_CHANNELS)]
        drive, clock.moment = Driver(store, channel), at
        message_id = first_id_at(at) + number
        fails = number % 7 == 0
        await drive.append(message_id=message_id, natural_id=f"{channel}-{number}", received_micros=to_micros(at))
        self.oracle.count("failed_transactions", at, int(fails), 1, {"stage": channel})
        self.oracle.count("support_effort", at, 0, 1, {})
        if fails:
            held = drive.outcome(message_id, state=MessageState.HELD)
            await drive.finishing(held)
            return await self._looked_at(store, clock, at, message_id)
        await self._delivered(drive, clock, at, message_id, seconds=number % 50 + 1)

    async def _delivered(self, drive: Driver, clock: Clock, at: datetime, message_id: int, seconds: int) -> None:
        clock.moment = made = at + timedelta(seconds=2)
        await drive.finishing(drive.outcome(message_id, "erp"))
        [waiting] = await drive.waiting("erp", message_id)
        done = made + timedelta(seconds=seconds)
        state = DeliveryState.HELD if seconds == 50 else DeliveryState.DELIVERED
        reason = REFUSED if state is DeliveryState.HELD else None
        await drive.settling(settlement(waiting, state, at_micros=to_micros(done), reason=reason))
        if state is DeliveryState.DELIVERED:  # in the period in which its message was received
            span = (done - made) // timedelta(microseconds=1)
            self.oracle.count("delivery_latency", at, span, 1, {"stage": drive.channel})
        else:
            tried = self.oracle.happened["failed_transactions"]
            fallen = next(one for one in tried if (one.at, one.where.get("stage")) == (at, drive.channel))
            tried[tried.index(fallen)] = fallen._replace(above=1)

    async def _looked_at(self, store: Store, clock: Clock, at: datetime, message_id: int) -> None:
        """Somebody looks for it, which is no effort yet, and sends it again, which is."""
        for hours, action in ((1, "message.view"), (2, "message.resend")):
            clock.moment = at + timedelta(hours=hours)
            await store.audit.record("m.moss", action, f"message {message_id}")
        self.oracle.count("support_effort", clock.moment, 1, 0, {})
