"""The clinic's FHIR resources to requisitions, receipts, consumption, visits and accounts.

R4 and R5 in one: where R5 moved something, both places are looked at. Sources: hl7.org/fhir/R4, hl7.org/fhir/R5.

- SupplyRequest: one requisition of one line. Only an active one is a wish; drafts and cancelled ones are not ours.
- DeviceRequest: the same for a device, told by its item or by the UDI of the Device it names. R4 says no quantity: one.
- SupplyDelivery: to a patient it was used; else it is the receipt of the order line that `basedOn` names (ORDER/LINE).
- ChargeItem: what was charged was used. The price is the patient's, not our cost, so no money is booked from it.
- Procedure, DeviceUseStatement and DeviceUsage (R5): the devices they name, told by their UDI, in the same bundle.
- Encounter: the visit's number, class and dates, and the accounts it is charged to. Nothing else about the patient
  leaves this channel.
"""

from engine.sdk import (
    Consumption,
    ConsumptionLine,
    Decimal,
    Document,
    DocumentError,
    FhirElement,
    FhirMessage,
    Filtered,
    Lookup,
    PatientAccount,
    Quantity,
    Receipt,
    ReceiptLine,
    Requisition,
    RequisitionLine,
    Udi,
    Urgency,
    VisitContext,
    parse_udi,
)

ITEMS, CHARGES = "https://clinic.harbor.example/items", "https://clinic.harbor.example/charges"
DEPARTMENTS, VISITS = "https://clinic.harbor.example/departments", "https://clinic.harbor.example/visits"
SUPPLIERS = "https://clinic.harbor.example/suppliers"
URGENCY = {"urgent": Urgency.URGENT, "asap": Urgency.URGENT, "stat": Urgency.STAT}
ACCOUNTS = "https://clinic.harbor.example/accounts"
CLASSES = {"AMB": "O", "EMER": "E", "IMP": "I", "ACUTE": "I", "NONAC": "I", "SS": "O", "OBSENC": "B", "PRENC": "P"}
USES = ("Procedure", "DeviceUseStatement", "DeviceUsage")
ORDERED = ("order", "original-order", "filler-order", "instance-order")  # proposals and plans are no wish yet
WHEN = (
    *("performedPeriod.end", "performedDateTime", "occurrencePeriod.end", "occurrenceDateTime"),
    *("timingPeriod.end", "timingDateTime", "recordedOn", "dateAsserted"),
)
FACILITY = "HARBOR-CLINIC"


def transform(
    message: FhirMessage, items: Lookup, departments: Lookup, charge_codes: Lookup, device_items: Lookup
) -> tuple[Document, ...] | Filtered:
    documents: list[Document] = []
    for one in message.entries():
        kind = one.require("resourceType")
        if kind == "SupplyRequest" and one.get("status") == "active":
            documents.append(requisition(one, request_line(one, items, departments)))
        elif kind == "DeviceRequest" and one.get("status") == "active" and one.get("intent") in ORDERED:
            documents.append(requisition(one, device_request_line(one, items, departments, device_items)))
        elif kind == "SupplyDelivery" and one.get("status") == "completed":
            documents.append(used(one, items) if one.values("patient") else receipt(one, items))
        elif kind == "ChargeItem" and one.get("status") in ("billable", "billed"):
            documents.append(charged(one, charge_codes, departments))
        elif kind in USES and one.get("status") == "completed":
            documents += implanted(one, device_items)
        elif kind == "Encounter":
            documents += (visit(one), *accounts(one))
    return tuple(documents) or Filtered("nothing in it was asked for, delivered, charged or used")


def requisition(one: FhirElement, line: RequisitionLine) -> Requisition:
    return Requisition(
        requisition_number=one.require_identifier(),
        facility=FACILITY,
        requested_on=one.date("authoredOn") if one.get("authoredOn") else None,
        urgency=URGENCY.get(one.get("priority") or "routine", Urgency.ROUTINE),
        lines=(line,),
    )


def request_line(one: FhirElement, items: Lookup, departments: Lookup) -> RequisitionLine:
    place = one.identifier(DEPARTMENTS, path="deliverTo.identifier")
    return RequisitionLine(
        number=1,
        item_number=items[one.require_code("item", ITEMS)],
        description=one.text("item"),
        quantity=above_zero(one, "quantity"),
        needed_by=one.date("occurrenceDateTime") if one.get("occurrenceDateTime") else None,
        cost_center=departments[place] if place else None,
        deliver_to=place,
    )


def device_request_line(one: FhirElement, items: Lookup, departments: Lookup, device_items: Lookup) -> RequisitionLine:
    """Whom it is for stays here; a place that it is for is where it goes."""
    place, device = one.identifier(DEPARTMENTS, path="subject.identifier"), one.resolve("code")
    return RequisitionLine(
        number=1,
        item_number=items[one.require_code("code", ITEMS)] if device is None else known_device(device, device_items),
        description=one.text("code"),
        quantity=Quantity(amount=whole_number(one, "quantity")),
        needed_by=one.date("occurrenceDateTime") if one.get("occurrenceDateTime") else None,
        cost_center=departments[place] if place else None,
        deliver_to=place,
    )


def whole_number(one: FhirElement, path: str) -> Decimal:
    amount = one.number(path) if one.get(path) else Decimal(1)
    if amount <= 0:
        raise DocumentError("a quantity must be above zero", where=one.where(path))
    return amount


def known_device(device: FhirElement, device_items: Lookup) -> str:
    identifier = device.get("udiCarrier.deviceIdentifier") or carrier_of(device).device_identifier
    if identifier is None:
        raise DocumentError("the UDI names no device", where=device.where("udiCarrier"))
    return device_items[identifier]


def receipt(one: FhirElement, items: Lookup) -> Receipt:
    if len(one.values("suppliedItem")) > 1:
        raise DocumentError("several items for one order line", where=one.where("suppliedItem"))
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
    number, supplied = one.require_identifier(), one.each("suppliedItem")
    return Consumption(
        consumption_number=number,
        used_at=one.moment("occurrenceDateTime"),
        facility=FACILITY,
        department=one.identifier(DEPARTMENTS, path="destination.identifier"),
        lines=tuple(
            ConsumptionLine(
                number=position,
                transaction_id=number if len(supplied) == 1 else f"{number}/{position}",
                item_number=items[item.require_code("item", ITEMS)],
                quantity=above_zero(item, "quantity"),
            )
            for position, item in enumerate(supplied, 1)
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
        visit_number=visit_of(one),
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


def visit_of(one: FhirElement) -> str | None:
    """Of a ChargeItem and a use it stands in `context` (R5 has some in `encounter`), of a Procedure in `encounter`."""
    return one.identifier(VISITS, path="encounter.identifier") or one.identifier(VISITS, path="context.identifier")


def implanted(one: FhirElement, device_items: Lookup) -> list[Consumption]:
    """One consumption of the devices that are named; none when no device is."""
    lines = tuple(device_line(n, reference, device_items) for n, reference in enumerate(devices(one), 1))
    if not lines:
        return []
    when = next((path for path in WHEN if one.get(path)), "performedDateTime")
    return [
        Consumption(
            consumption_number=one.require_identifier(),
            used_at=one.moment(when),
            facility=FACILITY,
            visit_number=visit_of(one),
            lines=lines,
        )
    ]


def devices(one: FhirElement) -> list[FhirElement]:
    """References. What a procedure used without naming a Device is no device of ours: a code alone tells no piece."""
    if one.get("resourceType") != "Procedure":
        return list(one.each("device"))
    named = one.each("used") if "used" in one.tree else one.each("usedReference")
    return [*one.each("focalDevice.manipulated"), *(used for used in named if reference_of(used))]


def reference_of(element: FhirElement) -> bool:
    return element.first("reference") is not None or element.get("reference") is not None


def carrier_of(device: FhirElement) -> Udi:
    return parse_udi(device.require("udiCarrier.carrierHRF"))


def device_line(number: int, reference: FhirElement, device_items: Lookup) -> ConsumptionLine:
    """The carrier says which device it was; what stands beside it must say the same."""
    device = reference.resolve()
    if device is None:
        raise DocumentError(
            "the device is not in the bundle", where=reference.place, remedy="ask for it to be sent along"
        )
    carrier = carrier_of(device)
    for path, told in (("lotNumber", carrier.lot), ("serialNumber", carrier.serial)):
        if told and device.get(path) not in (None, told):
            raise DocumentError("the device says another one than its UDI", where=device.where(path))
    if carrier.device_identifier is None:
        raise DocumentError("the UDI names no device", where=device.where("udiCarrier.carrierHRF"))
    return ConsumptionLine(
        number=number,
        item_number=device_items[carrier.device_identifier],
        description=device.get("deviceName.name") or device.get("name.value"),
        quantity=Quantity(amount=carrier.quantity or 1),
        lot=carrier.lot or device.get("lotNumber"),
        serial=carrier.serial or device.get("serialNumber"),
        expires_on=carrier.expires_on,
        udi=device.require("udiCarrier.carrierHRF"),
        device_identifier=carrier.device_identifier,
    )


def visit(one: FhirElement) -> VisitContext:
    start, end = (f"{period(one)}.{name}" for name in ("start", "end"))
    return VisitContext(
        visit_number=one.require_identifier(VISITS),
        event=one.require("status"),
        facility=FACILITY,
        department=one.identifier(DEPARTMENTS, path="location.location.identifier"),
        patient_class=one.code("class"),
        admitted_at=one.moment(start) if one.get(start) else None,
        discharged_at=one.moment(end) if one.get(end) else None,
    )


def accounts(one: FhirElement) -> tuple[PatientAccount, ...]:
    """That they exist, for charges to be posted by. Whether one is closed, the visit does not say."""
    visit_number, start = one.require_identifier(VISITS), f"{period(one)}.start"
    numbers = (account.identifier(ACCOUNTS, path="identifier") for account in one.each("account"))
    return tuple(
        PatientAccount(
            account_number=number,
            facility=FACILITY,
            patient_class=CLASSES.get(one.code("class") or ""),
            visit_numbers=(visit_number,),
            opened_on=one.date(start) if one.get(start) else None,
        )
        for number in numbers
        if number
    )


def period(one: FhirElement) -> str:
    return "actualPeriod" if one.get("actualPeriod.start") else "period"


def above_zero(one: FhirElement, path: str) -> Quantity:
    quantity = one.quantity(path)
    if quantity.amount <= 0:
        raise DocumentError("a quantity must be above zero", where=one.where(path))
    return quantity
