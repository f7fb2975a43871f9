"""A FHIR Invoice of the purchasing hub to Invoice. Source: https://hl7.org/fhir/R5/invoice.html.

Each line names a contained ChargeItem with the supplier's item and the quantity; its base component is the line's
amount. Unit prices are amount by quantity, and must come out exactly: we do not round what somebody else charges.
Surcharges, discounts and taxes stand in totalPriceComponent. A credit has a negative total; its document has the same
amounts without the sign, as credit memos of the other doors have, and names what it credits by an identifier of its
own. Whether all adds up, the ERP's match decides.
"""

from engine.sdk import (
    Charge,
    Decimal,
    DocumentError,
    FhirElement,
    FhirMessage,
    Filtered,
    Identifier,
    Invoice,
    InvoiceKind,
    InvoiceLine,
    Lookup,
    Money,
    Quantity,
)

SUPPLIERS, ORDERS = "https://hub.example/suppliers", "https://hub.example/orders"
ITEMS, CREDITED = "https://hub.example/items", "https://hub.example/credited-invoices"
SIGN = {"surcharge": 1, "deduction": -1, "discount": -1}
EXACT = Decimal("0.000001")


def transform(message: FhirMessage, items: Lookup) -> Invoice | Filtered:
    if message.get("status") not in ("issued", "balanced"):
        return Filtered("not issued")
    total = message.money("totalGross")
    sign = -1 if total.amount < 0 else 1
    return Invoice(
        invoice_number=message.require_identifier(),
        supplier_number=message.require_identifier(SUPPLIERS, path="issuer.identifier"),
        invoiced_on=message.date("creation" if message.get("creation") else "date"),
        order_number=message.identifier(ORDERS),
        currency=total.currency,
        invoice_kind=InvoiceKind.CREDIT_MEMO if sign < 0 else InvoiceKind.INVOICE,
        original_invoice_number=message.identifier(CREDITED) if sign < 0 else None,
        stated_total=turned(total, sign),
        lines=tuple(line(n, one, items, sign) for n, one in enumerate(message.each("lineItem"), 1)),
        charges=tuple(charge(one, sign) for one in of_types(message, *SIGN)),
        taxes=tuple(charge(one, sign) for one in of_types(message, "tax")),
    )


def turned(money: Money, sign: int) -> Money:
    return money if sign > 0 else Money(amount=-money.amount, currency=money.currency)


def line(position: int, one: FhirElement, items: Lookup, sign: int) -> InvoiceLine:
    item = one.resolve("chargeItemReference")
    if item is None:
        raise DocumentError("the line's ChargeItem is not contained", where=one.where("chargeItemReference"))
    quantity, code = item.quantity("quantity"), item.require_code("code", ITEMS)
    amount = one.money("priceComponent.where(type='base').amount")
    if not quantity.amount:
        raise DocumentError("a line of nothing", where=item.where("quantity"))
    price = (amount.amount / quantity.amount).quantize(EXACT)
    if price * quantity.amount != amount.amount:
        raise DocumentError("amount by quantity is no exact price", where=one.where("priceComponent"))
    return InvoiceLine(
        number=int(one.get("sequence") or position),
        quantity=Quantity(amount=quantity.amount * sign, unit=quantity.unit),
        price=Money(amount=price.normalize() + 0, currency=amount.currency),
        item_number=items.get(code),
        description=item.text("code"),
        identifiers=(Identifier(scheme="VENDOR_ITEM", value=code),),
    )


def of_types(message: FhirMessage, *types: str) -> list[FhirElement]:
    return [one for one in message.each("totalPriceComponent") if one.get("type") in types]


def charge(one: FhirElement, sign: int) -> Charge:
    """A discount is negative, however it is written."""
    kind, amount = one.require("type"), turned(one.money("amount"), sign)
    if SIGN.get(kind, 1) < 0 < amount.amount:
        amount = turned(amount, -1)
    return Charge(code=one.code("code") or kind.upper(), amount=amount, description=one.text("code"))
