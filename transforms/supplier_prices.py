"""A row of a supplier's price list to Item. Source: config/layouts/supplier_prices.yaml.

The price is of one `unit`; for boxes and cases it stands at the step of the packaging ladder, and the item's own
unit stays EA.
"""

from engine.sdk import Decimal, DocumentError, Item, Money, Packaging, TabularMessage


def transform(message: TabularMessage) -> Item:
    row = message.row
    price, contains = Money(amount=row.number("price")), row.integer("per_unit")
    if price.amount <= 0:
        raise DocumentError("a list price is above zero", where=row.where, remedy="ask the supplier for a new list")
    if contains < 1 or (row.text("unit") == "EA" and contains != 1):
        raise DocumentError("so many to a unit cannot be", where=row.where, remedy="ask the supplier for a new list")
    packed = row.text("unit") != "EA"
    step = Packaging(unit=row.text("unit"), contains=Decimal(contains), price=price)
    return Item(
        item_number=row.text("item_number"),
        description=row.text("description"),
        supplier_number=row.text("supplier_number"),
        supplier_item_number=row.text("supplier_item_number"),
        packaging=(step,) if packed else (),
        cost_price=None if packed else price,
    )
