"""A purchase order for people: each line says in words what is ordered, with the supplier's own number before it.

It carries items, prices and days; nothing of a patient is ever in an order.
"""

from engine.sdk import DocumentError, JsonMessage, OrderLine, PurchaseOrder


def transform(message: JsonMessage) -> PurchaseOrder:
    order = PurchaseOrder.model_validate(message.value)
    return order.model_copy(update={"lines": tuple(in_words(line, order) for line in order.lines)})


def in_words(line: OrderLine, order: PurchaseOrder) -> OrderLine:
    """The order's day where the line has none of its own."""
    if not line.description:
        remedy = "describe the item in the ERP: the supplier has no catalogue of ours"
        place = f"lines.{line.number}.description"
        raise DocumentError("nobody could read what is ordered", where=place, remedy=remedy)
    theirs = next((one.value for one in line.identifiers if one.scheme == "VENDOR_ITEM"), None)
    words = f"{theirs}: {line.description}" if theirs else line.description
    return line.model_copy(update={"description": words, "needed_by": line.needed_by or order.needed_by})
