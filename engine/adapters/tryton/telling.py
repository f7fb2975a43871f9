"""What came to be in the ERP itself: receipts that were done there, and what became of invoices' payment."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime

from engine.adapters.tryton.client import TrytonClient
from engine.adapters.tryton.directory import unit_code
from engine.adapters.tryton.documents import money_of, numbered_lines, order_number
from engine.adapters.tryton.reading import Reader, payment_state, plain
from engine.adapters.tryton.wire import Domain, Record
from engine.canonical import Money, PaymentStatus, Quantity, Receipt, ReceiptLine
from engine.ports.erp import Told

_AT_ONCE = 200  # records named in one question
_SHIPMENT_FIELDS = (
    *("number", "reference", "effective_date", "supplier.code", "write_date", "create_date"),
    *("incoming_moves.id", "incoming_moves.state", "incoming_moves.quantity", "incoming_moves.unit.name"),
    "incoming_moves.product.code",
)
_ORDER_LINE_FIELDS = (
    *("moves.id", "purchase.number", "purchase.reference", "purchase.description"),
    *("purchase.lines.id", "purchase.lines.sequence", "purchase.lines.product.code"),
)
_INVOICE_FIELDS = (
    *("reference", "state", "party.code", "amount_to_pay", "total_amount", "currency.code"),
    *("write_date", "create_date"),
)


class Place:
    """Where a move of goods belongs: its order and the number of its line there."""

    __slots__ = ("line", "order")

    def __init__(self, order: str, line: int) -> None:
        self.order, self.line = order, line


class Teller:
    kinds = frozenset({"Receipt", "PaymentStatus", "Supplier", "Item", "PurchaseOrder"})

    def __init__(self, client: TrytonClient, reader: Reader) -> None:
        self._client, self._reader = client, reader

    async def documents(self, kind: str, since: date) -> list[Told]:
        match kind:
            case "Receipt":
                return await self._receipts(since)
            case "PaymentStatus":
                return await self._payment_status(since)
            case "Supplier":
                return [Told(one) for one in await self._reader.suppliers()]
            case "Item":
                return [Told(one) for one in await self._reader.items()]
        return [Told(one) for one in await self._reader.purchase_orders(since, None)]

    # -------------------------------------------------------------- receipts
    async def _receipts(self, since: date) -> list[Told]:
        domain: Domain = [["state", "=", "done"], _changed(since)]
        shipments = await self._client.read("stock.shipment.in", domain, _SHIPMENT_FIELDS)
        places = await self._places([move["id"] for one in shipments for move in one["incoming_moves"]])
        first = await self._first_of_reference(shipments)
        return [told for one in shipments for told in _receipts_of(one, places, first)]

    async def _places(self, moves: Sequence[int]) -> Mapping[int, Place]:
        found: dict[int, Place] = {}
        for start in range(0, len(moves), _AT_ONCE):
            domain: Domain = [["moves", "in", list(moves[start : start + _AT_ONCE])]]
            for line in await self._client.read("purchase.line", domain, _ORDER_LINE_FIELDS):
                order = line["purchase"]
                numbers = {found["id"]: number for number, found in numbered_lines(order)}
                if line["id"] in numbers:
                    place = Place(order_number(order), numbers[line["id"]])
                    found |= {move["id"]: place for move in line["moves"]}
        return found

    async def _first_of_reference(self, shipments: Sequence[Record]) -> Mapping[tuple[str, str], int]:
        """A delivery note's number may stand on several shipments: the first one of them has it as its own."""
        named = sorted({one["reference"] for one in shipments if one["reference"]})
        first: dict[tuple[str, str], int] = {}
        for start in range(0, len(named), _AT_ONCE):
            domain: Domain = [["reference", "in", named[start : start + _AT_ONCE]], ["state", "!=", "cancelled"]]
            for one in await self._client.read("stock.shipment.in", domain, ["reference", "supplier.code"]):
                key = one["supplier"]["code"], one["reference"]
                first[key] = min(first.get(key, one["id"]), one["id"])
        return first

    # -------------------------------------------------------------- payments
    async def _payment_status(self, since: date) -> list[Told]:
        domain: Domain = [
            ["type", "=", "in"], ["reference", "!=", None],
            ["OR", ["state", "=", "posted"], [["state", "in", ["paid", "cancelled"]], _changed(since)]],
        ]  # fmt: skip
        found = await self._client.read("account.invoice", domain, _INVOICE_FIELDS)
        live = Counter(_invoice_key(one) for one in found if one["state"] != "cancelled")
        return [_status(one) for one in found if one["state"] != "cancelled" or not live[_invoice_key(one)]]


def _changed(since: date) -> Domain:
    moment = datetime(since.year, since.month, since.day, tzinfo=UTC)
    return ["OR", ["write_date", ">=", moment], [["write_date", "=", None], ["create_date", ">=", moment]]]


def _last(record: Record) -> datetime:
    moment: datetime = record["write_date"] or record["create_date"]
    return moment


def _invoice_key(record: Record) -> tuple[str, str]:
    return record["party"]["code"], record["reference"]


def _status(record: Record) -> Told:
    due = money_of(record["amount_to_pay"])
    return Told(
        PaymentStatus(
            supplier_number=record["party"]["code"],
            invoice_number=record["reference"],
            state=payment_state(record, due),
            amount_due=Money(amount=due, currency=record["currency"]["code"]),
            as_of=_last(record).date(),
        ),
        _last(record).isoformat(),
    )


def _receipts_of(shipment: Record, places: Mapping[int, Place], first: Mapping[tuple[str, str], int]) -> Iterator[Told]:
    """One for each order that the goods belong to; goods of no order are nobody's matter here."""
    by_order: defaultdict[str, list[tuple[int, Record]]] = defaultdict(list)
    for move in shipment["incoming_moves"]:
        place = places.get(move["id"])
        if place is not None and move["state"] == "done" and move["quantity"]:
            by_order[place.order].append((place.line, move))
    key = shipment["supplier"]["code"], shipment["reference"]
    number = shipment["reference"] if first.get(key) == shipment["id"] else shipment["number"]
    for order, moves in sorted(by_order.items()):
        receipt = Receipt(
            receipt_number=number if len(by_order) == 1 else f"{number}/{order}",
            order_number=order,
            supplier_number=shipment["supplier"]["code"],
            received_on=shipment["effective_date"],
            lines=tuple(_line(line, move) for line, move in _sorted(moves)),
        )
        yield Told(receipt, _last(shipment).isoformat())


def _sorted(moves: Iterable[tuple[int, Record]]) -> list[tuple[int, Record]]:
    return sorted(moves, key=lambda one: (one[0], one[1]["id"]))


def _line(number: int, move: Record) -> ReceiptLine:
    amount = Quantity(amount=plain(money_of(move["quantity"])), unit=unit_code(move["unit"]["name"]))
    return ReceiptLine(order_line_number=number, item_number=move["product"]["code"], quantity=amount)
