"""What the supplier desk decides about masters: two numbers become one, or two again; a master with its bank accounts.

Source: docs/site.md, "Supplier desk". A decision alone changes nothing: another person approves it first.
"""

from datetime import datetime

from engine.sdk import (
    Address,
    BankAccount,
    DocumentError,
    Guarded,
    Identifier,
    JsonMessage,
    Supplier,
    SupplierMerge,
    SupplierStatus,
    TaxIdentifier,
    TaxIdentifierType,
)

VERBS = {"merge": True, "split": False}


def transform(message: JsonMessage) -> SupplierMerge | Supplier:
    kind = message.require("kind")
    if kind in VERBS:
        return merge(message, active=VERBS[kind])
    if kind == "master":
        return master(message)
    raise DocumentError("neither merge, split nor master", where="kind", remedy="ask the supplier desk")


def merge(message: JsonMessage, *, active: bool) -> SupplierMerge:
    return SupplierMerge(
        absorbed_number=message.require("ends"),
        survivor_number=message.require("goes_on"),
        requested_by=message.require("person"),
        requested_at=datetime.fromisoformat(message.require("at")),
        active=active,
        reason=message.get("reason"),
    )


def master(message: JsonMessage) -> Supplier:
    """All of it: what the desk leaves out is not there any more."""
    ein = message.get("ein")
    return Supplier(
        supplier_number=message.require("number"),
        name=message.require("name"),
        legal_name=message.get("legal_name"),
        address=Address(
            street=message.get("address.street"),
            city=message.get("address.city"),
            state=message.get("address.state"),
            postal_code=message.get("address.postal_code"),
            country=message.get("address.country") or "US",
        ),
        tax_identifiers=(TaxIdentifier(type=TaxIdentifierType.EIN, value=Guarded(ein)),) if ein else (),
        status=SupplierStatus.ONBOARDING,
        requested_by=message.require("person"),
        system_numbers=tuple(
            Identifier(scheme=one.require("system"), value=one.require("number")) for one in message.all("systems")
        ),
        bank_accounts=tuple(account(one, message.require("person")) for one in message.all("accounts")),
    )


def account(one: JsonMessage, person: str) -> BankAccount:
    return BankAccount(
        code=one.require("code"),
        routing_number=one.require("routing_number"),
        account_number=Guarded(one.require("account_number")),
        holder=one.get("holder"),
        changed_by=person,
    )
