"""DFT^P03 to ChargeEvent, one per supply charge. Source: HL7 v2.5.1 chapter 6 (FT1).

Only supplies (revenue code family 027x): nobody takes a room out of a cabinet. Sender and FT1-2 name the charge. A
credit (CD) names the charge that it takes back (FT1-31).
"""

from engine.sdk import ChargeEvent, ChargeKind, DocumentError, Filtered, Hl7Message, Lookup, Money, Quantity, Segment

SUPPLIES = "027"
KINDS = {"CG": ChargeKind.CHARGE, "CD": ChargeKind.CREDIT}


def transform(message: Hl7Message, charge_codes: Lookup, departments: Lookup) -> tuple[ChargeEvent, ...] | Filtered:
    ours = [ft1 for ft1 in message.all("FT1") if ft1.require("6") in KINDS and ft1.require("7.1").startswith(SUPPLIES)]
    if not ours:
        return Filtered("no supply charge in it")
    return tuple(event(message, ft1, charge_codes, departments) for ft1 in ours)


def event(message: Hl7Message, ft1: Segment, charge_codes: Lookup, departments: Lookup) -> ChargeEvent:
    facility, kind = message.require("MSH-4.1"), KINDS[ft1.require("6")]
    if kind is ChargeKind.CREDIT and ft1.get(31) is None:
        raise DocumentError("a credit must name the charge that it takes back", where=ft1.where(31))
    return ChargeEvent(
        charge_number=f"{facility}-{ft1.require(2)}",
        charge_code=ft1.require("7.1"),
        charged_at=ft1.moment(4),
        quantity=Quantity(amount=ft1.number(10), unit="EA"),
        charge_kind=kind,
        visit_number=message.get("PV1-19.1"),
        amount=Money(amount=ft1.number("11.1.1")),
        item_number=charge_codes[ft1.require("7.1")],
        facility=facility,
        department=ft1.require("13.1"),
        cost_center=departments[ft1.require("13.1")],
        reverses=f"{facility}-{ft1.require(31)}" if kind is ChargeKind.CREDIT else None,
    )
