"""A payment run to a list that people can pay by. Source: config/layouts/payment_run.yaml."""

from collections.abc import Iterator
from decimal import Decimal

from engine.sdk import Filtered, JsonMessage, PaymentRun, PaymentRunLine, Rows


def transform(message: JsonMessage) -> Rows | Filtered:
    run = PaymentRun.model_validate(message.value)
    if not run.lines:
        return Filtered("nothing is to be paid")
    rows = [*(row(run, line) for line in run.lines), *totals(run)]
    return Rows(rows, run_number=run.run_number)


def row(run: PaymentRun, line: PaymentRunLine) -> dict[str, object]:
    return {
        "run_number": run.run_number,
        "pay_on": run.pay_on,
        "payment_number": line.payment_number,
        "supplier_number": line.supplier_number,
        "remit_to": line.remit_to or "",
        "invoice_number": line.invoice_number,
        "pays": line.pays.amount,
        "discount": line.discount.amount if line.discount else "",
        "currency": line.pays.currency,
        "why": line.why,
    }


def totals(run: PaymentRun) -> Iterator[dict[str, object]]:
    """Whoever keys the list in compares the sum and the count."""
    for currency in sorted({line.pays.currency for line in run.lines}):
        lines = [line for line in run.lines if line.pays.currency == currency]
        yield {
            "run_number": run.run_number,
            "pay_on": run.pay_on,
            "payment_number": "",
            "supplier_number": "",
            "remit_to": "",
            "invoice_number": str(len(lines)),
            "pays": sum((line.pays.amount for line in lines), Decimal(0)),
            "discount": "",
            "currency": currency,
            "why": "total",
        }
