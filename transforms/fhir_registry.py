"""The registry's devices and places. Sources: hl7.org/fhir/R4 and R5, device.html and location.html.

- Device: what the item behind its UDI is: identifier of its model, manufacturer, model number, whether lots and serials
  are tracked. A device of a patient is a piece that was used: not the registry's, and not read.
- Location: a place that stock lies at, as a value of the dimension `location`.
"""

from engine.sdk import (
    Dimension,
    DocumentError,
    FhirMessage,
    Filtered,
    Identifier,
    IsthmusError,
    Item,
    Lookup,
    Udi,
    parse_udi,
)

PLACES, FACILITIES = "https://registry.harbor.example/places", "https://registry.harbor.example/facilities"
GONE = ("inactive", "entered-in-error")


def transform(message: FhirMessage, device_items: Lookup) -> Item | Dimension | Filtered:
    if message.type == "Location":
        return location(message)
    if message.values("patient"):
        return Filtered("a device of a patient")
    return item(message, device_items)


def item(message: FhirMessage, device_items: Lookup) -> Item:
    carrier = carrier_of(message)
    identifier = message.get("udiCarrier.deviceIdentifier") or (carrier.device_identifier if carrier else None)
    if identifier is None:
        raise DocumentError("no UDI says which device it is", where=message.where("udiCarrier"))
    if carrier is not None and carrier.device_identifier not in (None, identifier):
        raise DocumentError("the carrier is of another device", where=message.where("udiCarrier.deviceIdentifier"))
    return Item(
        item_number=device_items[identifier],
        description=message.get("deviceName.name") or message.require("name.value"),
        manufacturer=message.get("manufacturer"),
        manufacturer_item_number=message.get("modelNumber") or message.get("partNumber"),
        device_identifier=identifier,
        identifiers=(Identifier(scheme="UDI_DI", value=identifier),),
        tracks_lot=bool(message.get("lotNumber") or (carrier and carrier.lot)),
        tracks_serial=bool(message.get("serialNumber") or (carrier and carrier.serial)),
        active=message.get("status") not in GONE,
    )


def carrier_of(message: FhirMessage) -> Udi | None:
    text = message.get("udiCarrier.carrierHRF")
    try:
        return parse_udi(text) if text else None
    except IsthmusError as error:
        raise DocumentError("the carrier is no UDI", where=message.where("udiCarrier.carrierHRF")) from error


def location(message: FhirMessage) -> Dimension:
    return Dimension(
        type="location",
        code=message.require_identifier(PLACES),
        name=message.require("name"),
        parent=message.identifier(PLACES, path="partOf.identifier"),
        facility=message.identifier(FACILITIES, path="managingOrganization.identifier"),
        active=message.get("status") not in ("inactive", "suspended"),
    )
