"""What a case took out of a cabinet to Consumption, a line for each item. What is put back is a negative quantity.

A cabinet in service mode tells of trials, not of use. Who took the items stays in the cabinet; of the patient only the
visit's number leaves it.
"""

from datetime import datetime

from engine.sdk import Consumption, ConsumptionLine, DocumentError, Filtered, JsonMessage, Lookup, Quantity

SIGN = {"taken": 1, "returned": -1}


def transform(message: JsonMessage, items: Lookup, departments: Lookup) -> Consumption | Filtered:
    if message.require("mode") != "use":
        return Filtered("the cabinet is in service mode")
    department = message.require("department")
    lines = message.all("lines")
    if not lines:
        raise DocumentError("the event names no item", where="lines", remedy="ask the cabinets' operator what happened")
    return Consumption(
        consumption_number=message.require("event_id"),
        used_at=datetime.fromisoformat(message.require("at")),
        facility=message.get("facility"),
        department=department,
        location=message.get("location"),  # the cabinet, as its stock is counted
        visit_number=message.require("visit"),
        lines=tuple(line(number, one, items, departments[department]) for number, one in enumerate(lines, 1)),
    )


def line(number: int, taken: JsonMessage, items: Lookup, cost_center: str) -> ConsumptionLine:
    action, amount = taken.require("action"), taken.number("quantity")
    if action not in SIGN or amount <= 0:
        remedy = "ask the cabinets' operator what happened"
        raise DocumentError("neither taken nor returned", where=f"lines[{number - 1}]", remedy=remedy)
    return ConsumptionLine(
        number=number,
        quantity=Quantity(amount=amount * SIGN[action], unit="EA"),
        item_number=items[taken.require("item")],
        cost_center=cost_center,
        lot=taken.get("lot"),
    )
