"""Rows of the clinic's order sheet to one Requisition. Source: config/layouts/clinic_order_sheet.yaml.

One message is the rows of one requisition number. The item code is the hospital's; an unknown one is HELD.
"""

from engine.sdk import DocumentError, Lookup, Quantity, Requisition, RequisitionLine, Row, TabularMessage


def transform(message: TabularMessage, items: Lookup, departments: Lookup) -> Requisition:
    return Requisition(
        requisition_number=message.rows[0].text("requisition"),
        facility="HARBOR-CLINIC",
        lines=tuple(line(number, row, items, departments) for number, row in enumerate(message.rows, 1)),
    )


def line(number: int, row: Row, items: Lookup, departments: Lookup) -> RequisitionLine:
    if row.integer("quantity") < 1:
        raise DocumentError("a quantity is at least one", where=f"{row.where}, quantity", remedy="ask the clinic")
    return RequisitionLine(
        number=number,
        item_number=items[row.text("item")],
        description=row.get("description"),
        quantity=Quantity(amount=row.number("quantity"), unit=row.text("unit")),
        cost_center=departments[row.text("department")],
        needed_by=row.date("wanted_by") if row.get("wanted_by") else None,
    )
