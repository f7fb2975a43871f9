"""A supplier as an onboarding tool asks for it, to Supplier. Source: docs/site.md, "Supplier requests".

The tool knows its own number only: ours is made of both, so that no tool ever writes another one's supplier. Whether
it may be used is decided by people; nothing in the request can say so.
"""

from engine.sdk import (
    Address,
    Guarded,
    Identifier,
    JsonMessage,
    Lookup,
    Supplier,
    SupplierStatus,
    TaxIdentifier,
    TaxIdentifierType,
)

SCHEMES = {"duns": "DUNS", "gln": "GLN", "hin": "HIN"}


def transform(message: JsonMessage, onboarding_tools: Lookup) -> Supplier:
    tool, local = message.require("tool"), message.require("number")
    return Supplier(
        supplier_number=f"{onboarding_tools[tool]}-{local}",
        name=message.require("name"),
        legal_name=message.get("legal_name"),
        email=message.get("email"),
        address=address(message),
        tax_identifiers=tax_identifiers(message),
        identifiers=tuple(
            Identifier(scheme=scheme, value=message.require(f"identifiers.{key}"))
            for key, scheme in SCHEMES.items()
            if message.get(f"identifiers.{key}")
        ),
        status=SupplierStatus.ONBOARDING,
        requested_by=message.require("requested_by"),
        system_numbers=(Identifier(scheme=tool, value=local),),
    )


def tax_identifiers(message: JsonMessage) -> tuple[TaxIdentifier, ...]:
    number = message.get("ein")
    return (TaxIdentifier(type=TaxIdentifierType.EIN, value=Guarded(number)),) if number else ()


def address(message: JsonMessage) -> Address | None:
    if not message.get("address.street"):
        return None
    return Address(
        street=message.get("address.street"),
        city=message.get("address.city"),
        state=message.get("address.state"),
        postal_code=message.get("address.postal_code"),
        country=message.get("address.country") or "US",
    )
