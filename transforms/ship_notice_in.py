"""856 to ShipmentNotice. Source: X12 004010 and 005010, 856; one file of config/partners for each sender."""

from engine.sdk import DocumentError, ShipmentNotice, TransactionSet, shipment_notice_from_856


def transform(notice_856: TransactionSet) -> ShipmentNotice:
    made = shipment_notice_from_856(notice_856)
    if notice_856.supplier_number and made.supplier_number != notice_856.supplier_number:
        remedy = "call the supplier under the number that you have from before"
        raise DocumentError("it names another supplier than its sender", where="N104", remedy=remedy)
    return made
