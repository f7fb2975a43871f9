"""What operators ask of a running engine (engine/ports/operations.py), done on the channels and the journal.

Every change, and every read of a message, is written to the audit trail before its answer leaves.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from engine import __version__
from engine.channel.diff import channel_diff
from engine.channel.explain import did_you_mean
from engine.channel.finding import Finding
from engine.channel.load import load_site
from engine.channel.site import Site
from engine.core.clock import Clock
from engine.core.errors import NotFoundError, OperationError
from engine.core.ids import id_text
from engine.flow.certificates import CertificateWatch
from engine.flow.channel_run import ChannelRun, Running
from engine.flow.mistakes import refuse_mistakes
from engine.flow.partner_book import PartnerBook
from engine.flow.replay import Replayer
from engine.flow.supervise import Supervisor
from engine.ports.approvals import ApprovalOperations
from engine.ports.audit import Audit
from engine.ports.catalog import Catalog
from engine.ports.connector import Attachment, Health, Reason
from engine.ports.journal import Journal, MessageRow, MessageView, Query, RevisionRow
from engine.ports.ledger import ControlNumberLedger
from engine.ports.measures import MeasureOperations
from engine.ports.operations import (
    PARTNERS,
    POLICIES,
    ChannelDiff,
    ChannelStatus,
    DestinationStatus,
    EngineStatus,
    PolicyRevisions,
    ReplayPlan,
)
from engine.ports.p2p_operations import P2pOperations
from engine.ports.payments import PaymentOperations
from engine.ports.states import DeliveryState, MessageState


class EngineOperations:
    """The Operations port. `store` is a word for the status page; `p2p` and `measures` are given by the composition
    root."""

    p2p: P2pOperations
    approvals: ApprovalOperations
    measures: MeasureOperations
    payments: PaymentOperations

    def __init__(
        self,
        root: Path,
        site: Site,
        supervisor: Supervisor,
        journal: Journal,
        audit: Audit,
        replayer: Replayer,
        catalog: Catalog,
        clock: Clock,
        store: str,
    ) -> None:
        self._root, self._site, self._supervisor = root, site, supervisor
        self._journal, self._audit, self._replayer = journal, audit, replayer
        self._catalog, self._clock, self._store = catalog, clock, store
        self._started = clock.now()
        self._load: Callable[[Path], Site] = load_site
        self.lint: Callable[[Site], Sequence[Finding]] = lambda site: site.findings
        self.ledger: ControlNumberLedger | None = None
        self.policies: PolicyRevisions | None = None
        self.partners = PartnerBook(site.partners)
        self.notices: Callable[[], Sequence[str]] = tuple  # of other parts, for the first page
        self.certificates: CertificateWatch | None = None

    # ------------------------------------------------------------------ status
    async def status(self) -> EngineStatus:
        counts: dict[str, dict[str, int]] = defaultdict(dict)
        for count in await self._journal.counts():
            counts[count.channel][count.state.name] = count.count
        depths = await self._journal.queue_depths()
        channels = [_status(run, counts[name], depths) for name, run in sorted(self._supervisor.runs.items())]
        return EngineStatus(
            version=__version__,
            node=str(self._site.engine.node),
            started_at=self._started,
            site=self._site.engine.site or self._root.name,
            store=self._store,
            channels=channels,
            notices=(*self._supervisor.notices, *self.notices()),
        )

    async def set_channel(self, channel: str, state: str, who: str, reason: str | None) -> ChannelStatus:
        run = self._run(channel)
        if state not in ("running", "paused", "stopped"):
            raise OperationError("a channel is set to running, paused or stopped")
        await self._audit.record(who, f"channel.{state}", f"channel {channel}", reason)
        await self._supervisor.set_state(run, state)
        await self._journal.set_channel_state(channel, state)
        status = await self.status()
        return next(c for c in status.channels if c.name == channel)

    def _run(self, channel: str) -> ChannelRun:
        if channel not in self._supervisor.runs:
            raise NotFoundError(f"there is no channel '{channel}'", remedy=_near(channel, self._supervisor.runs))
        return self._supervisor.runs[channel]

    # ------------------------------------------------------------------ messages
    async def search(self, query: Query, who: str) -> list[MessageRow]:
        if query.key is not None or query.correlation_id is not None:
            # What was looked for may point to a patient: the trail says by which key, never its value.
            name = query.key[0] or "any key" if query.key is not None else "correlation id"
            await self._audit.record(who, "message.search", f"messages by {name}")
        return await self._journal.search(query)

    async def view(self, message_id: int, who: str) -> MessageView | None:
        await self._audit.record(who, "message.view", f"message {id_text(message_id)}")
        return await self._with_acknowledgements(await self._journal.view(message_id))

    async def _with_acknowledgements(self, view: MessageView | None) -> MessageView | None:
        """Beside each delivery the X12 number that it was given, and what the partner said of it."""
        if view is None or self.ledger is None or not view.deliveries:
            return view
        found = await self.ledger.of_deliveries([one.idempotency_key for one in view.deliveries])
        numbers = {one.delivery_key: one for one in found}
        sent = [
            msgspec.structs.replace(one, acknowledgement=numbers.get(one.idempotency_key)) for one in view.deliveries
        ]
        return msgspec.structs.replace(view, deliveries=sent)

    async def attachment(self, message_id: int, position: int, who: str) -> Attachment | None:
        await self._audit.record(who, "message.attachment", f"message {id_text(message_id)}")
        found = await self._journal.attachments(message_id)
        return found[position] if 0 <= position < len(found) else None

    async def _held(self, message_id: int) -> MessageView:
        view = await self._journal.view(message_id)
        if view is None:
            raise NotFoundError("there is no such message", where=id_text(message_id))
        if view.row.state is not MessageState.HELD:
            state = view.row.state.name
            raise OperationError(f"the message is {state}, not HELD", remedy="only held messages wait for a person")
        return view

    async def resend(self, message_id: int, who: str, reason: str, body: bytes | None = None) -> int:
        view = await self._held(message_id)
        run = self._run(view.row.channel)
        action = "message.resend" if body is None else "message.edit"
        await self._audit.record(who, action, f"message {id_text(message_id)}", reason)
        if body is not None and body != view.body:
            return await self._edit(view, run, body, reason)
        held = [d for d in view.deliveries if d.state is DeliveryState.HELD]
        for delivery in held:
            await self._journal.resend_delivery(delivery.delivery_id)
            run.rescan(delivery.destination)
        if not held:
            await self._journal.resend_message(message_id, run.revision)
            run.transformer.reread()
        return message_id

    async def _edit(self, view: MessageView, run: ChannelRun, body: bytes, reason: str) -> int:
        message = await self._replayer.successor(view, run.revision, body)
        appended = await self._replayer.append(message)
        successor = id_text(appended.message_id)
        why = Reason("SUPERSEDED", f"edited and sent on as {successor}: {reason}")
        await self._journal.close_message(view.row.message_id, MessageState.SUPERSEDED, why)
        run.transformer.reread()
        run.rescan()
        return appended.message_id

    async def discard(self, message_id: int, who: str, reason: str) -> None:
        view = await self._held(message_id)
        await self._audit.record(who, "message.discard", f"message {id_text(message_id)}", reason)
        await self._journal.close_message(message_id, MessageState.DISCARDED, Reason("DISCARDED", reason))
        self._run(view.row.channel).rescan()

    async def resend_delivery(self, delivery_id: int, who: str, reason: str) -> None:
        await self._audit.record(who, "delivery.resend", f"delivery {id_text(delivery_id)}", reason)
        if not await self._journal.resend_delivery(delivery_id):
            raise OperationError("the delivery is not HELD")
        self._rescan_all()

    async def confirm_delivery(self, delivery_id: int, who: str, reason: str, reference: str | None) -> None:
        await self._audit.record(who, "delivery.confirm", f"delivery {id_text(delivery_id)}", reason)
        if not await self._journal.confirm_delivery(delivery_id, reference):
            raise OperationError("the delivery is not HELD")
        self._rescan_all()

    def _rescan_all(self) -> None:
        for run in self._supervisor.runs.values():
            run.rescan()

    # ------------------------------------------------------------------ replay
    async def plan_replay(self, query: Query, who: str, revision: int | None = None) -> ReplayPlan:
        if revision is not None and query.channel is None:
            raise OperationError("a comparison with a revision needs one channel", remedy="name the channel")
        program = None if revision is None else f"{self._run(query.channel or '').name}@{revision}"
        return await self._replayer.plan(query, program)

    async def replay(self, plan_id: str, who: str, reason: str) -> int:
        planned = self._replayer.planned(plan_id)
        await self._audit.record(who, "replay", f"plan {plan_id}, {len(planned.messages)} messages", reason)
        count = 0
        for row in planned.messages:
            view = await self._journal.view(row.message_id)
            run = self._supervisor.runs.get(row.channel)
            if view is None or run is None:
                continue
            await self._replayer.append(await self._replayer.successor(view, run.revision))
            count += 1
        for run in self._supervisor.runs.values():
            run.transformer.reread()
        return count

    # ------------------------------------------------------------------ revisions
    async def diff(self) -> list[ChannelDiff]:
        site = self._load(self._root)
        active = {row.channel: row for row in await self._journal.revisions() if row.active}
        names = sorted(site.channels.keys() | active.keys())
        policies = await self.policies.diff(site.policies) if self.policies else None
        found = [channel_diff(name, site, active.get(name), self._catalog) for name in names]
        others = (policies, self.partners.diff(site.partners))
        return [*found, *(one for one in others if one is not None)]

    async def deploy(self, channels: Sequence[str], who: str, note: str | None) -> list[RevisionRow]:
        site = self._load(self._root)
        await self._refuse_bad(site, channels)
        wanted = [
            d
            for d in await self.diff()
            if d.change in ("new", "changed") and d.channel in site.channels and (not channels or d.channel in channels)
        ]
        if not channels or PARTNERS in channels:
            await self._deploy_partners(site, who, note)
        rows = await self._deploy_policies(site, who, note) if not channels or POLICIES in channels else []
        for one in wanted:
            await self._audit.record(who, "deploy", f"channel {one.channel}", note)
            row = await self._supervisor.deploy(site, one.channel, who, note)
            await self._supervisor.apply(row)
            rows.append(row)
        self._site = site
        self._supervisor.notices.clear()
        return rows

    async def _deploy_partners(self, site: Site, who: str, note: str | None) -> None:
        if self.partners.diff(site.partners) is not None:
            await self._audit.record(who, "deploy", PARTNERS, note)
            self.partners.take(site.partners)

    async def _deploy_policies(self, site: Site, who: str, note: str | None) -> list[RevisionRow]:
        known = await self.policies.diff(site.policies) if self.policies else None
        if self.policies is None or known is None or known.change == "same":
            return []
        await self._audit.record(who, "deploy", POLICIES, note)
        row = await self.policies.deploy(site.policies, who, note)
        return [] if row is None else [row]

    async def _refuse_bad(self, site: Site, channels: Sequence[str]) -> None:
        """All of lint, and over all of the site: what is wrong elsewhere may be what the named channels lean on."""
        refuse_mistakes(await asyncio.to_thread(self.lint, site), "nothing was deployed")
        unknown = [name for name in channels if name not in {*site.channels, POLICIES, PARTNERS}]
        if unknown:
            near = _near(unknown[0], [*site.channels, POLICIES, PARTNERS])
            raise NotFoundError(f"there is no channel '{unknown[0]}' on disk", remedy=near)

    async def rollback(self, channel: str, revision: int | None, who: str, note: str | None) -> RevisionRow:
        if channel == POLICIES and self.policies is not None:
            await self._audit.record(who, "rollback", POLICIES, note)
            return await self.policies.rollback(revision, who, note)
        rows = await self._journal.revisions(channel)
        active = next((r for r in rows if r.active), None)
        if active is None:
            remedy = _near(channel, self._supervisor.runs)
            raise NotFoundError(f"there is no deployed channel '{channel}'", remedy=remedy)
        wanted = active.revision - 1 if revision is None else revision
        target = next((r for r in rows if r.revision == wanted), None)
        if target is None and revision is None:
            text = f"channel {channel} runs its first revision: there is none to go back to"
            raise OperationError(text, remedy="correct it on disk, then deploy it")
        if target is None:
            raise OperationError(f"channel {channel} has no revision {wanted}", remedy="see `isthmus history`")
        await self._audit.record(who, "rollback", f"channel {channel} to revision {wanted}", note)
        await self._journal.activate(channel, wanted, who)
        await self._supervisor.apply(target)
        return msgspec.structs.replace(target, active=True)

    async def history(self, channel: str | None) -> list[RevisionRow]:
        own = (await self.policies.history())[::-1] if self.policies and channel in (None, POLICIES) else []
        return own if channel == POLICIES else [*await self._journal.revisions(channel), *own]

    # ------------------------------------------------------------------ the rest
    async def check(self, channel: str | None = None) -> dict[str, Health]:
        runs = self._supervisor.runs if channel is None else {channel: self._run(channel)}
        found: dict[str, Health] = {}
        for name, run in sorted(runs.items()):
            if run.state == "failed":  # its source may be gone, or never have been made
                found[f"{name}.source"] = Health(False, run.meter.last_error or "it has failed")
            elif run.source is not None:
                found[f"{name}.source"] = await _health(run.source.check)
            for destination, running in run.destinations.items():
                found[f"{name}.{destination}"] = await _health(running.connector.check)
        return found | await self._certificates(channel)

    async def _certificates(self, channel: str | None) -> dict[str, Health]:
        """The console's own belongs to no channel, so it is told when all are asked for."""
        if self.certificates is None:
            return {}
        found = await self.certificates.check(self._clock.now())
        return {
            f"{place}.certificate": health
            for (place, _), health in sorted(found.items(), key=lambda one: one[1].ok, reverse=True)
            if channel in (None, place.partition(".")[0])
        }

    async def prune(self, before: datetime, who: str) -> int:
        await self._audit.record(who, "prune", f"messages received before {before.isoformat()}")
        return await self._journal.prune(before)

    async def audit_records(self, subject: str | None, limit: int) -> list[dict[str, Any]]:
        return [msgspec.to_builtins(r) for r in await self._audit.records(subject, limit)]


def _near(name: str, known: Iterable[str]) -> str:
    return did_you_mean(name, known) or "`isthmus status` lists the channels"


async def _health(check: Callable[[], Any]) -> Health:
    started = time.monotonic()
    try:
        health: Health = await check()
        return health
    except Exception as error:  # a check that fails is an answer
        return Health(False, f"{error} (after {time.monotonic() - started:.1f} s)")


def _status(run: ChannelRun, counts: dict[str, int], depths: dict[tuple[str, str], int]) -> ChannelStatus:
    model = run.model
    return ChannelStatus(
        name=run.name,
        title=model.title if model else "",
        facility=model.facility if model else None,
        source=model.source.type if model else "",
        state=run.state,
        revision=run.revision,
        per_second=run.meter.rate.per_second(),
        received=run.meter.count,
        counts=counts,
        destinations=[_destination(run, r, depths) for r in run.destinations.values()],
        last_error=run.meter.last_error,
        last_received_at=run.meter.last_received_at,
        recent=run.meter.rate.recent(),
        acknowledged=run.meter.acknowledged.latency(),
    )


def _destination(run: ChannelRun, running: Running, depths: dict[tuple[str, str], int]) -> DestinationStatus:
    deliverer = running.deliverer
    return DestinationStatus(
        name=running.model.name,
        type=running.model.type,
        state=deliverer.state(),
        queued=depths.get((run.name, running.model.name), 0),
        delivered=deliverer.meter.count,
        errors=deliverer.meter.errors,
        last_error=deliverer.meter.last_error,
        next_attempt_at=deliverer.next_attempt_at(),
    )
