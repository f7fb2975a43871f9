"""From received bytes to money: messages, documents, decisions, commands, deliveries, ledger, payment, settlement."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Any

import msgspec

from engine.canonical import BankStatusReport, Invoice
from engine.core.clock import from_micros
from engine.core.errors import IsthmusError
from engine.core.ids import id_text, parse_id
from engine.ports.journal import Journal, MessageView, Query
from engine.ports.p2p_operations import Lineage, RecordSearch, Trace
from engine.ports.procure import Case, Dossier, Record, Records, Reference
from engine.procure.desk.ways import Ways
from engine.procure.papers import gathers

STAGES = ("message", "document", "decision", "exception", "command", "delivery", "ledger", "payment", "settlement")
_STAGE_OF = {"Payment": "payment", "PaymentStatus": "payment", "BankStatusReport": "settlement"}
_KINDS = (
    "PurchaseOrder", "Invoice", "Requisition", "Receipt", "ShipmentNotice", "Payment", "Supplier", "BankStatusReport",
    "Consumption", "ChargeEvent", "PaymentRun",
)  # fmt: skip
_FIRST = ("order", "invoice", "requisition", "payment", "supplier", "shipment", "bank")
_LIMIT = 20
_MOST_OF_ONE = 100  # messages of one interchange
_ID_LENGTH = 13
_DIGEST = 16


class Follower:
    """Reads only. Nothing of a message's content is told, only its digest."""

    def __init__(
        self,
        records: Records,
        search: RecordSearch,
        journal: Journal | None,
        messages_of: Callable[[str], Awaitable[list[MessageView]]],
    ) -> None:
        self._records, self._search, self._journal, self._messages_of = records, search, journal, messages_of
        self._ways = Ways(records, search)
        self._traces: list[Trace] = []
        self._messages: set[int] = set()

    async def follow(self, asked: str) -> Lineage | None:
        dossiers = await self._dossiers(asked)
        message = await self._message_of(asked)
        messages = [message] if message is not None else [] if dossiers else await self._by_control_number(asked)
        brought = {one.row.message_id: await self._held_by(one) for one in messages}
        for message_id in [one for one, keys in brought.items() if keys] or brought:
            await self._message(message_id)
        dossiers = dossiers or sorted({key for keys in brought.values() for key in keys})
        if not dossiers and not messages:
            return None
        dossiers = await self._ways.along(dossiers)
        for key in dossiers:
            await self._dossier(await self._records.load(key))
        order = {stage: number for number, stage in enumerate(STAGES)}
        traces = sorted(dict.fromkeys(self._traces), key=lambda one: (order[one.stage], _when(one.at), one.what))
        return Lineage(asked, dossiers, traces)

    # -------------------------------------------------------------- where it begins
    async def _dossiers(self, asked: str) -> list[str]:
        for key in (asked, *(f"{prefix}:{asked}" for prefix in _FIRST)):
            if ":" in key and (await self._records.load(key)).revision:
                return [key]
        found = [Reference(kind, asked) for kind in _KINDS]
        for kind in (Invoice.kind, BankStatusReport.kind):  # whose keys name the supplier, the source, before it
            found += await self._search.keys(kind, "", f"/{asked}", _LIMIT)
        dossiers = [key for one in found for key in await self._search.dossiers_holding(one)]
        found_here = sorted({key for key in dossiers if is_matter(key)})
        return found_here or await self._ways.of_number(asked)

    async def _message_of(self, asked: str) -> MessageView | None:
        if self._journal is None or len(asked) != _ID_LENGTH:
            return None
        try:
            return await self._journal.view(parse_id(asked))
        except ValueError:
            return None

    async def _by_control_number(self, asked: str) -> list[MessageView]:
        """Messages that bear it as their own (MSH-10), or whose interchange does (ISA13): of every sender that used it.
        Other keys of messages are no way in: they may be a patient's."""
        if self._journal is None:
            return []
        rows = await self._journal.search(Query(key=("interchange", asked, False), limit=_LIMIT))
        named = await self._journal.search(Query(key=(None, asked, False), limit=_LIMIT))
        rows = [*rows, *(one for one in named if one.natural_id == asked)]
        views = [await self._view(number) for number in dict.fromkeys(one.message_id for one in rows)]
        return [one for one in views if one is not None]

    async def _held_by(self, message: MessageView) -> list[str]:
        """Dossiers of the documents that a message, or what it was handed over to or taken apart into, brought."""
        documents = list(message.documents)
        if not documents and self._journal is not None:
            query = Query(correlation_id=message.row.correlation_id, limit=_MOST_OF_ONE)
            family = [await self._view(one.message_id) for one in await self._journal.search(query)]
            documents = [one for view in family if view is not None for one in view.documents]
        wanted = [Reference(one.kind, one.natural_key) for one in documents if one.kind and one.natural_key]
        found = {key for one in wanted for key in await self._search.dossiers_holding(one)}
        return sorted(key for key in found if is_matter(key))

    # -------------------------------------------------------------- one dossier
    async def _dossier(self, dossier: Dossier) -> None:
        for record in dossier.records:
            await self._document(record)
        if dossier.revision:
            last = max((one.at_micros for one in dossier.records), default=0)
            self._add("decision", f"{dossier.key}, decision {dossier.revision}", from_micros(last), _state(dossier))
        for case in dossier.cases:
            self._add("exception", f"{case.type}: {case.title}", from_micros(case.opened_micros), _case(case))
        for given, at in await self._search.commands(dossier.key):
            command = given.command
            detail = f"{command.kind} {command.natural_key}"
            self._add("command", command.name, from_micros(at), detail, digest=_digest(command.body))
            for view in await self._messages_of(command.key):
                self._delivered(view)
        await self._paid(dossier)

    async def _document(self, record: Record) -> None:
        stage = _STAGE_OF.get(record.kind, "document")
        told = f": {_body(record).get('state', 'told')}" if stage != "document" else ""
        what = f"{record.kind} {record.key}, version {record.version}{told}"
        detail = f"by {record.who}" if record.who else ""
        self._add(stage, what, from_micros(record.at_micros), detail, record.message_id, _digest(record.body))
        if record.message_id is not None:
            await self._message(record.message_id)

    async def _message(self, message_id: int) -> None:
        """The message and those it came from, to the bytes that a sender sent."""
        while self._journal is not None and message_id not in self._messages:
            self._messages.add(message_id)
            view = await self._view(message_id)
            if view is None:
                self._add("message", f"message {id_text(message_id)}", None, "not kept any more", message_id)
                return
            row = view.row
            what = f"{row.channel} {row.message_type or 'message'}"
            detail = f"{row.size} bytes, {row.state.name}, correlation {row.correlation_id}"
            self._add("message", what, row.received_at, detail, message_id, _digest(view.body))
            if row.parent_id is None:
                return
            message_id = row.parent_id

    async def _view(self, message_id: int) -> MessageView | None:
        try:
            return await self._journal.view(message_id) if self._journal is not None else None
        except IsthmusError:  # a body that is damaged hides the message, not the rest of the way
            return None

    def _delivered(self, view: MessageView) -> None:
        for one in view.deliveries:
            what = f"{view.row.channel} to {one.destination}: {one.state.name}"
            self._add("delivery", what, one.changed_at, f"after {one.attempts} attempts", one.message_id)
            if one.reference:
                self._add("ledger", one.reference, one.changed_at, f"the number at {one.destination}", one.message_id)

    async def _paid(self, dossier: Dossier) -> None:
        keys = sorted({one.key for one in dossier.records if one.kind == Invoice.kind})
        for record in (await self._records.latest([Reference("PaymentStatus", key) for key in keys])).values():
            await self._document(record)

    def _add(
        self, stage: str, what: str, at: datetime | None, detail: str = "", message_id: int | None = None,
        digest: str | None = None,
    ) -> None:  # fmt: skip
        self._traces.append(Trace(stage, what, at, detail, message_id, digest))


def is_matter(dossier: str) -> bool:
    """Whether people ask for it: some dossiers only bring documents together."""
    return not gathers(dossier)


def _when(at: datetime | None) -> datetime:
    return at or from_micros(0)


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:_DIGEST]


def _body(record: Record) -> dict[str, Any]:
    found = msgspec.json.decode(record.body)
    return found if isinstance(found, dict) else {}


def _state(dossier: Dossier) -> str:
    """The states of what was decided, without its figures."""
    state = msgspec.json.decode(dossier.state)
    invoices = state.get("invoices") if isinstance(state, dict) else None
    parts: Iterable[str] = (
        f"{key} {fact.get('state', '')}" for key, fact in invoices.items() if isinstance(fact, dict)
    ) if isinstance(invoices, dict) else ()  # fmt: skip
    return "; ".join(parts)


def _case(case: Case) -> str:
    money = f", {case.amount} {case.currency}" if case.amount else ""
    return f"{case.state}, with {case.owner}{money}"
