"""A Claim to the supply charges in it. Source: https://hl7.org/fhir/R4/claim.html, https://hl7.org/fhir/R5/claim.html.

Only items with a charge code of a supply are read; services of people are none of ours. Of the patient, diagnoses and
procedures nothing is read: a charge names the visit and the account number. A line must add up exactly before it
counts: unit price by quantity by factor, and the tax of R5, is its net.
"""

from engine.sdk import ChargeEvent, Decimal, DocumentError, FhirElement, FhirMessage, Filtered, Lookup, Quantity

CHARGES, VISITS = "https://clinic.harbor.example/charges", "https://clinic.harbor.example/visits"
ACCOUNTS = "https://clinic.harbor.example/accounts"
FACILITY = "HARBOR-CLINIC"


def transform(message: FhirMessage, charge_codes: Lookup) -> tuple[ChargeEvent, ...] | Filtered:
    if message.get("status") != "active" or message.get("use") != "claim":
        return Filtered("no claim that holds")
    charges = [charge(message, one, charge_codes) for one in message.each("item") if is_supply(one, charge_codes)]
    return tuple(charges) or Filtered("no supply is claimed")


def is_supply(one: FhirElement, charge_codes: Lookup) -> bool:
    code = one.code("productOrService", CHARGES)
    return code is not None and charge_codes.get(code) is not None


def charge(message: FhirMessage, one: FhirElement, charge_codes: Lookup) -> ChargeEvent:
    code, sequence = one.require_code("productOrService", CHARGES), one.require("sequence")
    quantity, net = one.quantity("quantity"), one.money("net")
    if quantity.amount <= 0:
        raise DocumentError("a quantity must be above zero", where=one.where("quantity"))
    check(one, quantity, net.amount)
    return ChargeEvent(
        charge_number=f"{message.require_identifier()}/{sequence}",
        charge_code=code,
        charged_at=message.moment("created"),
        quantity=quantity,
        amount=net,
        item_number=charge_codes[code],
        facility=FACILITY,
        visit_number=one.identifier(VISITS, path="encounter.identifier")
        or message.identifier(VISITS, path="encounter.identifier"),
        account_number=message.identifier(ACCOUNTS),
    )


def check(one: FhirElement, quantity: Quantity, net: Decimal) -> None:
    factor = one.number("factor") if one.get("factor") else Decimal(1)
    tax = one.money("tax").amount if one.first("tax") else Decimal(0)
    if one.money("unitPrice").amount * quantity.amount * factor + tax != net:
        raise DocumentError("the line does not add up", where=one.where("net"))
