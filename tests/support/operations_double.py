"""`Operations` in memory, over an invented day at Harbor Health. Behaves as the engine does, as people see it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from engine.core.errors import IsthmusError, NotFoundError
from engine.core.ids import first_id_at, id_text
from engine.ports.connector import Attachment, Health, Reason
from engine.ports.journal import AttachmentView, DeliveryView, DocumentView, MessageRow, MessageView, Query, RevisionRow
from engine.ports.operations import ChannelDiff, ChannelStatus, DestinationStatus, EngineStatus, ReplayPlan
from engine.ports.states import DeliveryState, MessageState
from tests.support import harbor_messages as harbor
from tests.support.approvals_double import approvals_double
from tests.support.measures_double import measures_double
from tests.support.p2p_double import desk_double
from tests.support.payments_double import payments_double

NOW = datetime(2026, 11, 20, 15, 42, 10, tzinfo=UTC)
M = MessageState

MISSING_ITEM = Reason(
    "D004", "crosswalk item_crosswalk has no entry for this item", "RQD[1]-4", "add the item, then resend"
)
UNKNOWN_OUTCOME = Reason(
    "T003", "the connection broke after the invoice was sent", None, "look in the ERP, then confirm or resend"
)
REFUSED_BY_ERP = Reason("T002", "the ERP refused the posting: the period is closed", None, "open the period, resend")
SCRIPT_STUCK = Reason("S002", "the transform ran over its limit of 5 s", "transforms/supply_charges.py:41", None)
WRONG_TYPE = Reason("M006", "this channel takes OMS^O05 only", "MSH-9", None)
TEST_PATIENT = Reason("FILTERED", "test department", "PV1-3", None)


class _Plan(msgspec.Struct, frozen=True):
    """How one channel's traffic looks. `mix`: state and reason with its weight."""

    name: str
    title: str
    facility: str | None
    source: str
    body: str
    message_type: str
    destinations: Sequence[tuple[str, str, str]]
    rate: float
    mix: Sequence[tuple[MessageState, Reason | None, int]]
    key: str
    document: tuple[str, str] | None = None


PLANS = (
    _Plan(
        "stock_requisition",
        "Stock requisitions from the operating rooms become requisitions in the ERP",
        "HARBOR-MAIN",
        "hl7v2_mllp 127.0.0.1:6661",
        harbor.REQUISITION,
        "OMS^O05",
        [("procurement", "channel", "idle"), ("erp", "erp", "sending")],
        4.2,
        [(M.DELIVERED, None, 8), (M.QUEUED, None, 3), (M.HELD, MISSING_ITEM, 3), (M.REFUSED, WRONG_TYPE, 1)],
        "requisition",
        ("Requisition", harbor.REQUISITION_DOCUMENT),
    ),
    _Plan(
        "supply_charges",
        "Supply charges become consumption and cost allocation",
        "HARBOR-NORTH",
        "hl7v2_mllp 127.0.0.1:6662",
        harbor.CHARGE,
        "DFT^P03",
        [("erp", "erp", "retrying")],
        11.7,
        [(M.QUEUED, None, 9), (M.DELIVERED, None, 5), (M.HELD, SCRIPT_STUCK, 1)],
        "visit",
    ),
    _Plan(
        "supplier_invoice",
        "Invoices (810) from suppliers are posted in the ERP",
        "HARBOR-MAIN",
        "file inbox/cascade/*.edi",
        harbor.INVOICE,
        "810",
        [("erp", "erp", "open")],
        0.3,
        [(M.DELIVERED, None, 5), (M.HELD, UNKNOWN_OUTCOME, 1), (M.HELD, REFUSED_BY_ERP, 2)],
        "invoice",
        ("Invoice", harbor.INVOICE_DOCUMENT),
    ),
    _Plan(
        "purchase_order_out",
        "Purchase orders from the ERP go to suppliers as 850",
        "HARBOR-WAREHOUSE",
        "schedule every 5m",
        harbor.INVOICE,
        "850",
        [("cascade", "file", "idle"), ("olympic", "file", "window")],
        0.0,
        [(M.DELIVERED, None, 1)],
        "order",
    ),
    _Plan(
        "admissions",
        "Admissions and discharges give department and visit context",
        "HARBOR-MAIN",
        "hl7v2_mllp 127.0.0.1:6663",
        harbor.ADMISSION,
        "ADT^A01",
        [],
        22.5,
        [(M.TRANSFORMED, None, 5), (M.FILTERED, TEST_PATIENT, 1)],
        "visit",
    ),
    _Plan(
        "supplier_onboarding",
        "New suppliers come as JSON over HTTP",
        None,
        "http 127.0.0.1:8081/suppliers",
        harbor.SUPPLIER,
        "supplier",
        [("erp", "erp", "paused")],
        0.0,
        [(M.DELIVERED, None, 1)],
        "supplier",
    ),
)
STATES = {"supplier_onboarding": "paused", "purchase_order_out": "stopped"}


PDF = b"%PDF-1.7 invented"
SCAN = AttachmentView(0, 'invoice \u2013 88021 "copy".pdf', "application/pdf", len(PDF), "0" * 32)


class OperationsDouble:
    """`sent` keeps every changing call: (method, message or channel, who, reason)."""

    def __init__(self, messages: int = 160, seed: int = 7) -> None:
        self._chance = random.Random(seed)
        self._views: dict[int, MessageView] = {}
        self.p2p, self.matters = desk_double(NOW)
        self.office = approvals_double()
        self.approvals = self.office.desk
        self.measures = measures_double()
        self.payments, self.paid = payments_double(NOW)
        self._states = dict(STATES)
        self._revisions = [_revision(plan.name, 3 if plan.rate else 1) for plan in PLANS]
        self._revisions.append(_revision("stock_requisition", 2, active=False))
        self.sent: list[tuple[str, str, str, str | None]] = []
        self._audit: list[dict[str, Any]] = []
        for number in range(messages):
            self._add(number)
        self._record("maria.lind", "deploy", "channel stock_requisition", "RQD-7 is the cost center now")
        self._record("tom.okafor", "channel.paused", "channel supplier_onboarding", "supplier master freeze")

    # -------------------------------------------------------------- seeing
    async def status(self) -> EngineStatus:
        return EngineStatus(
            version="0.1.0",
            node="harbor-1",
            started_at=NOW - timedelta(days=3, hours=4),
            site="Harbor Health",
            store="SQLite",
            channels=[self._channel(plan) for plan in PLANS],
            notices=["997 from Olympic Sterile Products is 5 hours late for interchange 41."],
        )

    async def search(self, query: Query, who: str) -> list[MessageRow]:
        rows = sorted((v.row for v in self._views.values()), key=lambda r: r.message_id, reverse=True)
        return [row for row in rows if _wanted(row, query)][: query.limit]

    async def view(self, message_id: int, who: str) -> MessageView | None:
        if message_id in self._views:
            self._record(who, "message.view", f"message {id_text(message_id)}", None)
        return self._views.get(message_id)

    async def attachment(self, message_id: int, position: int, who: str) -> Attachment | None:
        view = self._views.get(message_id)
        if view is None or not 0 <= position < len(view.attachments):
            return None
        self._record(who, "message.attachment", f"message {id_text(message_id)}", None)
        return Attachment(view.attachments[position].name, view.attachments[position].media_type, PDF)

    async def diff(self) -> list[ChannelDiff]:
        lines = [
            "--- stock_requisition, revision 3",
            "+++ stock_requisition, on disk",
            "@@ transforms/stock_requisition.py @@",
            "             quantity=Quantity(amount=rqd.number(5), unit=rqd.get(6) or 'EA'),",
            "-            cost_center=rqd.require(7),",
            "+            cost_center=cost_centers[rqd.require(7)],",
        ]
        effects = ["The cost center is now translated by the crosswalk cost_centers; a missing one holds the message."]
        changed = [ChannelDiff("stock_requisition", "changed", 3, lines, effects)]
        new = ChannelDiff("item_master", "new", None, ["+++ item_master, on disk"], ["A new listener on 6664 opens."])
        return [*changed, new, *(ChannelDiff(p.name, "same", 1, [], []) for p in PLANS[1:])]

    async def history(self, channel: str | None) -> list[RevisionRow]:
        rows = [row for row in self._revisions if channel in {None, row.channel}]
        return sorted(rows, key=lambda r: (r.deployed_at, r.revision), reverse=True)

    async def check(self, channel: str | None = None) -> dict[str, Health]:
        names = [f"{p.name}.{d[0]}" for p in PLANS for d in p.destinations if channel in {None, p.name}]
        return {name: Health(not name.startswith("supplier_invoice"), "answered in 12 ms") for name in names}

    async def audit_records(self, subject: str | None, limit: int) -> list[dict[str, Any]]:
        return [r for r in reversed(self._audit) if subject in {None, r["subject"]}][:limit]

    # -------------------------------------------------------------- changing
    async def set_channel(self, channel: str, state: str, who: str, reason: str | None) -> ChannelStatus:
        plan = next((p for p in PLANS if p.name == channel), None)
        if plan is None:
            raise NotFoundError("there is no such channel")
        self._states[channel] = state
        self._note("set_channel", f"channel {channel}", who, reason)
        return self._channel(plan)

    async def resend(self, message_id: int, who: str, reason: str, body: bytes | None = None) -> int:
        view = self._held(message_id)
        self._note("resend", f"message {id_text(message_id)}", who, reason)
        if body is None:
            self._set_state(view, M.RECEIVED)
            return message_id
        successor = max(self._views) + 1
        row = msgspec.structs.replace(
            view.row, message_id=successor, state=M.RECEIVED, parent_id=message_id, reason=None, received_at=NOW
        )
        self._views[successor] = MessageView(row, body, view.attributes, (), (), ())
        self._set_state(view, M.SUPERSEDED, children=(successor,))
        return successor

    async def discard(self, message_id: int, who: str, reason: str) -> None:
        view = self._held(message_id)
        self._note("discard", f"message {id_text(message_id)}", who, reason)
        self._set_state(view, M.DISCARDED)

    async def resend_delivery(self, delivery_id: int, who: str, reason: str) -> None:
        self._note("resend_delivery", f"delivery {id_text(delivery_id)}", who, reason)
        self._settle(delivery_id, DeliveryState.QUEUED, M.QUEUED, None)

    async def confirm_delivery(self, delivery_id: int, who: str, reason: str, reference: str | None) -> None:
        self._note("confirm_delivery", f"delivery {id_text(delivery_id)}", who, reason)
        self._settle(delivery_id, DeliveryState.DELIVERED, M.DELIVERED, reference)

    async def plan_replay(self, query: Query, who: str, revision: int | None = None) -> ReplayPlan:
        rows = await self.search(msgspec.structs.replace(query, limit=10_000), who)
        times = sorted(row.received_at for row in rows) or [None]
        channels = {row.channel: sum(r.channel == row.channel for r in rows) for row in rows}
        return ReplayPlan("plan-1", len(rows), times[0], times[-1], channels, {"erp": len(rows)}, len(rows), 0)

    async def replay(self, plan_id: str, who: str, reason: str) -> int:
        self._note("replay", plan_id, who, reason)
        return 12

    async def deploy(self, channels: Sequence[str], who: str, note: str | None) -> list[RevisionRow]:
        self._note("deploy", f"channel {', '.join(channels)}", who, note)
        made = [_revision(name, 4, by=who, note=note, at=NOW) for name in channels]
        self._revisions += made
        return made

    async def rollback(self, channel: str, revision: int | None, who: str, note: str | None) -> RevisionRow:
        self._note("rollback", f"channel {channel}", who, note)
        return _revision(channel, revision or 1, by=who, note=note, at=NOW)

    async def prune(self, before: datetime, who: str) -> int:
        self._note("prune", "messages", who, None)
        return 0

    # -------------------------------------------------------------- inside
    def _note(self, method: str, subject: str, who: str, reason: str | None) -> None:
        self.sent.append((method, subject, who, reason))
        self._record(who, method, subject, reason)

    def _record(self, who: str, action: str, subject: str, reason: str | None) -> None:
        number = len(self._audit) + 1
        at = NOW - timedelta(minutes=1)
        digest = f"{number:064x}"
        self._audit.append(
            {
                "number": number,
                "at": at.isoformat(),
                "who": who,
                "action": action,
                "subject": subject,
                "reason": reason,
                "digest": digest,
            }
        )

    def _held(self, message_id: int) -> MessageView:
        view = self._views.get(message_id)
        if view is None:
            raise NotFoundError("there is no such message")
        if view.row.state is not M.HELD:
            raise IsthmusError("the message is not HELD any more", remedy="reload the page")
        return view

    def _set_state(self, view: MessageView, state: MessageState, **more: Any) -> None:
        row = msgspec.structs.replace(view.row, state=state, reason=None)
        self._views[row.message_id] = msgspec.structs.replace(view, row=row, **more)

    def _settle(self, delivery_id: int, state: DeliveryState, message: MessageState, reference: str | None) -> None:
        for view in list(self._views.values()):
            if any(d.delivery_id == delivery_id for d in view.deliveries):
                settled = [
                    msgspec.structs.replace(d, state=state, reference=reference or d.reference)
                    if d.delivery_id == delivery_id
                    else d
                    for d in view.deliveries
                ]
                self._set_state(view, message, deliveries=settled)

    def _channel(self, plan: _Plan) -> ChannelStatus:
        state = self._states.get(plan.name, "running")
        counts: dict[str, int] = {}
        for view in self._views.values():
            if view.row.channel == plan.name:
                counts[view.row.state.name] = counts.get(view.row.state.name, 0) + 1
        rate = plan.rate if state == "running" else 0.0
        wave = [max(0.0, round(rate * self._chance.uniform(0.4, 1.5), 1)) for _ in range(60)] if rate else [0.0] * 60
        return ChannelStatus(
            name=plan.name,
            title=plan.title,
            facility=plan.facility,
            source=plan.source,
            state=state,
            revision=3,
            per_second=wave[-1],
            received=sum(counts.values()) * 37,
            counts=counts,
            destinations=[self._destination(plan, *d) for d in plan.destinations],
            last_error="ERP: connection refused" if plan.name == "supply_charges" else None,
            last_received_at=NOW - timedelta(seconds=1 if rate else 4000),
            recent=wave,
        )

    def _destination(self, plan: _Plan, name: str, kind: str, state: str) -> DestinationStatus:
        queued = {"retrying": 1318, "open": 46, "sending": 12, "paused": 3}.get(state, 0)
        broken = state in {"retrying", "open"}
        error = "connection refused" if broken else None
        again = NOW + timedelta(seconds=24) if broken else None
        return DestinationStatus(name, kind, state, queued, 1200, 7 if broken else 0, error, again)

    def _add(self, number: int) -> None:
        plan = self._chance.choices(PLANS, weights=[p.rate + 1.5 for p in PLANS])[0]
        at = NOW - timedelta(seconds=11 * (160 - number))
        message_id = first_id_at(at) + number
        state, reason, _ = self._chance.choices(plan.mix, weights=[m[2] for m in plan.mix])[0]
        facts = self._facts(number)
        body = plan.body.format(**facts).encode()
        keys = ((plan.key, str(facts.get(plan.key, facts["visit"]))),)
        row = MessageRow(
            message_id, plan.name, 3, state, at, at + timedelta(seconds=1), len(body), id_text(message_id),
            facts["control"], plan.message_type, reason, None, keys,
        )  # fmt: skip
        documents = _documents(plan, state, facts)
        deliveries = [_delivery(row, place, name, reason) for place, (name, _, _) in enumerate(plan.destinations)]
        attributes = {"peer": "10.20.4.17:51822"} if "mllp" in plan.source else {"file": f"{facts['control']}.edi"}
        files = (SCAN,) if plan.name == "supplier_invoice" else ()
        sent = deliveries if documents else ()
        self._views[message_id] = MessageView(row, body, attributes, documents, sent, (), files)

    def _facts(self, number: int) -> dict[str, Any]:
        return {
            "n": number,
            "control": f"OR{number:07d}",
            "given": harbor.GIVEN[number % len(harbor.GIVEN)],
            "item": str(400100 + self._chance.randrange(40)),
            "quantity": self._chance.randrange(1, 30),
            "requisition": f"REQ-2026-{4000 + number}",
            "invoice": f"INV-{88000 + number}",
            "order": f"PO-2026-{1200 + number}",
            "visit": f"V-77{number:04d}",
            "supplier": f"S-{number:04d}",
        }


def _wanted(row: MessageRow, query: Query) -> bool:
    name, value, prefix = query.key or (None, "", False)
    values = [v for k, v in row.keys if name in {None, k}] + ([row.natural_id or ""] if name is None else [])
    return (
        query.channel in {None, row.channel}
        and (not query.states or row.state in query.states)
        and (query.key is None or any(v.startswith(value) if prefix else v == value for v in values))
        and query.correlation_id in {None, row.correlation_id}
        and query.message_type in {None, row.message_type}
        and (query.since is None or row.received_at >= query.since)
        and (query.until is None or row.received_at < query.until)
        and (query.before_id is None or row.message_id < query.before_id)
    )


def _documents(plan: _Plan, state: MessageState, facts: dict[str, Any]) -> list[DocumentView]:
    if plan.document is None or state in {M.REFUSED, M.FILTERED}:
        return []
    kind, template = plan.document
    key = facts["requisition"] if kind == "Requisition" else f"S-1004/{facts['invoice']}"
    return [DocumentView(0, kind, key, template.format(**facts).encode())]


def _delivery(row: MessageRow, place: int, name: str, reason: Reason | None) -> DeliveryView:
    states = {M.DELIVERED: DeliveryState.DELIVERED, M.HELD: DeliveryState.HELD}
    state = states.get(row.state, DeliveryState.QUEUED)
    done = state is DeliveryState.DELIVERED
    return DeliveryView(
        delivery_id=row.message_id + (place + 1) * 1000,
        message_id=row.message_id,
        destination=name,
        state=state,
        attempts=1 if done else 4,
        document=0,
        idempotency_key=f"{row.channel}/{id_text(row.message_id)}/{place}",
        order_key=row.keys[0][1] if row.keys else None,
        not_before=None if done else NOW + timedelta(seconds=40),
        changed_at=row.changed_at,
        reason=reason if state is DeliveryState.HELD else None,
        reference=f"PR-2026-{row.message_id % 9000:04d}" if done else None,
        response=b'{"id": 4711, "state": "posted"}' if done else None,
    )


def _revision(
    channel: str, number: int, *, active: bool = True, by: str = "maria.lind", note: str | None = None,
    at: datetime | None = None,
) -> RevisionRow:  # fmt: skip
    when = at or NOW - timedelta(days=4 - number, hours=2)
    digest = f"{abs(hash((channel, number))) % 16**12:012x}" * 5
    return RevisionRow(channel, number, digest[:64], b"{}", when, by, note or "first release", active)
