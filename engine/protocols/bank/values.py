"""One fact about one payment, whichever format told it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import msgspec


class BankWord(msgspec.Struct, frozen=True):
    """
    Args:
        number: of the file with that of the entry: the same when it is told again.
        state: `received`, `accepted`, `pending`, `settled`, `rejected`, `returned`, `corrected`.
        payment: our number as the bank repeats it; `reference`: the bank's own, or the ACH trace.
        told_on: day of the file; `happened_on`: of the booking.
        corrected: of a notification of change, what the account is to be; never printed.
    """

    number: str
    state: str
    told_on: date | None
    payment: str | None = None
    reference: str | None = None
    amount: Decimal | None = None
    currency: str | None = None
    happened_on: date | None = None
    reason_code: str | None = None

    corrected: str | None = None

    def __repr__(self) -> str:
        return f"BankWord({self.number!r}, {self.state!r}, reason_code={self.reason_code!r})"
