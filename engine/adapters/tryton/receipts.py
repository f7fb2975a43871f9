"""Receipt to `stock.shipment.in`, received and done, from the moves that the order waits for."""

from __future__ import annotations

from engine.adapters.tryton.client import TrytonClient
from engine.adapters.tryton.directory import Directory
from engine.adapters.tryton.documents import numbered_lines, order_domain
from engine.adapters.tryton.failures import WHERE
from engine.adapters.tryton.posting import Plan, Workflow
from engine.adapters.tryton.wire import Domain, Record, added, quantity
from engine.canonical import Receipt, ReceiptLine
from engine.core.errors import DestinationError

_ORDER = "purchase.purchase"


class Receipts:
    workflow = Workflow(
        "Receipt",
        "stock.shipment.in",
        ["supplier.code", "incoming_moves.id"],
        buttons={"draft": "receive", "received": "do"},
        final=frozenset({"done"}),
        own="reference",
        total=lambda record: None,
    )

    def __init__(self, client: TrytonClient, directory: Directory) -> None:
        self._client, self._directory = client, directory

    def domain(self, natural_key: str, reference: str) -> Domain:
        return ["reference", "=", natural_key]

    async def plan(self, document: Receipt, reference: str) -> Plan:
        def same(record: Record) -> bool:
            return bool(record["supplier"]["code"] == document.supplier_number)

        return Plan(
            document.natural_key,
            reference,
            self.domain(document.natural_key, reference),
            None,
            lambda: self._values(document),
            same,
        )

    async def _values(self, document: Receipt) -> Record:
        supplier = await self._directory.supplier(document.supplier_number)
        warehouse = await self._directory.warehouse()
        moves = await self._moves(document)
        return {
            "supplier": supplier.id,
            "warehouse": warehouse.id,
            "warehouse_input": warehouse.input,
            "warehouse_storage": warehouse.storage,
            "effective_date": document.received_on,
            "incoming_moves": [*added(*moves), *[["write", [move], values] for move, values in moves.items()]],
        }

    async def _moves(self, document: Receipt) -> dict[int, Record]:
        """The waiting moves to take over, with the quantity that came; the ERP waits on for the rest."""
        waiting = await self._waiting(document.order_number)
        moves: dict[int, Record] = {}
        for line in document.lines:
            move = _fit(waiting, line)
            unit = await self._directory.unit(line.item_number, line.quantity.unit)
            moves[move["id"]] = {"quantity": quantity(line.quantity.amount), "unit": unit}
            waiting.remove(move)
        return moves

    async def _waiting(self, order_number: str) -> list[Record]:
        fields = ["lines.sequence", "lines.product.code", "lines.moves.state", "lines.moves.shipment"]
        found = await self._client.read(_ORDER, order_domain(order_number), fields, limit=1)
        if not found:
            remedy = "send the order first, or correct the order number, then resend"
            raise DestinationError(f"order {order_number} is not open in the ERP", where=WHERE, remedy=remedy)
        return [
            {"id": move["id"], "number": number, "item": line["product"]["code"]}
            for number, line in numbered_lines(found[0])
            for move in line["moves"]
            if move["state"] == "draft" and not move["shipment"]
        ]


def _fit(waiting: list[Record], line: ReceiptLine) -> Record:
    for move in waiting:
        if (move["number"], move["item"]) == (line.order_line_number, line.item_number):
            return move
    where = f"{WHERE}, receipt line for order line {line.order_line_number}"
    remedy = "check whether it was received before, or ordered under another item; then discard or correct"
    raise DestinationError("the order waits for no such item", where=where, remedy=remedy)
