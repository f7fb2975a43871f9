"""UBL 2.1 Invoice or CreditNote to Invoice. Source: OASIS UBL 2.1, EN 16931 (names of its terms in brackets).

The supplier is told by its electronic address (BT-34), not by its name. Units are UN/ECE Recommendation 20's; one
that the crosswalk lacks is held, never taken as each. What the parts add up to must be the stated total (BT-112).
A credit is a CreditNote, an Invoice of a type (BT-3) that says so, or one below zero: its amounts are above zero here,
and it names the invoices that it credits (BT-25).
"""

from engine.sdk import (
    Charge,
    DocumentError,
    Guarded,
    Identifier,
    Invoice,
    InvoiceKind,
    InvoiceLine,
    Lookup,
    Money,
    Quantity,
    Terms,
    XmlMessage,
)

NO_CLAIM = {"325"}  # a pro forma invoice
CREDITS = {"81", "83", "381", "396", "532"}  # UNTDID 1001: notes of credit


def transform(invoice: XmlMessage, suppliers: Lookup, units: Lookup) -> Invoice:
    if invoice.get("InvoiceTypeCode") in NO_CLAIM:
        raise DocumentError("it asks for no payment", where="InvoiceTypeCode", remedy="wait for the invoice itself")
    currency = invoice.require("DocumentCurrencyCode")
    account = invoice.get("PaymentMeans/PayeeFinancialAccount/ID")  # (BT-84): compared, never paid to
    total = invoice.number("LegalMonetaryTotal/TaxInclusiveAmount")
    sign = -1 if total < 0 else 1
    lines = [*invoice.all("InvoiceLine"), *invoice.all("CreditNoteLine")]
    charges = [*invoice.all("AllowanceCharge"), *(one for line in lines for one in line.all("AllowanceCharge"))]
    made = Invoice(
        invoice_number=invoice.require("ID"),
        supplier_number=suppliers[_endpoint(invoice)],
        invoiced_on=invoice.date("IssueDate"),
        stated_total=Money(amount=sign * total, currency=currency),
        lines=tuple(_line(line, units, currency, sign) for line in lines),
        order_number=invoice.get("OrderReference/ID"),
        currency=currency,
        charges=tuple(_charge(one, currency, sign) for one in charges),
        taxes=_taxes(invoice, currency, sign),
        bank_account_hint=Guarded(account) if account else None,
        terms=Terms(description=note) if (note := invoice.get("PaymentTerms/Note")) else None,
        **_credit(invoice, sign),
    )
    if made.total != made.stated_total:
        remedy = "ask the supplier which of the two it means"
        raise DocumentError("the lines do not add up to the total", where="LegalMonetaryTotal", remedy=remedy)
    return made


def _credit(invoice: XmlMessage, sign: int) -> dict[str, object]:
    """Kind, and what is credited; of several invoices, each as a reference."""
    if sign > 0 and invoice.name != "CreditNote" and invoice.get("InvoiceTypeCode") not in CREDITS:
        return {}
    named = [one.require("ID") for one in invoice.all("BillingReference/InvoiceDocumentReference")]
    if len(named) > 1:
        references = tuple(Identifier(scheme="OI", value=one) for one in named)
        return {"invoice_kind": InvoiceKind.CREDIT_MEMO, "references": references}
    return {"invoice_kind": InvoiceKind.CREDIT_MEMO, "original_invoice_number": named[0] if named else None}


def _endpoint(invoice: XmlMessage) -> str:
    party = "AccountingSupplierParty/Party/EndpointID"
    return f"{invoice.require(f'{party}/@schemeID')}:{invoice.require(party)}"


def _line(line: XmlMessage, units: Lookup, currency: str, sign: int) -> InvoiceLine:
    quantity = "CreditedQuantity" if line.get("CreditedQuantity") else "InvoicedQuantity"
    base = line.number("Price/BaseQuantity") if line.get("Price/BaseQuantity") else 1
    vendor_item = line.get("Item/SellersItemIdentification/ID")
    ordered = line.get("OrderLineReference/LineID") or ""  # (BT-132)
    return InvoiceLine(
        number=int(line.number("ID")),
        quantity=Quantity(amount=sign * line.number(quantity), unit=units[line.require(f"{quantity}/@unitCode")]),
        price=Money(amount=line.number("Price/PriceAmount") / base, currency=currency),
        item_number=line.get("Item/BuyersItemIdentification/ID"),
        description=line.get("Item/Name"),
        identifiers=(Identifier(scheme="VENDOR_ITEM", value=vendor_item),) if vendor_item else (),
        order_number=line.get("OrderLineReference/OrderReference/ID"),
        order_line_number=int(ordered) if ordered.isdecimal() else None,
        lot=line.get("Item/ItemInstance/LotIdentification/LotNumberID"),
        serial=line.get("Item/ItemInstance/SerialID"),
        cost_center=line.get("AccountingCost"),
    )


def _charge(one: XmlMessage, currency: str, sign: int) -> Charge:
    """An allowance is money less."""
    amount = one.number("Amount") * (sign if one.require("ChargeIndicator") == "true" else -sign)
    code = one.get("AllowanceChargeReasonCode") or "CHARGE"
    return Charge(
        code=code, amount=Money(amount=amount, currency=currency), description=one.get("AllowanceChargeReason")
    )


def _taxes(invoice: XmlMessage, currency: str, sign: int) -> tuple[Charge, ...]:
    amount = sign * invoice.number("TaxTotal/TaxAmount") if invoice.get("TaxTotal/TaxAmount") else 0
    return (Charge(code="TAX", amount=Money(amount=amount, currency=currency)),) if amount else ()
