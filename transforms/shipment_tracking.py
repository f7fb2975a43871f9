"""A parcel as the carrier's tracking service tells it to ShipmentNotice.

The carrier knows the shipper by its account, which `tracked_shippers` maps to our supplier number, and what is inside
by the references that the supplier gave it. A label that was only printed is no shipment yet.
"""

from datetime import date, datetime

from engine.sdk import DocumentError, Filtered, Identifier, JsonMessage, Lookup, Quantity, ShipmentNotice, ShippedLine

MOVING = ("picked_up", "in_transit", "out_for_delivery", "delivered", "exception")


def transform(message: JsonMessage, tracked_shippers: Lookup) -> ShipmentNotice | Filtered:
    status = message.require("status")
    if status not in MOVING:
        return Filtered("not handed to the carrier yet")
    contents = message.all("contents")
    if not contents:
        remedy = "ask the supplier to give the carrier its packing list"
        raise DocumentError("the carrier knows nothing of what is inside", where="contents", remedy=remedy)
    tracking = message.require("tracking_number")
    return ShipmentNotice(
        shipment_number=message.get("references.shipment") or tracking,
        supplier_number=tracked_shippers[message.require("shipper.account")],
        noticed_on=day(message, "updated_at"),
        shipped_on=day(message, "picked_up_at") if message.get("picked_up_at") else None,
        expected_on=message.date("expected_on") if message.get("expected_on") else None,
        carrier="NLFR",
        tracking_number=tracking,
        purpose="05",  # each step takes the place of the one before
        lines=tuple(line(one, message.get("references.purchase_order")) for one in contents),
    )


def line(content: JsonMessage, order: str | None) -> ShippedLine:
    quantity = content.number("quantity")
    if quantity <= 0 or quantity != quantity.to_integral_value():
        raise DocumentError("so many pieces cannot be", where="contents.quantity", remedy="ask the supplier")
    gtin = content.get("gtin")
    return ShippedLine(
        quantity=Quantity(amount=quantity, unit=content.get("unit") or "EA"),
        order_number=order,
        lot=content.get("lot"),
        identifiers=(Identifier(scheme="GTIN", value=gtin),) if gtin else (),
        package=content.get("sscc"),
    )


def day(message: JsonMessage, path: str) -> date:
    """Of an instant with its zone, as the carrier writes it."""
    try:
        return datetime.fromisoformat(message.require(path)).date()
    except ValueError:
        raise DocumentError("not an instant", where=path, remedy="ask the carrier what changed") from None
