"""A PaymentNotice to what a portal says of a payment of ours. Sources: hl7.org/fhir/R4 and R5, paymentnotice.html.

`paid` says that it was sent: the payment is accepted. `cleared` says that the money arrived: it is settled. The payment
is named by our number; one that names none of ours is not for us. Who was paid for, is not read.
"""

from engine.sdk import BankState, BankStatusReport, DocumentError, FhirMessage, Filtered, ReportSource

OURS = "https://harbor.example/payments"
PORTAL = "PAYMENT-HUB"
STATES = {"paid": BankState.ACCEPTED, "cleared": BankState.SETTLED}


def transform(message: FhirMessage) -> BankStatusReport | Filtered:
    if message.get("status") != "active":
        return Filtered("no notice that holds")
    payment = message.identifier(OURS, path="payment.identifier")
    if payment is None:
        return Filtered("about no payment of ours")
    told = message.require_code("paymentStatus")
    if told not in STATES:
        raise DocumentError("a payment is paid or cleared", where=message.where("paymentStatus"))
    amount = message.money("amount")
    if amount.amount <= 0:
        raise DocumentError("a payment of nothing", where=message.where("amount"))
    return BankStatusReport(
        report_number=message.require_identifier(),
        source=ReportSource.PORTAL,
        state=STATES[told],
        reported_at=message.moment("created"),
        bank=PORTAL,
        payment_number=payment,
        amount=amount,
        happened_on=message.date("paymentDate") if message.get("paymentDate") else None,
    )
