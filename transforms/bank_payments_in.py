"""The bank's payment status to rows of returned payments. Source: config/layouts/bank_payments.yaml."""

from engine.sdk import Filtered, Rows, TabularMessage, TransformError

LISTED = ("payment_number", "supplier_number", "amount", "status", "reason")


def transform(message: TabularMessage) -> Rows | Filtered:
    if message.header is None:
        raise TransformError("the header record is missing", where="bank_payments")
    day = message.header.date("bank_day")
    returned = [row for row in message.rows if row["status"] != "paid"]
    if not returned:
        return Filtered("every payment reached its supplier")
    return Rows({"bank_day": day} | {name: row[name] for name in LISTED} for row in returned)
