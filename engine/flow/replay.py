"""Replay: recent history once more, as a plan first. What was delivered is never delivered again.

A replayed message is a new message with its origin's id: its deliveries get the origin's idempotency keys, and
those that the journal shows as delivered are left out.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import blake2b

from engine.canonical import KINDS, Document, Invoice, JournalEntry, PurchaseOrder
from engine.core.clock import Clock, to_micros
from engine.core.errors import OperationError
from engine.core.ids import IdSource, id_text
from engine.ports.connector import Attachment
from engine.ports.journal import Appended, DocumentView, Journal, MessageRow, MessageView, NewMessage, Query
from engine.ports.operations import ReplayPlan
from engine.ports.script import ScriptPool, WorkItem, WorkResult

MOST = 100_000
_PAGE = 500


@dataclass
class Planned:
    """A plan and the messages it is about, oldest first."""

    plan: ReplayPlan
    messages: list[MessageRow]


@dataclass
class Comparison:
    """What another revision would make of messages, against what was made."""

    changes: list[Mapping[str, str]] = field(default_factory=list)
    money: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))


class Replayer:
    """Plans live in memory until they are carried out; the newest twenty are kept."""

    def __init__(self, journal: Journal, pool: ScriptPool, ids: IdSource, clock: Clock) -> None:
        self._journal, self._pool, self._ids, self._clock = journal, pool, ids, clock
        self._plans: dict[str, Planned] = {}

    async def plan(self, query: Query, program: str | None = None) -> ReplayPlan:
        """Count what a replay of these messages would do.

        Args:
            program: `channel@revision` to run them through for comparison; nothing is stored or sent.
        """
        rows = await self._rows(query)
        destinations: Counter[str] = Counter()
        delivered = 0
        comparison = Comparison()
        for row in rows:
            view = await self._journal.view(row.message_id)
            if view is None:
                continue
            destinations.update(f"{row.channel}.{d.destination}" for d in view.deliveries)
            done = await self._journal.delivered_keys([d.idempotency_key for d in view.deliveries])
            delivered += len(done)
            if program is not None:
                await self._compare(view, program, comparison)
        plan = ReplayPlan(
            plan_id=id_text(self._ids.next()),
            messages=len(rows),
            first=rows[0].received_at if rows else None,
            last=rows[-1].received_at if rows else None,
            channels=dict(Counter(row.channel for row in rows)),
            destinations=dict(destinations),
            already_delivered=delivered,
            duplicates=0,
            changes=comparison.changes,
            money_delta=dict(comparison.money),
        )
        self._keep(Planned(plan, rows))
        return plan

    def _keep(self, planned: Planned) -> None:
        self._plans[planned.plan.plan_id] = planned
        while len(self._plans) > 20:
            self._plans.pop(next(iter(self._plans)))

    async def _rows(self, query: Query) -> list[MessageRow]:
        rows: list[MessageRow] = []
        before = query.before_id
        while len(rows) < MOST:
            page = await self._journal.search(_page(query, before))
            rows += page
            if len(page) < _PAGE:
                break
            before = page[-1].message_id
        return rows[::-1]

    def planned(self, plan_id: str) -> Planned:
        """Raises OperationError: unknown, carried out, or forgotten."""
        if plan_id not in self._plans:
            raise OperationError("there is no such replay plan", remedy="make a plan first; it is good for one replay")
        return self._plans.pop(plan_id)

    async def _came_with(self, message_id: int) -> tuple[Attachment, ...]:
        """What its sender sent, and not what destinations answered."""
        return tuple(one for one in await self._journal.attachments(message_id) if not one.is_of_an_answer)

    async def successor(self, view: MessageView, revision: int, body: bytes | None = None) -> NewMessage:
        """A new message that takes the place of an old one, under the same idempotency keys."""
        content = view.body if body is None else body
        row = view.row
        return NewMessage(
            message_id=self._ids.next(),
            channel=row.channel,
            revision=revision,
            body=content,
            digest=blake2b(content, digest_size=16).digest(),
            received_micros=to_micros(self._clock.now()),
            correlation_id=row.correlation_id,
            message_type=row.message_type,
            parent_id=row.message_id,
            attributes=dict(view.attributes) | {"origin": view.attributes.get("origin") or id_text(row.message_id)},
            attachments=await self._came_with(row.message_id) if view.attachments else (),
        )

    async def append(self, message: NewMessage) -> Appended:
        future: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()

        def done(appended: Appended | Exception) -> None:
            if isinstance(appended, Exception):
                future.set_exception(appended)
            else:
                future.set_result(appended)

        self._journal.append(message, done)
        return await future

    async def _compare(self, view: MessageView, program: str, into: Comparison) -> None:
        result = await self._try(view, program)
        before = {_name(d): d for d in view.documents}
        after = {_name(d): d for d in result.documents}
        for name in sorted(before.keys() | after.keys()):
            old, new = before.get(name), after.get(name)
            if old is not None and new is not None and old.body == new.body:
                continue
            into.changes.append(_change(view, name, old, new))
            kind = name.partition(" ")[0]
            into.money[kind] += _money(new) - _money(old)
        if result.state.name != view.row.state.name and not (before or after):
            into.changes.append(_change(view, f"state {result.state.name}", None, None))

    async def _try(self, view: MessageView, program: str) -> WorkResult:
        future: asyncio.Future[WorkResult] = asyncio.get_running_loop().create_future()
        item = WorkItem(view.row.message_id, program, view.body, view.row.message_type, dict(view.attributes))
        # A name of its own keeps a trial from taking the channel's turn at the workers.
        self._pool.submit(f"{view.row.channel} (trial)", [item], lambda results: future.set_result(results[0]))
        return await future


def _page(query: Query, before: int | None) -> Query:
    return Query(
        channel=query.channel,
        states=query.states,
        key=query.key,
        correlation_id=query.correlation_id,
        message_type=query.message_type,
        since=query.since,
        until=query.until,
        before_id=before,
        limit=_PAGE,
    )


def _name(document: object) -> str:
    kind, key = getattr(document, "kind", None), getattr(document, "natural_key", None)
    return f"{kind or 'message'} {key or getattr(document, 'position', 0)}"


def _change(view: MessageView, name: str, old: object, new: object) -> Mapping[str, str]:
    what = "changed" if old is not None and new is not None else ("new" if new is not None else "gone")
    return {"message": id_text(view.row.message_id), "document": name, "change": what}


def _money(document: DocumentView | object | None) -> Decimal:
    kind, body = getattr(document, "kind", None), getattr(document, "body", b"")
    if kind not in ("Invoice", "PurchaseOrder", "JournalEntry"):
        return Decimal(0)
    value: Document = KINDS[kind].model_validate(json.loads(body))
    if isinstance(value, JournalEntry):
        return sum((line.debit.amount for line in value.lines if line.debit), Decimal(0))
    assert isinstance(value, Invoice | PurchaseOrder)
    return value.total.amount
