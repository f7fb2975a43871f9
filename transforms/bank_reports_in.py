"""A bank's file to what it says of our payments. Sources: ISO 20022 pain.002, camt.053, camt.054; BAI2; ACH returns."""

from engine.sdk import BankStatusReport, BytesMessage, Filtered, bank_reports

BANK = "FIRST-HARBOR"


def transform(message: BytesMessage) -> list[BankStatusReport] | Filtered:
    return bank_reports(message, BANK) or Filtered("the file says nothing of payments of ours")
