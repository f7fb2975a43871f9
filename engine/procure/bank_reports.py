"""Banks' words as documents of the process."""

from __future__ import annotations

from datetime import UTC, datetime

from engine.canonical import BankState, BankStatusReport, Money, ReportSource
from engine.canonical.guarded import Guarded
from engine.protocols.bank import BankWord


def report_of(word: BankWord, source: ReportSource, bank: str | None, received_at: datetime) -> BankStatusReport:
    """
    Args:
        received_at: counts where the file does not tell its day.
    """
    told = datetime.combine(word.told_on, datetime.min.time(), tzinfo=UTC) if word.told_on else received_at
    return BankStatusReport(
        report_number=word.number,
        source=source,
        state=BankState(word.state),
        reported_at=told,
        bank=bank,
        payment_number=word.payment,
        bank_reference=word.reference,
        amount=Money(amount=word.amount, currency=word.currency or "USD") if word.amount is not None else None,
        happened_on=word.happened_on,
        reason_code=word.reason_code,
        corrected_account=Guarded(word.corrected) if word.corrected else None,
    )
