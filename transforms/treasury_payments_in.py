"""A payment as the ERP's treasury has it, to Payment. Source: docs/site.md, "Payments"."""

from datetime import datetime
from decimal import Decimal

from engine.sdk import DocumentError, JsonMessage, Money, PaidInvoice, Payment, PaymentMethod, PaymentProgress

STATES = {
    "proposed": PaymentProgress.PROPOSED,
    "approved": PaymentProgress.APPROVED,
    "released": PaymentProgress.RELEASED,
    "sent": PaymentProgress.TRANSMITTED,
    "voided": PaymentProgress.VOIDED,
    "reissued": PaymentProgress.REISSUED,
    "reconciled": PaymentProgress.RECONCILED,
}
METHODS = {
    "ach": PaymentMethod.ACH,
    "check": PaymentMethod.CHECK,
    "wire": PaymentMethod.WIRE,
    "card": PaymentMethod.CARD,
}


def transform(message: JsonMessage) -> Payment:
    state, method = message.require("state"), message.require("method")
    if state not in STATES or method not in METHODS:
        raise DocumentError(
            "a state or a way of paying that is not known", where="state, method", remedy="ask treasury"
        )
    currency = message.get("currency") or "USD"
    paid = tuple(part(one, currency) for one in message.all("invoices"))
    amount = message.number("amount")
    if not paid or sum((one.amount.amount for one in paid), Decimal(0)) != amount:
        raise DocumentError("its invoices do not add up to the payment", where="invoices", remedy="ask treasury")
    return Payment(
        payment_number=message.require("payment"),
        supplier_number=message.require("supplier"),
        amount=Money(amount=amount, currency=currency),
        pay_on=message.date("pay_on"),
        state=STATES[state],
        method=METHODS[method],
        invoices=paid,
        replaces=message.get("replaces"),
        as_of=datetime.fromisoformat(message.require("at")),
    )


def part(one: JsonMessage, currency: str) -> PaidInvoice:
    amount = Money(amount=one.number("amount"), currency=currency)
    return PaidInvoice(invoice_number=one.require("invoice"), amount=amount)
