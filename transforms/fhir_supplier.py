"""An Organization of the vendor directory to Supplier. Source: hl7.org/fhir/R5/organization.html.

Our number stands among its identifiers: the directory takes it from the approved vendor list. Without one it is none
of ours. An organization that is not active any more stays a supplier that may not be used.
"""

from engine.sdk import Address, FhirMessage, Filtered, Identifier, Supplier

OURS = "https://harbor.example/suppliers"
SCHEMES = {"https://www.gs1.org/gln": "GLN", "urn:oid:1.3.6.1.4.1.519.1": "DUNS", "https://www.hibcc.org/hin": "HIN"}
TAX = "urn:oid:2.16.840.1.113883.4.4"  # employer identification number


def transform(message: FhirMessage) -> Supplier | Filtered:
    number = message.identifier(OURS)
    if number is None:
        return Filtered("not on the approved vendor list")
    return Supplier(
        supplier_number=number,
        name=message.require("name"),
        tax_identifier=message.identifier(TAX),
        identifiers=tuple(
            Identifier(scheme=scheme, value=value)
            for system, scheme in SCHEMES.items()
            if (value := message.identifier(system)) is not None
        ),
        address=address(message),
        email=contact(message, "email"),
        active=message.get("active") != "false",
    )


def address(message: FhirMessage) -> Address | None:
    """R4 has it on the organization, R5 in its contacts."""
    one = message.first("address") or message.first("contact.address")
    if one is None:
        return None
    return Address(
        street=one.get("line"),
        city=one.get("city"),
        state=one.get("state"),
        postal_code=one.get("postalCode"),
        country=one.get("country") or "US",
    )


def contact(message: FhirMessage, system: str) -> str | None:
    found = (*message.each("telecom"), *message.each("contact.telecom"))
    return next((one.get("value") for one in found if one.get("system") == system), None)
