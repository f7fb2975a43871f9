"""Banks' files as documents: which format a file is shows in its first bytes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from engine.canonical import BankState, BankStatusReport, Money, ReportSource
from engine.canonical.guarded import Guarded
from engine.core.errors import StructureError
from engine.protocols.bank import BankWord, read_ach_returns, read_bai2, read_camt_053, read_camt_054, read_pain_002
from engine.protocols.bytes_message import BytesMessage

Reader = Callable[[bytes], Sequence[BankWord]]
_XML: tuple[tuple[bytes, ReportSource, Reader], ...] = (
    (b"CstmrPmtStsRpt", ReportSource.PAIN_002, read_pain_002),
    (b"BkToCstmrDbtCdtNtfctn", ReportSource.CAMT_054, read_camt_054),
    (b"BkToCstmrStmt", ReportSource.CAMT_053, read_camt_053),
)
_LOOKED_AT = 4096  # bytes; the message's element stands near the beginning


def bank_reports(message: BytesMessage, bank: str) -> list[BankStatusReport]:
    """What a bank's file says of payments, one document each: pain.002, camt.053, camt.054, BAI2 or ACH returns.

    Args:
        bank: the bank's name with us: two banks may number their files alike.

    Raises:
        MessageError: none of these formats, broken or cut off; the place is the record or element.
    """
    source, read = _format_of(message.body)
    return [report_of(word, source, bank) for word in read(message.body)]


def _format_of(body: bytes) -> tuple[ReportSource, Reader]:
    start = body[:_LOOKED_AT].lstrip(b"\xef\xbb\xbf \r\n\t")
    if start.startswith(b"<"):
        for name, source, read in _XML:
            if re.search(rb"<(?:\w+:)?" + name + rb"[\s>]", start):
                return source, read
    elif start.startswith(b"01,"):
        return ReportSource.BAI2, read_bai2
    elif start.startswith(b"1"):
        return ReportSource.ACH_RETURN, read_ach_returns
    remedy = "banks' files are read as pain.002, camt.053, camt.054, BAI2 or an ACH file of returns"
    raise StructureError("not a bank's file that is known", where="beginning", remedy=remedy)


def report_of(word: BankWord, source: ReportSource, bank: str | None) -> BankStatusReport:
    """
    Raises:
        StructureError: the file does not tell its day.
    """
    if word.told_on is None:
        raise StructureError("the file does not say when it was made", where=source.value)
    if source is ReportSource.ACH_RETURN and word.state == BankState.CORRECTED:
        source = ReportSource.ACH_CHANGE
    return BankStatusReport(
        report_number=word.number,
        source=source,
        state=BankState(word.state),
        reported_at=datetime.combine(word.told_on, datetime.min.time(), tzinfo=UTC),
        bank=bank,
        payment_number=word.payment,
        bank_reference=word.reference,
        amount=Money(amount=word.amount, currency=word.currency or "USD") if word.amount is not None else None,
        happened_on=word.happened_on,
        reason_code=word.reason_code,
        corrected_account=Guarded(word.corrected) if word.corrected else None,
    )
