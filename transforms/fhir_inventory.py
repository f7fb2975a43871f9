"""An InventoryReport to counts or adjustments. Source: https://hl7.org/fhir/R5/inventoryreport.html (R5 has it first).

- countType snapshot: what lies at a place; each item becomes a count. No InventoryLevel is made of it: a report knows
  no par and no order point, and a level without them would take away those that the inventory system gave.
- countType difference: by how much it changed since; each becomes an adjustment. A subtraction is below zero however
  the cabinet writes it; which delivery or use it was, the report does not say.

A place without a number of its own, or an item that nobody knows here, is HELD: stock is never booked somewhere.
"""

from engine.sdk import (
    DocumentError,
    FhirElement,
    FhirMessage,
    Filtered,
    InventoryMovement,
    Lookup,
    MovementKind,
    Quantity,
    datetime,
)

ITEMS, PLACES = "https://cabinets.harbor.example/items", "https://cabinets.harbor.example/places"
FACILITY = "HARBOR-MAIN"


def transform(message: FhirMessage, items: Lookup) -> tuple[InventoryMovement, ...] | Filtered:
    if message.get("status") != "active":
        return Filtered("no report that holds")
    movements = tuple(
        movement(message, listing, item, f"{n}.{m}", items)
        for n, listing in enumerate(message.each("inventoryListing"), 1)
        for m, item in enumerate(listing.each("item"), 1)
    )
    if is_count(message):
        refuse_twice(movements, message)
    return movements or Filtered("nothing was counted")


def is_count(message: FhirMessage) -> bool:
    kind = message.require("countType")
    if kind not in ("snapshot", "difference"):
        raise DocumentError("neither a snapshot nor a difference", where=message.where("countType"))
    return kind == "snapshot"


def movement(
    message: FhirMessage, listing: FhirElement, item: FhirElement, position: str, items: Lookup
) -> InventoryMovement:
    number, count = message.require_identifier(), is_count(message)
    return InventoryMovement(
        movement_number=f"{number}/{position}",
        movement_kind=MovementKind.COUNT if count else MovementKind.ADJUSTMENT,
        item_number=items[item.require_code("item", ITEMS)],
        location=place(listing),
        quantity=counted(item) if count else changed(item, message.code("operationType")),
        moved_at=at(message, listing),
        facility=FACILITY,
        source_kind="InventoryReport",
        source_key=number,
        reason=message.code("operationTypeReason"),
    )


def counted(item: FhirElement) -> Quantity:
    quantity = item.quantity("quantity")
    if quantity.amount < 0:
        raise DocumentError("less than nothing cannot lie there", where=item.where("quantity"))
    return quantity


def changed(item: FhirElement, operation: str | None) -> Quantity:
    quantity = item.quantity("quantity")
    sign = -1 if operation == "subtraction" and quantity.amount > 0 else 1
    return Quantity(amount=quantity.amount * sign, unit=quantity.unit)


def place(listing: FhirElement) -> str:
    return listing.require_identifier(PLACES, path="location.identifier")


def at(message: FhirMessage, listing: FhirElement) -> datetime:
    if listing.get("countingDateTime"):
        return listing.moment("countingDateTime")
    return message.moment("reportedDateTime")


def refuse_twice(counts: tuple[InventoryMovement, ...], message: FhirMessage) -> None:
    """The second of two counts of one item at one place would hide the first."""
    places = [(one.location, one.item_number) for one in counts]
    if len(set(places)) != len(places):
        raise DocumentError("an item is counted twice at one place", where=message.where("inventoryListing"))
