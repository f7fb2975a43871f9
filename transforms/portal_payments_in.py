"""What the payment portal says of a payment of ours to BankStatusReport. Source: docs/site.md, "Payments".

The portal is a teller of its own beside ERP and bank: it may be right, late or wrong.
"""

from datetime import datetime

from engine.sdk import BankState, BankStatusReport, DocumentError, JsonMessage, Money, ReportSource

PORTAL = "PAYMENT-PORTAL"
STATES = {
    "mailed": BankState.ACCEPTED,
    "paid": BankState.SETTLED,
    "refused": BankState.REJECTED,
    "returned": BankState.RETURNED,
}


def transform(message: JsonMessage) -> BankStatusReport:
    state = message.require("state")
    if state not in STATES:
        raise DocumentError("a state that is not known", where="state", remedy="ask the portal's operator")
    amount = message.number("amount")
    if amount <= 0:
        raise DocumentError("a payment of nothing", where="amount", remedy="ask the portal's operator")
    return BankStatusReport(
        report_number=message.require("notice"),
        source=ReportSource.PORTAL,
        state=STATES[state],
        reported_at=datetime.fromisoformat(message.require("at")),
        bank=PORTAL,
        payment_number=message.require("payment"),
        amount=Money(amount=amount, currency=message.get("currency") or "USD"),
    )
