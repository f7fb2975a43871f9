"""A scan of the supply room's handhelds to InventoryMovement. Scans of the practice mode move nothing.

A count says what lies there; a move what one place gives and another gets; a discard what is gone for good. Who
scanned stays in the handheld.
"""

from datetime import date, datetime
from decimal import Decimal

from engine.sdk import DocumentError, Filtered, InventoryMovement, JsonMessage, Lookup, MovementKind, Quantity

KINDS = {"count": MovementKind.COUNT, "move": MovementKind.TRANSFER, "discard": MovementKind.WASTE}


def transform(message: JsonMessage, items: Lookup) -> InventoryMovement | Filtered:
    task = message.require("task")
    if task == "practice":
        return Filtered("the handheld is in practice mode")
    if task not in KINDS:
        raise DocumentError("no task of the handhelds", where="task", remedy="add it to the transform")
    expires_on = message.get("expires_on")
    return InventoryMovement(
        movement_number=message.require("scan"),
        movement_kind=KINDS[task],
        item_number=items[message.require("item")],
        location=message.require("place"),
        to_location=message.require("to") if task == "move" else None,
        quantity=Quantity(amount=gained(message, task), unit=message.require("unit")),
        lot=message.get("lot"),
        expires_on=date.fromisoformat(expires_on) if expires_on else None,
        facility=message.require("facility"),
        moved_at=datetime.fromisoformat(message.require("at")),
        reason=message.require("reason") if task == "discard" else None,
    )


def gained(message: JsonMessage, task: str) -> Decimal:
    """What the place gains; a count is told as it is, and may be zero."""
    amount = message.number("quantity")
    if amount < 0 or (amount == 0 and task != "count"):
        raise DocumentError("only a count may be zero, nothing below it", where="quantity", remedy="scan it again")
    return amount if task == "count" else -amount
