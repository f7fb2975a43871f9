"""UBL 2.1 Invoice to Invoice. Source: OASIS UBL 2.1, EN 16931 (names of its terms in brackets).

The supplier is told by its electronic address (BT-34), not by its name. Units are UN/ECE Recommendation 20's; one
that the crosswalk lacks is held, never taken as each. What the parts add up to must be the stated total (BT-112).
"""

from engine.sdk import (
    Charge,
    DocumentError,
    Guarded,
    Identifier,
    Invoice,
    InvoiceLine,
    Lookup,
    Money,
    Quantity,
    Terms,
    XmlMessage,
)


def transform(invoice: XmlMessage, suppliers: Lookup, units: Lookup) -> Invoice:
    currency = invoice.require("DocumentCurrencyCode")
    account = invoice.get("PaymentMeans/PayeeFinancialAccount/ID")  # (BT-84): compared, never paid to
    made = Invoice(
        invoice_number=invoice.require("ID"),
        supplier_number=suppliers[_endpoint(invoice)],
        invoiced_on=invoice.date("IssueDate"),
        stated_total=Money(amount=invoice.number("LegalMonetaryTotal/TaxInclusiveAmount"), currency=currency),
        lines=tuple(_line(line, units, currency) for line in invoice.all("InvoiceLine")),
        order_number=invoice.get("OrderReference/ID"),
        currency=currency,
        charges=tuple(_charge(one, currency) for one in invoice.all("AllowanceCharge")),
        taxes=_taxes(invoice, currency),
        bank_account_hint=Guarded(account) if account else None,
        terms=Terms(description=note) if (note := invoice.get("PaymentTerms/Note")) else None,
    )
    if made.total != made.stated_total:
        remedy = "ask the supplier which of the two it means"
        raise DocumentError("the lines do not add up to the total", where="LegalMonetaryTotal", remedy=remedy)
    return made


def _endpoint(invoice: XmlMessage) -> str:
    party = "AccountingSupplierParty/Party/EndpointID"
    return f"{invoice.require(f'{party}/@schemeID')}:{invoice.require(party)}"


def _line(line: XmlMessage, units: Lookup, currency: str) -> InvoiceLine:
    base = line.number("Price/BaseQuantity") if line.get("Price/BaseQuantity") else 1
    vendor_item = line.get("Item/SellersItemIdentification/ID")
    return InvoiceLine(
        number=int(line.number("ID")),
        quantity=Quantity(
            amount=line.number("InvoicedQuantity"), unit=units[line.require("InvoicedQuantity/@unitCode")]
        ),
        price=Money(amount=line.number("Price/PriceAmount") / base, currency=currency),
        item_number=line.get("Item/BuyersItemIdentification/ID"),
        description=line.get("Item/Name"),
        identifiers=(Identifier(scheme="VENDOR_ITEM", value=vendor_item),) if vendor_item else (),
        cost_center=line.get("AccountingCost"),
    )


def _charge(one: XmlMessage, currency: str) -> Charge:
    """An allowance is money less."""
    amount = one.number("Amount") * (1 if one.require("ChargeIndicator") == "true" else -1)
    code = one.get("AllowanceChargeReasonCode") or "CHARGE"
    return Charge(
        code=code, amount=Money(amount=amount, currency=currency), description=one.get("AllowanceChargeReason")
    )


def _taxes(invoice: XmlMessage, currency: str) -> tuple[Charge, ...]:
    amount = invoice.number("TaxTotal/TaxAmount") if invoice.get("TaxTotal/TaxAmount") else 0
    return (Charge(code="TAX", amount=Money(amount=amount, currency=currency)),) if amount else ()
