"""An event of a storage cabinet to Consumption. What is put back is a negative quantity.

A cabinet in service mode tells of trials, not of use. Who took the item stays in the cabinet.
"""

from datetime import datetime

from engine.sdk import Consumption, ConsumptionLine, DocumentError, Filtered, JsonMessage, Lookup, Quantity

SIGN = {"taken": 1, "returned": -1}


def transform(message: JsonMessage, items: Lookup, departments: Lookup) -> Consumption | Filtered:
    if message.require("mode") != "use":
        return Filtered("the cabinet is in service mode")
    action, amount = message.require("action"), message.number("quantity")
    if action not in SIGN or amount <= 0:
        remedy = "ask the cabinets' operator what happened"
        raise DocumentError("neither taken nor returned", where="action, quantity", remedy=remedy)
    department = message.require("department")
    line = ConsumptionLine(
        number=1,
        quantity=Quantity(amount=amount * SIGN[action], unit="EA"),
        transaction_id=message.require("event_id"),
        item_number=items[message.require("item")],
        cost_center=departments[department],
        lot=message.get("lot"),
    )
    return Consumption(
        consumption_number=message.require("event_id"),
        used_at=datetime.fromisoformat(message.require("at")),
        facility=message.get("facility"),
        department=department,
        lines=(line,),
    )
