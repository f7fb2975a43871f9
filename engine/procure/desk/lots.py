"""A lot of a device as people ask for it in a recall, read from the dossiers that gather what names it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any

from engine.canonical import (
    ChargeEvent,
    Consumption,
    Disposition,
    Document,
    InventoryMovement,
    Item,
    MovementKind,
    PurchaseOrder,
    Quantity,
    RecallNotice,
    Receipt,
    ShipmentNotice,
)
from engine.canonical.receiving import ReceiptKind
from engine.canonical.usage import ChargeKind
from engine.ports.lots import STAGES, LotException, LotMention, LotNotice, LotPlace, LotView
from engine.ports.p2p_operations import ref_of
from engine.ports.procure import CaseQuery, Records, Reference
from engine.procure.decision import text_of
from engine.procure.papers import read
from engine.procure.usage.charges import utc
from engine.procure.usage.labels import device_and_lot, label
from engine.procure.usage.papers import lot_key
from engine.procure.usage.transfers import changes_at, counted_once

_TURNS = 5  # an item has few names; each turn may find others
_ALL = 20_000
_RECALLED = "implant_recalled"
_SENT_BACK = {ReceiptKind.RECEIPT: "received", ReceiptKind.RETURN: "sent_back"}

Homes = dict[tuple[str, str], frozenset[str]]
Change = tuple[datetime, bool, str, Quantity, str]  # when, whether it was counted, place, how much, facility


async def lot_view(records: Records, item: str, lot: str, facilities: frozenset[str] | None = None) -> LotView | None:
    """None: nothing names it, or nothing of these facilities does."""
    scanned = label(item.strip())
    item, lot = item.strip(), lot.strip()
    if scanned and scanned.device_identifier:
        item, lot = scanned.device_identifier, lot or scanned.lot or ""
    names, documents = await _gathered(records, item, lot)
    homes = await _homes(records, documents, names, lot)
    if facilities is not None:
        homes = {name: found & facilities for name, found in homes.items()}
    seen = [one for one in documents if facilities is None or homes[one.kind, one.natural_key]]
    mentions = sorted(_mentions(seen, names, lot, homes), key=lambda one: (STAGES.index(one.stage), one.on, one.key))
    if not mentions:
        return None
    cases = tuple(sorted({one.case for one in mentions if one.case}))
    return LotView(
        item=item,
        lot=lot,
        names=sorted(names),
        mentions=mentions,
        places=_places(seen, names, lot, homes),
        cases=cases,
        notices=await _notices(records, names, lot),
        exceptions=await _exceptions(records, cases),
    )


async def _gathered(records: Records, item: str, lot: str) -> tuple[frozenset[str], list[Document]]:
    """Under every name that the item master and the documents themselves give the item; newest versions only."""
    names, asked, references = {item}, set[str](), set[Reference]()
    documents: list[Document] = []
    for _ in range(_TURNS):
        new = names - asked
        if not new:
            break
        asked |= new
        for known in (await records.latest([Reference(Item.kind, name) for name in sorted(new)])).values():
            names |= {getattr(read(known), "device_identifier", None) or item}
        for name in sorted(new):
            references |= {Reference(one.kind, one.key) for one in (await records.load(lot_key(name, lot))).records}
        documents = [read(one) for one in (await records.latest(sorted(references))).values()]
        names |= {name for one in documents for line in _lines(one, names, lot) for name in _named(line)}
    return frozenset(names), documents


async def _homes(records: Records, documents: Iterable[Document], names: frozenset[str], lot: str) -> Homes:
    """Facilities by document: its own, else those of the orders that it names."""
    orders: dict[tuple[str, str], set[str]] = {}
    for one in documents:
        named = {getattr(line, "order_number", None) for line in _lines(one, names, lot)}
        orders[one.kind, one.natural_key] = {name for name in (*named, getattr(one, "order_number", None)) if name}
    asked = sorted({Reference(PurchaseOrder.kind, name) for found in orders.values() for name in found})
    known = {ref.key: _facility(read(record)) for ref, record in (await records.latest(asked)).items()}
    return {
        (one.kind, one.natural_key): _facility(one)
        or frozenset().union(*(known.get(name, frozenset()) for name in orders[one.kind, one.natural_key]))
        for one in documents
    }


def _facility(document: Document) -> frozenset[str]:
    found = getattr(document, "facility", None)
    return frozenset({found} if found else ())


def _named(line: Any) -> set[str]:
    return {name for name in (device_and_lot(line)[0], getattr(line, "item_number", None)) if name}


def _lines(document: Document, names: Iterable[str], lot: str) -> Iterator[Any]:
    """Lines that name the lot; a movement and a charge are their own only line. What was booked in error has none."""
    if getattr(document, "cancelled", False):
        return
    for line in getattr(document, "lines", (document,)):
        if device_and_lot(line)[1] == lot and _named(line) & set(names):
            yield line


# ------------------------------------------------------------------ what documents say of it
def _mentions(documents: Iterable[Document], names: frozenset[str], lot: str, homes: Homes) -> Iterator[LotMention]:
    for document in documents:
        for line in _lines(document, names, lot):
            stage, on, detail = _stage(document, line)
            usual = getattr(document, "location", None)
            yield LotMention(
                stage=stage,
                kind=document.kind,
                key=document.natural_key,
                on=on.isoformat()[:10],
                quantity=text_of(line.quantity.amount),
                unit=line.quantity.unit,
                place=getattr(line, "location", None) or getattr(line, "deliver_to", None) or usual or "",
                to=getattr(line, "to_location", None) or "",
                case=getattr(line, "case_reference", None) or getattr(document, "case_reference", None) or "",
                order=getattr(line, "order_number", None) or getattr(document, "order_number", None) or "",
                supplier=getattr(line, "supplier_number", None) or getattr(document, "supplier_number", None) or "",
                facility=", ".join(sorted(homes[document.kind, document.natural_key])),
                detail=detail,
            )


def _stage(document: Any, line: Any) -> tuple[str, Any, str]:
    """Stage, day, and what there is to say beside it."""
    if isinstance(document, PurchaseOrder):
        return "ordered", document.ordered_on, ""
    if isinstance(document, ShipmentNotice):
        return "shipped", document.shipped_on or document.noticed_on, ""
    if isinstance(document, Receipt):
        return _SENT_BACK[document.receipt_kind], document.received_on, document.reason or ""
    if isinstance(document, InventoryMovement):
        return "moved", document.moved_at, document.movement_kind.value
    if isinstance(document, Consumption):
        return "used", document.used_at, line.disposition.value
    if isinstance(document, ChargeEvent):
        return "charged", document.charged_at, "taken back" if document.charge_kind is ChargeKind.CREDIT else ""
    return "invoiced", document.invoiced_on, ""


# ------------------------------------------------------------------ where it lies
def _places(documents: list[Document], names: frozenset[str], lot: str, homes: Homes) -> list[LotPlace]:
    """As stock is counted: what a movement tells of already is not counted once more; a count sets it anew."""
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    facility: dict[str, str] = {}
    for _at, is_count, place, quantity, of in sorted(_changes(documents, names, lot, homes), key=lambda one: one[:3]):
        before = Decimal(0) if is_count else sums[place, quantity.unit]
        sums[place, quantity.unit] = before + quantity.amount
        facility[place] = of or facility.get(place, "")
    return [
        LotPlace(place, text_of(amount), unit, facility[place])
        for (place, unit), amount in sorted(sums.items())
        if amount
    ]


def _changes(documents: list[Document], names: frozenset[str], lot: str, homes: Homes) -> Iterator[Change]:
    movements = counted_once(one for one in documents if isinstance(one, InventoryMovement))
    told = {(one.source_kind, one.source_key) for one in movements}
    for document in (one for one in documents if (one.kind, one.natural_key) not in told):
        if isinstance(document, InventoryMovement) and document not in movements:
            continue
        for line in _lines(document, names, lot):
            yield from _change(document, line, homes)


def _change(document: Document, line: Any, homes: Homes) -> Iterator[Change]:
    of = ", ".join(sorted(homes[document.kind, document.natural_key]))
    if isinstance(document, InventoryMovement):
        is_count = document.movement_kind is MovementKind.COUNT
        for place in sorted({document.location, document.to_location or document.location}):
            yield from ((document.moved_at, is_count, place, one, of) for one in changes_at(document, place))
    elif isinstance(document, Receipt):
        came = datetime.combine(document.received_on, time(), UTC)
        yield came, False, line.location or document.location or "", _times(line.quantity, document.sign), of
    elif isinstance(document, Consumption) and not line.bill_only and line.disposition is not Disposition.EXPLANTED:
        sign = Decimal(1) if line.disposition is Disposition.RETURNED else Decimal(-1)
        yield utc(document.used_at), False, line.location or document.location or "", _times(line.quantity, sign), of


def _times(quantity: Quantity, sign: Decimal) -> Quantity:
    return Quantity(amount=quantity.amount * sign, unit=quantity.unit)


# ------------------------------------------------------------------ what was said and raised because of it
async def _notices(records: Records, names: frozenset[str], lot: str) -> list[LotNotice]:
    asked = [Reference(RecallNotice.kind, f"{name}/{which}") for name in sorted(names) for which in (lot, "*")]
    found = [read(one) for one in (await records.latest(asked)).values()]
    return [
        LotNotice(one.recall_number, f"{one.recalled_on}", one.reason or "", f"{one.ended_on or ''}")
        for one in found
        if isinstance(one, RecallNotice)
    ]


async def _exceptions(records: Records, cases: Iterable[str]) -> list[LotException]:
    matters = {f"case:{one}": one for one in cases}
    opened = await records.cases(CaseQuery(type=_RECALLED, limit=_ALL)) if matters else []
    return [
        LotException(ref_of(one.case_id), one.title, one.owner, matters[one.dossier])
        for one in opened
        if one.dossier in matters
    ]
