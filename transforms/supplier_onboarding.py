"""The onboarding portal's JSON to Supplier. Source: docs/site.md, "Supplier onboarding".

The supplier number is ours and comes with the request: the portal takes it from the approved vendor list.
"""

from engine.sdk import Address, DocumentError, Identifier, JsonMessage, Supplier

SCHEMES = {"duns": "DUNS", "gln": "GLN", "hin": "HIN"}
LONGEST_TERMS = 120  # days; longer ones are a typing mistake until a person says otherwise


def transform(message: JsonMessage) -> Supplier:
    terms = message.get("payment_terms_days")
    if terms is not None and not 0 <= message.number("payment_terms_days") <= LONGEST_TERMS:
        raise DocumentError("payment terms are outside 0 to 120 days", where="payment_terms_days")
    return Supplier(
        supplier_number=message.require("supplier_number"),
        name=message.require("name"),
        email=message.get("email"),
        payment_terms_days=int(terms) if terms is not None else None,
        address=address(message),
        identifiers=tuple(
            Identifier(scheme=scheme, value=message.require(f"identifiers.{key}"))
            for key, scheme in SCHEMES.items()
            if message.get(f"identifiers.{key}")
        ),
    )


def address(message: JsonMessage) -> Address:
    return Address(
        street=message.get("address.street"),
        city=message.get("address.city"),
        state=message.get("address.state"),
        postal_code=message.get("address.postal_code"),
        country=message.get("address.country") or "US",
    )
