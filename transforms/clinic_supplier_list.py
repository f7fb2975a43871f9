"""A row of a clinic's list to Supplier. Source: config/layouts/clinic_suppliers.yaml.

Our number is made of the clinic's prefix and its own number, as for requests of onboarding tools.
"""

from engine.sdk import (
    Address,
    Guarded,
    Identifier,
    Lookup,
    Row,
    Supplier,
    SupplierStatus,
    TabularMessage,
    TaxIdentifier,
    TaxIdentifierType,
)


def transform(message: TabularMessage, onboarding_tools: Lookup) -> Supplier:
    row = message.row
    clinic, local = row.text("clinic"), row.text("number")
    ein = row.get("ein")
    return Supplier(
        supplier_number=f"{onboarding_tools[clinic]}-{local}",
        name=row.text("name"),
        address=address(row),
        tax_identifiers=(TaxIdentifier(type=TaxIdentifierType.EIN, value=Guarded(ein)),) if ein else (),
        status=SupplierStatus.ONBOARDING,
        requested_by=row.text("requested_by"),
        system_numbers=(Identifier(scheme=clinic, value=local),),
    )


def address(row: Row) -> Address | None:
    if not row.get("street"):
        return None
    return Address(
        street=row.get("street"),
        city=row.get("city"),
        state=row.get("state"),
        postal_code=row.get("postal_code"),
        country="US",
    )
