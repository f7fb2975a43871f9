"""The procure-to-pay process in memory: the real desk over invented matters of Harbor Health."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from engine.canonical import (
    CaseAction,
    Charge,
    ChargeEvent,
    Consumption,
    ConsumptionLine,
    Disposition,
    Document,
    InventoryMovement,
    Invoice,
    InvoiceLine,
    Money,
    MovementKind,
    OrderAcknowledgement,
    OrderLine,
    PurchaseOrder,
    Quantity,
    RecallNotice,
    Receipt,
    ReceiptLine,
)
from engine.canonical.receiving import ReceiptKind
from engine.channel.policies import Policies
from engine.channel.policy_routing import Exceptions
from engine.core.clock import to_micros
from engine.ports.p2p_operations import Stand, WaitingDossier, ref_of
from engine.ports.procure import Case, CaseQuery, Change, Command, Dossier, GivenCommand, Record, Reference
from engine.procure.desk.desk import Desk
from engine.procure.papers import dossiers_of
from tests.support.people import AuditDouble

CASE_ID = "order:PO-4711#price_above_tolerance#CASCADE/INV-88021:2"
CASE_REF = ref_of(CASE_ID)


class MemoryRecords:
    """`Records` and `RecordSearch`, and the process: what is taken is kept, nothing is decided."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.dossiers: dict[str, Dossier] = {}
        self.given_commands: list[tuple[GivenCommand, int]] = []
        self.looks: dict[str, int] = {}
        self.taken: list[Document] = []

    # -------------------------------------------------------------- filling
    def keep(
        self, dossier: str, document: Document, age: timedelta, message: int | None = None, who: str | None = None
    ) -> None:
        old = self.dossiers.get(dossier, Dossier(dossier))
        version = 1 + sum((one.kind, one.key) == (document.kind, document.natural_key) for one in old.records)
        at, body = to_micros(self.now - age), document.model_dump_json().encode()
        new = Record(document.kind, document.natural_key, version, body, at, message, who)
        records = tuple(sorted((*old.records, new)))
        self.dossiers[dossier] = msgspec.structs.replace(old, revision=old.revision + 1, records=records)

    def decide(self, dossier: str, state: Any, *cases: Case, look: int | None = None) -> None:
        old = self.dossiers[dossier]
        self.dossiers[dossier] = msgspec.structs.replace(old, state=msgspec.json.encode(state), cases=cases)
        if look is not None:
            self.looks[dossier] = look

    def command(self, dossier: str, name: str, document: Document, age: timedelta) -> None:
        body = document.model_dump_json().encode()
        command = Command(f"{name}:{document.natural_key}", name, document.kind, document.natural_key, body)
        self.given_commands.append(
            (GivenCommand(len(self.given_commands) + 1, dossier, command), to_micros(self.now - age))
        )

    # -------------------------------------------------------------- the process
    async def take(self, document: Document, message_id: int | None = None, who: str | None = None) -> None:
        self.taken.append(document)
        if isinstance(document, CaseAction):
            self.keep(document.dossier, document, timedelta(0), message_id, who)

    # -------------------------------------------------------------- Records
    async def load(self, dossier: str) -> Dossier:
        return self.dossiers.get(dossier, Dossier(dossier))

    async def save(self, change: Change) -> bool:
        raise AssertionError("nothing is decided here")

    async def latest(self, references: Sequence[Reference]) -> dict[Reference, Record]:
        found = {Reference(one.kind, one.key): one for kept in self.dossiers.values() for one in kept.records}
        return {one: found[one] for one in references if one in found}

    async def versions(self, reference: Reference) -> list[Record]:
        return [
            one for kept in self.dossiers.values() for one in kept.records if Reference(one.kind, one.key) == reference
        ]

    async def dossiers_with(self, reference: Reference) -> list[str]:
        return await self.dossiers_holding(reference)

    async def held_since(self, since_micros: int, after: str, limit: int) -> list[str]:
        new = [
            k
            for k, kept in self.dossiers.items()
            if k > after and any(r.at_micros >= since_micros for r in kept.records)
        ]
        return sorted(new)[:limit]

    async def due(self, now_micros: int, limit: int) -> list[str]:
        return [key for key, at in self.looks.items() if at <= now_micros][:limit]

    async def given(self, after: int, names: Sequence[str], limit: int) -> list[GivenCommand]:
        return [one for one, _ in self.given_commands if one.number > after][:limit]

    async def command_by_key(self, key: str) -> Command | None:
        return next((one.command for one, _ in self.given_commands if one.command.key == key), None)

    async def cases(self, query: CaseQuery) -> list[Case]:
        wanted = [(name, getattr(query, name)) for name in ("owner", "type", "supplier", "facility")]
        rows = [
            case
            for kept in self.dossiers.values()
            for case in kept.cases
            if case.state in query.states and all(v is None or getattr(case, name) == v for name, v in wanted)
        ]
        return sorted(rows, key=lambda one: (-one.rank, one.due_micros or 2**62, one.case_id))[: query.limit]

    async def watermarks(self) -> dict[str, int]:
        return {}

    async def set_watermark(self, source: str, until_micros: int) -> None:
        """Nobody waits here."""

    # -------------------------------------------------------------- RecordSearch
    async def case_id(self, ref: str) -> str | None:
        known = (case.case_id for kept in self.dossiers.values() for case in kept.cases)
        return next((one for one in known if ref_of(one) == ref), None)

    async def waiting(self, limit: int) -> list[WaitingDossier]:
        return [WaitingDossier(key, self.dossiers[key].state, at) for key, at in self.looks.items()][:limit]

    async def keys(self, kind: str, begins: str, ends: str, limit: int) -> list[Reference]:
        found: dict[str, int] = {}
        for kept in self.dossiers.values():
            for one in kept.records:
                if one.kind == kind and one.key.startswith(begins) and one.key.endswith(ends):
                    found[one.key] = max(one.at_micros, found.get(one.key, 0))
        return [Reference(kind, key) for key in sorted(found, key=lambda key: (-found[key], key))][:limit]

    async def dossiers_holding(self, reference: Reference) -> list[str]:
        return sorted(
            key
            for key, kept in self.dossiers.items()
            if any((one.kind, one.key) == (reference.kind, reference.key) for one in kept.records)
        )

    async def commands(self, dossier: str) -> list[tuple[GivenCommand, int]]:
        return [pair for pair in self.given_commands if pair[0].dossier == dossier]

    async def stands(self, begins: str, limit: int) -> list[Stand]:
        found = [
            Stand(key, kept.state, max(one.at_micros for one in kept.records))
            for key, kept in self.dossiers.items()
            if key.startswith(begins)
        ]
        return sorted(found, key=lambda one: (-one.changed_micros, one.dossier))[:limit]

    async def open_cases(self, begins: str) -> list[Case]:
        return [
            case
            for kept in self.dossiers.values()
            for case in kept.cases
            if case.dossier.startswith(begins) and case.state == "open"
        ]


class _StandingClock:
    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return 0.0


def desk_double(now: datetime) -> tuple[Desk, MemoryRecords]:
    """Two people are needed above 1000."""
    matters = MemoryRecords(now)
    policies = Policies(exceptions=Exceptions(four_eyes_above=Decimal(1000)))
    _fill(matters, now)
    fill_lot(matters, now)
    return Desk(matters, matters, matters, AuditDouble(), _StandingClock(now), lambda: policies), matters


def _fill(matters: MemoryRecords, now: datetime) -> None:
    key = "order:PO-4711"
    order = _order("PO-4711", "CASCADE", "HARBOR-MAIN")
    invoice = _invoice("INV-88021", "CASCADE", order, second_price="14.95", unit="BX")
    matters.keep(key, order, timedelta(hours=72))
    matters.keep(key, _answer(order), timedelta(hours=70))
    matters.keep(key, _receipt("RC-2201", order, 6, 10), timedelta(hours=30))
    matters.keep(key, invoice, timedelta(hours=26))
    facts = {
        "rule": "price, upper limit 2 % or 25.00 USD, the lower of the two",
        "flip": "A price of 12.75 or less on line 2 would have been accepted.",
        "line": 2, "tolerance": {"percent": "2", "absolute": "25.00"}, "ordered_price": "12.50",
        "invoiced_price": "14.95", "over": "2.45",
    }  # fmt: skip
    price = _case(CASE_ID, now, "The price of line 2 is above the tolerance", "buyer", -2, "24.50", 820, facts)
    unit_id = "order:PO-4711#unit_unknown#CASCADE/INV-88021:1"
    units = {"rule": "units are converted by item and supplier", "line": 1, "from": "BX", "to": "EA"}
    unit = _case(unit_id, now, "BX of M-1001 from CASCADE is not known", "accounts-payable", 20, "64.00", 300, units)
    matters.decide(key, {"invoices": {invoice.natural_key: {"state": "exception"}}}, price, unit)
    _more(matters, now)


def _more(matters: MemoryRecords, now: datetime) -> None:
    waiting, posted = _order("PO-4712", "OLYMPIC", "HARBOR-NORTH"), _order("PO-4713", "OLYMPIC", "HARBOR-NORTH")
    bill, paid = _invoice("9-1001", "OLYMPIC", waiting), _invoice("9-1002", "OLYMPIC", posted)
    for order, invoice in ((waiting, bill), (posted, paid)):
        matters.keep(f"order:{order.order_number}", order, timedelta(hours=90), who="lee.warehouse")
        matters.keep(f"order:{order.order_number}", invoice, timedelta(hours=20))
    fact = {"state": "waiting", "for": "receipt", "until": "2026-11-21T06:00:00Z", "because": "warehouse receipts"}
    late_id = "order:PO-4712#acknowledgement_late#PO-4712"
    late = _case(late_id, now, "OLYMPIC has not acknowledged the order", "buyer", -20, None, 10, {},
                 "OLYMPIC", "HARBOR-NORTH")  # fmt: skip
    large_id = "order:PO-4712#duplicate_suspected#OLYMPIC/9-1001"
    large = _case(
        large_id,
        now,
        "The same amount was invoiced as 9-0998",
        "accounts-payable",
        3,
        "12180.00",
        1400,
        {"rule": "same supplier and amount within 30 days", "other": "9-0998"},
        "OLYMPIC",
        "HARBOR-NORTH",
    )
    matters.decide("order:PO-4712", {"invoices": {bill.natural_key: fact}}, late, large, look=1)
    matters.keep("order:PO-4713", _receipt("RC-2300", posted, 10, 10), timedelta(hours=40))
    matters.decide("order:PO-4713", {"invoices": {paid.natural_key: {"state": "matched"}}})
    matters.command("order:PO-4713", "post_invoice", paid, timedelta(hours=19))


LOT_ITEM, LOT_DEVICE, LOT = "IMP-7", "00850068673094", "L2291"


def fill_lot(matters: MemoryRecords, now: datetime) -> None:
    """Twenty came to the core, eight went on to a theatre, two were used (one scanned only), four went back; the
    other hospital has one."""
    facts: dict[str, Any] = {"item_number": LOT_ITEM, "lot": LOT}
    came = {"order_number": "PO-4720", "supplier_number": "OLYMPIC", "received_on": now.date(), "location": "CORE"}
    main, north = {"facility": "HARBOR-MAIN"}, {"facility": "HARBOR-NORTH"}
    line = ReceiptLine(order_line_number=1, quantity=_each(20), device_identifier=LOT_DEVICE, **facts)
    back = ReceiptLine(order_line_number=1, quantity=_each(4), **facts)
    scanned = ConsumptionLine(number=2, quantity=_each(1), udi=f"(01){LOT_DEVICE}(10){LOT}", location="OR-3",
                              disposition=Disposition.IMPLANTED)  # fmt: skip
    use = ConsumptionLine(number=1, quantity=_each(1), disposition=Disposition.WASTED, location="OR-3", **facts)
    documents: tuple[Document, ...] = (
        Receipt(receipt_number="RC-2401", lines=(line,), **came, **main),
        Receipt(receipt_number="RC-2402", lines=(back,), receipt_kind=ReceiptKind.RETURN, **came, **main),
        InventoryMovement(movement_number="MV-1", movement_kind=MovementKind.TRANSFER, location="CORE",
                          to_location="OR-3", quantity=_each(-8), moved_at=now, **facts, **main),
        Consumption(consumption_number="US-1", used_at=now, lines=(use, scanned), case_reference="K-118", **main),
        ChargeEvent(charge_number="CH-1", charge_code="7001", charged_at=now, quantity=_each(1),
                    account_number="A-5512", case_reference="K-118", **facts, **main),
        Receipt(receipt_number="RC-9", lines=(back.model_copy(update={"quantity": _each(1)}),),
                **came | {"location": "N-CORE"}, **north),
        RecallNotice(recall_number="FDA-2026-31", device_identifier=LOT_DEVICE, lot=LOT, recalled_on=now.date(),
                     reason="sterile barrier"),
    )  # fmt: skip
    for document in documents:
        for dossier in dossiers_of(document):
            matters.keep(dossier, document, timedelta(hours=1))


def _case(
    case_id: str, now: datetime, title: str, owner: str, due: int, amount: str | None, rank: int,
    facts: dict[str, Any], supplier: str = "CASCADE", facility: str = "HARBOR-MAIN",
) -> Case:  # fmt: skip
    dossier, kind, _ = case_id.split("#")
    return Case(
        case_id=case_id, dossier=dossier, type=kind, state="open", title=title, owner=owner, rank=rank, facts=facts,
        opened_micros=to_micros(now - timedelta(hours=26 - rank % 7)), due_micros=to_micros(now + timedelta(hours=due)),
        amount=amount, currency="USD" if amount else None, supplier=supplier, facility=facility,
    )  # fmt: skip


def _order(number: str, supplier: str, facility: str) -> PurchaseOrder:
    lines = (
        OrderLine(number=1, item_number="M-1001", description="Exam glove, nitrile, M", quantity=_each(10),
                  price=_usd("6.40")),
        OrderLine(number=2, item_number="M-2040", description="Surgical drape, sterile", quantity=_each(10),
                  price=_usd("12.50")),
    )  # fmt: skip
    return PurchaseOrder(
        order_number=number, supplier_number=supplier, facility=facility, ordered_on=date(2026, 11, 17), lines=lines
    )


def _answer(order: PurchaseOrder) -> OrderAcknowledgement:
    return OrderAcknowledgement(
        order_number=order.order_number, supplier_number=order.supplier_number, acknowledgement_type="AD",
        acknowledged_on=date(2026, 11, 17),
    )  # fmt: skip


def _receipt(number: str, order: PurchaseOrder, *amounts: int) -> Receipt:
    lines = tuple(
        ReceiptLine(order_line_number=line.number, item_number=line.item_number, quantity=_each(amount))
        for line, amount in zip(order.lines, amounts, strict=True)
    )
    return Receipt(
        receipt_number=number, order_number=order.order_number, supplier_number=order.supplier_number,
        facility=order.facility, received_on=date(2026, 11, 19), lines=lines,
    )  # fmt: skip


def _invoice(
    number: str, supplier: str, order: PurchaseOrder, second_price: str = "12.50", unit: str = "EA"
) -> Invoice:
    lines = (
        InvoiceLine(number=1, order_line_number=1, item_number="M-1001", price=_usd("6.40"),
                    quantity=Quantity(amount=Decimal(10), unit=unit)),
        InvoiceLine(number=2, order_line_number=2, item_number="M-2040", price=_usd(second_price), quantity=_each(10)),
    )  # fmt: skip
    freight = Charge(code="D240", description="Freight", amount=_usd("18.00"))
    total = sum((line.extended.amount for line in lines), freight.amount.amount)
    return Invoice(
        invoice_number=number, supplier_number=supplier, invoiced_on=date(2026, 11, 19), lines=lines,
        charges=(freight,), stated_total=Money(amount=total), order_number=order.order_number, facility=order.facility,
    )  # fmt: skip


def _each(amount: int) -> Quantity:
    return Quantity(amount=Decimal(amount))


def _usd(amount: str) -> Money:
    return Money(amount=Decimal(amount))
