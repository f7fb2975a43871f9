"""An order as the ERP tells it to a delivery that the warehouse system may expect. Source: its REST interface, v1.

Only goods come to a dock: freight, services and the like are no lines of it. Prices, buyers and notes stay here.
Amounts are text, with every digit.
"""

import json

from engine.sdk import DocumentError, Filtered, JsonMessage, LineKind, OrderLine, PurchaseOrder


def transform(message: JsonMessage) -> JsonMessage | Filtered:
    order = PurchaseOrder.model_validate(message.value)
    goods = [line for line in order.lines if line.line_kind is LineKind.GOODS]
    if not goods:
        return Filtered("nothing of it comes to the dock")
    delivery = {
        "order": order.order_number,
        "supplier": order.supplier_number,
        "ordered_on": order.ordered_on.isoformat(),
        "lines": [expected(line, order) for line in goods],
    }
    return JsonMessage.parse(json.dumps(delivery, ensure_ascii=False).encode())


def expected(line: OrderLine, order: PurchaseOrder) -> dict[str, str | int | None]:
    """`needed_by` is None where neither the line nor its order names a day."""
    if line.quantity.amount <= 0:
        remedy = "correct the order in the ERP"
        raise DocumentError("nothing can come of it", where=f"lines.{line.number}.quantity", remedy=remedy)
    needed_by = line.needed_by or order.needed_by
    return {
        "line": line.number,
        "item": line.item_number,
        "quantity": f"{line.quantity.amount:f}",
        "unit": line.quantity.unit,
        "needed_by": needed_by.isoformat() if needed_by else None,
    }
