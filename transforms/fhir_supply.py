"""The clinic's FHIR resources to requisitions, receipts, consumption and visits. Source: hl7.org/fhir/R4.

- SupplyRequest: one requisition of one line. Only an active one is a wish; drafts and cancelled ones are not ours.
- SupplyDelivery: to a patient it was used; else it is the receipt of the order line that `basedOn` names (ORDER/LINE).
- ChargeItem: what was charged was used. The price is the patient's, not our cost, so no money is booked from it.
- Procedure and DeviceUseStatement: the devices they name, told by their UDI. They stand in the same bundle.
- Encounter: the visit's number, class and dates. Nothing else about the patient leaves this channel.
"""

from engine.sdk import (
    Consumption,
    ConsumptionLine,
    Document,
    DocumentError,
    FhirElement,
    FhirMessage,
    Filtered,
    Lookup,
    Quantity,
    Receipt,
    ReceiptLine,
    Requisition,
    RequisitionLine,
    Urgency,
    VisitContext,
    parse_udi,
)

ITEMS, CHARGES = "https://clinic.harbor.example/items", "https://clinic.harbor.example/charges"
DEPARTMENTS, VISITS = "https://clinic.harbor.example/departments", "https://clinic.harbor.example/visits"
SUPPLIERS = "https://clinic.harbor.example/suppliers"
URGENCY = {"urgent": Urgency.URGENT, "asap": Urgency.URGENT, "stat": Urgency.STAT}
FACILITY = "HARBOR-CLINIC"


def transform(
    message: FhirMessage, items: Lookup, departments: Lookup, charge_codes: Lookup, device_items: Lookup
) -> tuple[Document, ...] | Filtered:
    documents: list[Document] = []
    for one in message.entries():
        kind = one.require("resourceType")
        if kind == "SupplyRequest" and one.get("status") == "active":
            documents.append(requisition(one, items, departments))
        elif kind == "SupplyDelivery" and one.get("status") == "completed":
            documents.append(used(one, items) if one.values("patient") else receipt(one, items))
        elif kind == "ChargeItem" and one.get("status") in ("billable", "billed"):
            documents.append(charged(one, charge_codes, departments))
        elif kind in ("Procedure", "DeviceUseStatement") and one.get("status") == "completed":
            documents += implanted(one, device_items)
        elif kind == "Encounter":
            documents.append(visit(one))
    return tuple(documents) or Filtered("nothing in it was asked for, delivered, charged or used")


def requisition(one: FhirElement, items: Lookup, departments: Lookup) -> Requisition:
    place = one.identifier(DEPARTMENTS, path="deliverTo.identifier")
    return Requisition(
        requisition_number=one.require_identifier(),
        facility=FACILITY,
        requested_on=one.date("authoredOn") if one.get("authoredOn") else None,
        urgency=URGENCY.get(one.get("priority") or "routine", Urgency.ROUTINE),
        lines=(
            RequisitionLine(
                number=1,
                item_number=items[one.require_code("item", ITEMS)],
                description=one.text("item"),
                quantity=above_zero(one, "quantity"),
                needed_by=one.date("occurrenceDateTime") if one.get("occurrenceDateTime") else None,
                cost_center=departments[place] if place else None,
                deliver_to=place,
            ),
        ),
    )


def receipt(one: FhirElement, items: Lookup) -> Receipt:
    order, slash, line = one.require_identifier(path="basedOn.identifier").rpartition("/")
    if not slash or not line.isdigit():
        raise DocumentError("the order line is not named as ORDER/LINE", where=one.where("basedOn.identifier.value"))
    return Receipt(
        receipt_number=one.require_identifier(),
        order_number=order,
        supplier_number=one.require_identifier(SUPPLIERS, path="supplier.identifier"),
        received_on=one.date("occurrenceDateTime"),
        lines=(
            ReceiptLine(
                order_line_number=int(line),
                item_number=items[one.require_code("suppliedItem.item", ITEMS)],
                quantity=above_zero(one, "suppliedItem.quantity"),
            ),
        ),
    )


def used(one: FhirElement, items: Lookup) -> Consumption:
    number = one.require_identifier()
    return Consumption(
        consumption_number=number,
        used_at=one.moment("occurrenceDateTime"),
        facility=FACILITY,
        department=one.identifier(DEPARTMENTS, path="destination.identifier"),
        lines=(
            ConsumptionLine(
                number=1,
                transaction_id=number,
                item_number=items[one.require_code("suppliedItem.item", ITEMS)],
                quantity=above_zero(one, "suppliedItem.quantity"),
            ),
        ),
    )


def charged(one: FhirElement, charge_codes: Lookup, departments: Lookup) -> Consumption:
    number, code = one.require_identifier(), one.require_code("code", CHARGES)
    department = one.require_identifier(DEPARTMENTS, path="performingOrganization.identifier")
    return Consumption(
        consumption_number=number,
        used_at=one.moment("occurrenceDateTime"),
        facility=FACILITY,
        department=department,
        visit_number=one.identifier(VISITS, path="context.identifier"),
        lines=(
            ConsumptionLine(
                number=1,
                transaction_id=number,
                charge_code=code,
                item_number=charge_codes[code],
                description=one.text("code"),
                quantity=above_zero(one, "quantity"),
                cost_center=departments[department],
            ),
        ),
    )


def implanted(one: FhirElement, device_items: Lookup) -> list[Consumption]:
    """One consumption of the devices that are named; none when no device is."""
    procedure = one.get("resourceType") == "Procedure"
    named = [*one.each("focalDevice.manipulated"), *one.each("usedReference")] if procedure else one.each("device")
    lines = tuple(device_line(n, reference, device_items) for n, reference in enumerate(named, 1))
    if not lines:
        return []
    when = next((path for path in ("performedPeriod.end", "performedDateTime", "recordedOn") if one.get(path)), None)
    number = one.require_identifier()
    visit_number = one.identifier(VISITS, path="encounter.identifier")
    used_at = one.moment(when or "performedDateTime")
    return [
        Consumption(
            consumption_number=number, used_at=used_at, facility=FACILITY, visit_number=visit_number, lines=lines
        )
    ]


def device_line(number: int, reference: FhirElement, device_items: Lookup) -> ConsumptionLine:
    """The carrier says which device it was; what stands beside it must say the same."""
    device = reference.resolve()
    if device is None:
        raise DocumentError(
            "the device is not in the bundle", where=reference.place, remedy="ask for it to be sent along"
        )
    carrier = parse_udi(device.require("udiCarrier.carrierHRF"))
    for path, told in (("lotNumber", carrier.lot), ("serialNumber", carrier.serial)):
        if told and device.get(path) not in (None, told):
            raise DocumentError("the device says another one than its UDI", where=device.where(path))
    if carrier.device_identifier is None:
        raise DocumentError("the UDI names no device", where=device.where("udiCarrier.carrierHRF"))
    return ConsumptionLine(
        number=number,
        item_number=device_items[carrier.device_identifier],
        description=device.get("deviceName.name"),
        quantity=Quantity(amount=carrier.quantity or 1),
        lot=carrier.lot or device.get("lotNumber"),
        serial=carrier.serial or device.get("serialNumber"),
    )


def visit(one: FhirElement) -> VisitContext:
    return VisitContext(
        visit_number=one.require_identifier(VISITS),
        event=one.require("status"),
        facility=FACILITY,
        department=one.identifier(DEPARTMENTS, path="location.location.identifier"),
        patient_class=one.code("class"),
        admitted_at=one.moment("period.start") if one.get("period.start") else None,
        discharged_at=one.moment("period.end") if one.get("period.end") else None,
    )


def above_zero(one: FhirElement, path: str) -> Quantity:
    quantity = one.quantity(path)
    if quantity.amount <= 0:
        raise DocumentError("a quantity must be above zero", where=one.where(path))
    return quantity
