"""846 to InventoryLevel. Source: X12 004010 and 005010, 846; one file of config/partners for each sender.

What a supplier reports at a place of ours is its own until it is used; what lies in its warehouses stands under its
number, so that it never counts as our stock.
"""

from engine.sdk import DocumentError, InventoryLevel, TransactionSet, inventory_levels_from_846


def transform(report_846: TransactionSet) -> tuple[InventoryLevel, ...]:
    levels = inventory_levels_from_846(report_846)
    return tuple(level(one, report_846.supplier_number, n) for n, one in enumerate(levels, 1))


def level(one: InventoryLevel, sender: str | None, number: int) -> InventoryLevel:
    if sender and one.supplier_number != sender:
        remedy = "call the supplier under the number that you have from before"
        raise DocumentError("it names another supplier than its sender", where="REF IA", remedy=remedy)
    if one.on_hand.amount < 0:
        raise DocumentError("less than nothing cannot lie there", where=f"QTY02[{number}]")
    theirs = one.location.startswith(f"{one.supplier_number}/")
    return one.model_copy(update={"consignment": not theirs})
