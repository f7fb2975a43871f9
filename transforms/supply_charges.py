"""DFT^P03 to Consumption, JournalEntry and ChargeEvent, one of each per supply charge. Source: HL7 v2.5.1 ch. 6 (FT1).

The rules of the house:
- Charge codes begin with their revenue code family; 027x are supplies. Everything else is not ours to book.
- Sender and FT1-2 name the transaction, so the same charge in a second message is the same entry in the ERP.
- Quantity times unit price must be the extended amount (FT1-10, 12, 11). If not, a person looks: we do not recompute.
- What we book is cost (FT1-22), not the patient's charge. A credit (CD) names the charge it takes back (FT1-31)
  and turns both sides round.
- The charge itself goes to the process under its code alone: which item was used, cabinets and theatres document.
- The visit number links to the account. Nothing else about the patient leaves this channel.
"""

from engine.sdk import (
    ChargeEvent,
    ChargeKind,
    Consumption,
    ConsumptionLine,
    Decimal,
    DocumentError,
    Filtered,
    Hl7Message,
    JournalEntry,
    JournalLine,
    Lookup,
    Money,
    Quantity,
    Segment,
)

SUPPLIES = "027"  # revenue code family of medical and surgical supplies
SIGN = {"CG": 1, "CD": -1}  # FT1-6: charge, credit; payments and adjustments are not ours


def transform(
    message: Hl7Message, charge_codes: Lookup, departments: Lookup, accounts: Lookup
) -> tuple[Consumption | JournalEntry | ChargeEvent, ...] | Filtered:
    ours = [ft1 for ft1 in message.all("FT1") if ft1.require("6") in SIGN and ft1.require("7.1").startswith(SUPPLIES)]
    if not ours:
        return Filtered("no supply charge in it")
    documents: list[Consumption | JournalEntry | ChargeEvent] = []
    for ft1 in ours:
        check(ft1)
        documents += [consumption(message, ft1, charge_codes, departments), entry(message, ft1, departments, accounts)]
        documents.append(charge(message, ft1, departments))
    return tuple(documents)


def check(ft1: Segment) -> None:
    """Refuse figures that contradict each other, and credits that do not say what they take back."""
    if ft1.number(10) <= 0:
        raise DocumentError("the quantity must be above zero; a credit is FT1-6 CD", where=ft1.where(10))
    if ft1.number(10) * ft1.number("12.1.1") != ft1.number("11.1.1"):
        remedy = "ask the sender which figure is right, edit the message, resend"
        raise DocumentError("quantity times unit price is not the extended amount", where=ft1.where(11), remedy=remedy)
    if ft1.get("6") == "CD" and ft1.get(31) is None:
        raise DocumentError("a credit must name the charge that it takes back", where=ft1.where(31))


def number_of(message: Hl7Message, ft1: Segment) -> str:
    return f"{message.require('MSH-4.1')}-{ft1.require(2)}"


def consumption(message: Hl7Message, ft1: Segment, charge_codes: Lookup, departments: Lookup) -> Consumption:
    code, sign = ft1.require("7.1"), SIGN[ft1.require("6")]
    return Consumption(
        consumption_number=number_of(message, ft1),
        used_at=ft1.moment(4),
        facility=message.require("MSH-4.1"),
        department=ft1.require("13.1"),
        visit_number=message.get("PV1-19.1"),
        lines=(
            ConsumptionLine(
                number=1,
                transaction_id=ft1.require(2),
                charge_code=code,
                item_number=charge_codes[code],
                quantity=Quantity(amount=sign * ft1.number(10), unit="EA"),
                unit_cost=Money(amount=ft1.number("22.1.1")),
                extended=cost(ft1, sign),
                cost_center=departments[ft1.require("13.1")],
            ),
        ),
    )


def charge(message: Hl7Message, ft1: Segment, departments: Lookup) -> ChargeEvent:
    """What was billed. A credit names the charge that it takes back by the sender's number."""
    reverses = ft1.get(31)
    return ChargeEvent(
        charge_number=number_of(message, ft1),
        charge_code=ft1.require("7.1"),
        charged_at=ft1.moment(4),
        quantity=Quantity(amount=ft1.number(10), unit="EA"),
        charge_kind=ChargeKind.CREDIT if ft1.get("6") == "CD" else ChargeKind.CHARGE,
        visit_number=message.get("PV1-19.1"),
        amount=Money(amount=ft1.number("11.1.1")),
        facility=message.require("MSH-4.1"),
        department=ft1.require("13.1"),
        cost_center=departments[ft1.require("13.1")],
        reverses=f"{message.require('MSH-4.1')}-{reverses}" if reverses else None,
    )


def entry(message: Hl7Message, ft1: Segment, departments: Lookup, accounts: Lookup) -> JournalEntry:
    """Supplies expense of the cost center against inventory, at cost."""
    amount, credit = cost(ft1, 1), ft1.require("6") == "CD"
    center, text = departments[ft1.require("13.1")], f"Supplies used, {ft1.require('7.1')}"
    expense, inventory = accounts["supplies_expense"], accounts["inventory"]
    debited, credited = (inventory, expense) if credit else (expense, inventory)
    return JournalEntry(
        entry_number=number_of(message, ft1),
        posted_on=ft1.date(5, None) or ft1.date(4),
        facility=message.require("MSH-4.1"),
        description=f"{text}, takes back {ft1.require(31)}" if credit else text,
        lines=(
            JournalLine(account=debited, debit=amount, cost_center=center if debited == expense else None),
            JournalLine(account=credited, credit=amount, cost_center=center if credited == expense else None),
        ),
    )


def cost(ft1: Segment, sign: int) -> Money:
    return Money(amount=Decimal(sign) * ft1.number(10) * ft1.number("22.1.1")).rounded()
