"""A maintenance invoice of our SOAP service to Invoice. Source: config/wsdl/service_invoices.xsd.

The schema has checked the form at the door. Here the sender is checked, and that the lines add up to the total.
"""

from engine.sdk import DocumentError, Invoice, InvoiceLine, Money, Quantity, XmlMessage

SUPPLIER = "S1008"  # whose password opens this door


def transform(message: XmlMessage) -> Invoice:
    if message.require("Supplier") != SUPPLIER:
        remedy = "call the company under the number that you have from before"
        raise DocumentError("the invoice names another supplier than its sender", where="Supplier", remedy=remedy)
    currency = message.require("/SubmitInvoice/@currency")
    invoice = Invoice(
        invoice_number=message.require("Number"),
        supplier_number=SUPPLIER,
        invoiced_on=message.date("Date"),
        order_number=message.get("Order"),
        currency=currency,
        lines=tuple(line(one, currency) for one in message.all("Line")),
        stated_total=Money(amount=message.number("Total"), currency=currency),
    )
    if invoice.total != invoice.stated_total:
        raise DocumentError("lines do not add up to the total", where="Total", remedy="ask the company to correct it")
    return invoice


def line(one: XmlMessage, currency: str) -> InvoiceLine:
    return InvoiceLine(
        number=int(one.number("/Line/@number")),
        description=one.require("Description"),
        quantity=Quantity(amount=one.number("Quantity"), unit=one.require("/Line/@unit")),
        price=Money(amount=one.number("Price"), currency=currency),
    )
