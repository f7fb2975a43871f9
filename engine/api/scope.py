"""The operations of a person who answers for some facilities only: everything else does not exist for them."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from typing import Any

import msgspec

from engine.api.approvals import ScopedApprovals
from engine.api.measures import ScopedMeasures
from engine.api.p2p_scope import ScopedP2p
from engine.api.payments import ScopedPayments
from engine.core.errors import AccessError, NotFoundError
from engine.core.ids import parse_id
from engine.ports.approvals import ApprovalOperations
from engine.ports.connector import Attachment, Health
from engine.ports.journal import MessageRow, MessageView, Query, RevisionRow
from engine.ports.measures import MeasureOperations
from engine.ports.operations import ChannelDiff, ChannelStatus, EngineStatus, Operations, ReplayPlan
from engine.ports.p2p_operations import P2pOperations
from engine.ports.payments import PaymentOperations


class PlanBook:
    """Which replay plans were made by whom: a plan may be carried out by its maker only."""

    def __init__(self, size: int = 1000) -> None:
        self._makers: dict[str, str] = {}
        self._size = size

    def note(self, plan_id: str, who: str) -> None:
        self._makers[plan_id] = who
        if len(self._makers) > self._size:
            self._makers.pop(next(iter(self._makers)))

    def made_by(self, plan_id: str, who: str) -> bool:
        return self._makers.get(plan_id) == who


class ScopedOperations:
    """An `Operations` that shows and changes channels of `facilities` only. A channel without one is for all-seers."""

    def __init__(self, inner: Operations, facilities: frozenset[str], plans: PlanBook) -> None:
        self._inner, self._facilities, self._plans = inner, facilities, plans
        self._deliveries: set[int] = set()

    @property
    def p2p(self) -> P2pOperations:
        return ScopedP2p(self._inner.p2p, self._facilities)

    @property
    def approvals(self) -> ApprovalOperations:
        return ScopedApprovals(self._inner.approvals, self._inner.p2p, self._facilities)

    @property
    def measures(self) -> MeasureOperations:
        return ScopedMeasures(self._inner.measures, self._facilities)

    @property
    def payments(self) -> PaymentOperations:
        return ScopedPayments(self._inner.payments, self._facilities)

    # -------------------------------------------------------------- seeing
    async def status(self) -> EngineStatus:
        status = await self._inner.status()
        return msgspec.structs.replace(status, channels=[c for c in status.channels if c.facility in self._facilities])

    async def search(self, query: Query, who: str) -> list[MessageRow]:
        channels = await self._channels()
        if query.channel is not None:
            return await self._inner.search(query, who) if query.channel in channels else []
        found = [await self._inner.search(msgspec.structs.replace(query, channel=c), who) for c in sorted(channels)]
        newest_first = heapq.merge(*found, key=lambda row: row.message_id, reverse=True)
        return list(islice(newest_first, query.limit))

    async def view(self, message_id: int, who: str) -> MessageView | None:
        """Nothing is read, so nothing is audited, when the message is out of scope."""
        view = await self._inner.view(message_id, who) if await self._sees(message_id, who) else None
        self._deliveries |= {delivery.delivery_id for delivery in view.deliveries} if view else set()
        return view

    async def attachment(self, message_id: int, position: int, who: str) -> Attachment | None:
        """As `view`: out of scope, nothing is read or audited."""
        return await self._inner.attachment(message_id, position, who) if await self._sees(message_id, who) else None

    async def diff(self) -> list[ChannelDiff]:
        channels = await self._channels()
        return [diff for diff in await self._inner.diff() if diff.channel in channels]

    async def history(self, channel: str | None) -> list[RevisionRow]:
        channels = await self._channels()
        return [row for row in await self._inner.history(channel) if row.channel in channels]

    async def check(self, channel: str | None = None) -> dict[str, Health]:
        found: dict[str, Health] = {}
        for name in sorted(await self._channels()):
            if channel in {None, name}:
                found |= await self._inner.check(name)
        return found

    async def audit_records(self, subject: str | None, limit: int) -> list[dict[str, Any]]:
        channels = await self._channels()
        records = await self._inner.audit_records(subject, limit)
        return [record for record in records if await self._concerns(str(record.get("subject")), channels)]

    # -------------------------------------------------------------- changing
    async def set_channel(self, channel: str, state: str, who: str, reason: str | None) -> ChannelStatus:
        await self._need_channel(channel)
        return await self._inner.set_channel(channel, state, who, reason)

    async def resend(self, message_id: int, who: str, reason: str, body: bytes | None = None) -> int:
        await self._need_message(message_id, who)
        return await self._inner.resend(message_id, who, reason, body)

    async def discard(self, message_id: int, who: str, reason: str) -> None:
        await self._need_message(message_id, who)
        await self._inner.discard(message_id, who, reason)

    async def resend_delivery(self, delivery_id: int, who: str, reason: str) -> None:
        self._need_delivery(delivery_id)
        await self._inner.resend_delivery(delivery_id, who, reason)

    async def confirm_delivery(self, delivery_id: int, who: str, reason: str, reference: str | None) -> None:
        self._need_delivery(delivery_id)
        await self._inner.confirm_delivery(delivery_id, who, reason, reference)

    async def plan_replay(self, query: Query, who: str, revision: int | None = None) -> ReplayPlan:
        if query.channel is None:
            raise AccessError("choose one channel for a replay", remedy="your account sees some facilities only")
        await self._need_channel(query.channel)
        plan = await self._inner.plan_replay(query, who, revision)
        self._plans.note(plan.plan_id, who)
        return plan

    async def replay(self, plan_id: str, who: str, reason: str) -> int:
        if not self._plans.made_by(plan_id, who):
            raise AccessError("this plan is not yours", remedy="make the plan again, then carry it out")
        return await self._inner.replay(plan_id, who, reason)

    async def deploy(self, channels: Sequence[str], who: str, note: str | None) -> list[RevisionRow]:
        for channel in channels:
            await self._need_channel(channel)
        if not channels:
            raise AccessError("name the channels to deploy", remedy="your account sees some facilities only")
        return await self._inner.deploy(channels, who, note)

    async def rollback(self, channel: str, revision: int | None, who: str, note: str | None) -> RevisionRow:
        await self._need_channel(channel)
        return await self._inner.rollback(channel, revision, who, note)

    async def prune(self, before: datetime, who: str) -> int:
        raise AccessError("only people who see all facilities may prune")

    # -------------------------------------------------------------- inside
    async def _channels(self) -> set[str]:
        return {channel.name for channel in (await self.status()).channels}

    async def _sees(self, message_id: int, who: str) -> bool:
        rows = await self._inner.search(Query(before_id=message_id + 1, limit=1), who)
        return bool(rows) and rows[0].message_id == message_id and rows[0].channel in await self._channels()

    async def _concerns(self, subject: str, channels: set[str]) -> bool:
        kind, _, name = subject.partition(" ")
        if kind == "message":
            try:
                return await self._sees(parse_id(name), "scope")
            except ValueError:
                return False
        return kind == "channel" and name.split()[0:1] != [] and name.split()[0] in channels

    async def _need_channel(self, channel: str) -> None:
        if channel not in await self._channels():
            raise NotFoundError("there is no such channel")

    async def _need_message(self, message_id: int, who: str) -> None:
        if not await self._sees(message_id, who):
            raise NotFoundError("there is no such message")

    def _need_delivery(self, delivery_id: int) -> None:
        """A delivery has no way back to its channel: it counts as seen when this request viewed its message."""
        if delivery_id not in self._deliveries:
            raise NotFoundError("there is no such delivery", remedy="name its message, too")
