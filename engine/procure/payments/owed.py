"""What of a posted invoice is still owed when payments, or the ledger, paid part of it. Pure.

The smaller of two counts holds: what was asked for less what living payments pay of it, and what the ledger last said
is due less those of them that it cannot know yet. A discount that was taken is not owed any more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

import msgspec

from engine.canonical import Money, PaidInvoice, Payment, PaymentProgress, PaymentState, PaymentStatus
from engine.procure.payments.run import Payable

_NONE = Decimal(0)
_NOT_BOOKED = frozenset({PaymentProgress.PROPOSED, PaymentProgress.APPROVED})
PARTLY_PAID = "ledger_partly_paid"
"""Why an invoice is left of which the ledger says that a part is paid, and not how much."""


def still_owed(one: Payable, live: Sequence[Payment], told: PaymentStatus | None) -> Payable | None:
    """None: nothing. Credits are below zero, and so is what payments took of them.

    Args:
        live: payments of it whose money went out, or still may.
        told: what the ledger said last.
    """
    parts = list(_parts(one, live))
    if any(part.amount.currency != one.amount.currency for _, part in parts):
        return None  # nobody here knows at which rate
    left = abs(one.amount.amount) - _sum(part for _, part in parts)
    if told is not None:
        left = min(left, _by_ledger(told, parts, left))
    if left <= 0 or _was_discount(one, parts, left):
        return None
    if told is not None and told.state is PaymentState.PARTLY_PAID and told.amount_due is None and not parts:
        return msgspec.structs.replace(one, holds=(*one.holds, PARTLY_PAID))
    return _of(one, left, _taken(parts))


def _parts(one: Payable, live: Sequence[Payment]) -> Iterator[tuple[Payment, PaidInvoice]]:
    for payment in live:
        for part in payment.invoices:
            if (payment.supplier_number, part.invoice_number) == (one.supplier_number, one.invoice_number):
                yield payment, part


def _sum(parts: Iterator[PaidInvoice]) -> Decimal:
    return sum((abs(part.amount.amount) + _discount(part) for part in parts), _NONE)


def _discount(part: PaidInvoice) -> Decimal:
    return part.discount.amount if part.discount is not None else _NONE


def _taken(parts: Sequence[tuple[Payment, PaidInvoice]]) -> Decimal:
    return sum((_discount(part) for _, part in parts), _NONE)


def _by_ledger(told: PaymentStatus, parts: Sequence[tuple[Payment, PaidInvoice]], otherwise: Decimal) -> Decimal:
    if told.state in (PaymentState.PAID, PaymentState.CANCELLED):
        return _NONE
    if told.amount_due is None:
        return otherwise
    news = (part for payment, part in parts if payment.state in _NOT_BOOKED or payment.pay_on > told.as_of)
    return abs(told.amount_due.amount) - _sum(news)


def _was_discount(one: Payable, parts: Sequence[tuple[Payment, PaidInvoice]], left: Decimal) -> bool:
    """Paid in time and short by no more than the discount, of which nobody said a word: it was taken."""
    if one.discount is None or one.discount_on is None or _taken(parts):
        return False
    return left <= one.discount.amount and any(payment.pay_on <= one.discount_on for payment, _ in parts)


def _of(one: Payable, left: Decimal, taken: Decimal) -> Payable:
    """The rest earns its part of the discount, and never more than is left of it."""
    whole, currency = one.amount, one.amount.currency
    if left == abs(whole.amount):
        return one
    amount = Money(amount=left.copy_sign(whole.amount), currency=currency)
    if one.discount is None:
        return msgspec.structs.replace(one, amount=amount)
    part = one.discount.times(left / abs(whole.amount)).rounded()
    rest = max(_NONE, min(part.amount, one.discount.amount - taken))
    return msgspec.structs.replace(one, amount=amount, discount=Money(amount=rest, currency=currency))
