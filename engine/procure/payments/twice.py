"""Invoices that more than one payment pays: the one that was told of later is looked at, and held while it can be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import NamedTuple

from engine.canonical import Invoice, Money, PaidInvoice, Payment
from engine.procure.decision import World
from engine.procure.papers import Papers
from engine.procure.suppliers.papers import paid_dossier

PAID_TWICE = "invoice_paid_twice"
Lives = Callable[[Payment], bool]


class PaidTwice(NamedTuple):
    """`over`: what all of them together pay more than the invoice asks for; `others`: numbers of the earlier ones."""

    invoice: str
    others: tuple[str, ...]
    over: Money


def paid_twice(payment: Payment, world: World, lives: Lives) -> Iterator[PaidTwice]:
    """
    Args:
        lives: whether the money of another payment went out, or still may.
    """
    for part in payment.invoices:
        kept = world.papers(paid_dossier(payment.supplier_number, part.invoice_number))
        before = [one for one in _before(payment, kept) if lives(one)]
        paid = sum((_part(one, part.invoice_number, with_discount=True) for one in before), Decimal(0))
        over = paid + part.amount.amount - _asked(payment, part, before, world)
        if before and over > 0:
            numbers = tuple(one.payment_number for one in before)
            again = min(over, part.amount.amount)  # what others paid too much of it is not this one's
            yield PaidTwice(part.invoice_number, numbers, Money(amount=again, currency=part.amount.currency))


def _before(payment: Payment, kept: Papers) -> list[Payment]:
    """Of the same currency, in the order in which they were told of."""
    turns = {one.payment_number: (kept.first(one).record.at_micros, one.payment_number) for one in kept.newest(Payment)}
    mine = turns.get(payment.payment_number)
    same = [one for one in kept.newest(Payment) if one.amount.currency == payment.amount.currency]
    earlier = [one for one in same if mine is not None and turns[one.payment_number] < mine]
    return sorted(earlier, key=lambda one: turns[one.payment_number])


def _part(payment: Payment, invoice: str, with_discount: bool = False) -> Decimal:
    """A discount that an earlier payment took is not owed any more."""
    parts = [one for one in payment.invoices if one.invoice_number == invoice]
    taken = [one.discount for one in parts if with_discount and one.discount is not None]
    return sum((one.amount for one in (*(one.amount for one in parts), *taken)), Decimal(0))


def _asked(payment: Payment, part: PaidInvoice, before: list[Payment], world: World) -> Decimal:
    """By the invoice; one that nobody here knows asks for the greatest of what is paid of it."""
    invoice = world.find(Invoice, f"{payment.supplier_number}/{part.invoice_number}")
    if invoice is not None and invoice.currency == part.amount.currency:
        return invoice.stated_total.amount
    return max([part.amount.amount, *(_part(one, part.invoice_number, with_discount=True) for one in before)])
