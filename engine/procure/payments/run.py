"""What to pay on a day, and why: pure selection over what is posted. With a file to pay by when the ERP is away.

A discount is taken when it earns more than the money costs; otherwise an invoice is paid in the last run that is still
in time. Source: the annual return of a discount is discount / net amount x 365 / days that it is paid earlier.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import date
from fractions import Fraction

import msgspec

from engine.canonical import Invoice, Money, Terms, total
from engine.ports.payment_runs import USUAL_COST
from engine.procure.calendar import Calendar, term_dates
from engine.procure.decision import text_of

_YEAR = 365


class Payable(msgspec.Struct, frozen=True):
    """A posted invoice that is not paid yet. `holds` are codes: while there are some, it is left."""

    supplier_number: str
    invoice_number: str
    amount: Money
    due_on: date
    discount: Money | None = None
    discount_on: date | None = None
    holds: tuple[str, ...] = ()
    remit_to: str = ""

    @property
    def key(self) -> str:
        return f"{self.supplier_number}/{self.invoice_number}"


class Chosen(msgspec.Struct, frozen=True):
    """`why`: `due`, `overdue`, `discount`, `credit`."""

    payable: Payable
    pays: Money
    discount: Money | None
    why: str


class Left(msgspec.Struct, frozen=True):
    """`why`: `held`, `not_due`, `credit_is_more`, `no_money_left`; `facts` for people."""

    payable: Payable
    why: str
    facts: tuple[str, ...] = ()


class Run(msgspec.Struct, frozen=True):
    pay_on: date
    chosen: tuple[Chosen, ...]
    left: tuple[Left, ...]

    @property
    def totals(self) -> dict[str, Money]:
        """By currency."""
        found = sorted({one.pays.currency for one in self.chosen})
        return {name: total([one.pays for one in self.chosen if one.pays.currency == name], name) for name in found}


def payable_of(invoice: Invoice, basis: date, terms: Terms, calendar: Calendar, holds: Sequence[str] = ()) -> Payable:
    """
    Args:
        basis: the day that the terms count from.
    """
    dates = term_dates(terms, basis, calendar)
    discount = terms.discount_amount
    if discount is None and terms.discount_percent is not None:
        discount = invoice.stated_total.times(terms.discount_percent / 100).rounded()
    return Payable(
        invoice.supplier_number, invoice.invoice_number, invoice.stated_total,
        due_on=dates.pay_on or invoice.due_on or basis,
        discount=discount if dates.discount_on else None,
        discount_on=dates.discount_on,
        holds=tuple(holds), remit_to=invoice.remit_to or "",
    )  # fmt: skip


def pays_off(one: Payable, pay_on: date, cost: Fraction = USUAL_COST) -> bool:
    """Is the discount worth paying today instead of when it is due? At the limit it is."""
    if one.discount is None or one.discount_on is None or pay_on > one.discount_on or one.discount.amount <= 0:
        return False
    earlier = (one.due_on - pay_on).days
    if earlier <= 0:
        return True
    saved, paid = Fraction(one.discount.amount), Fraction((one.amount - one.discount).amount)
    return paid > 0 and saved / paid * _YEAR / earlier >= cost


def select(
    candidates: Iterable[Payable],
    pay_on: date,
    next_run: date,
    cost: Fraction = USUAL_COST,
    limit: Money | None = None,
) -> Run:
    """What is due before the next run could pay it, and what earns a discount that the next run would miss.

    Args:
        limit: money there is in its currency; the most overdue is paid first, then discounts. Others have no limit.
            Credits do not make it more.
    """
    chosen: list[Chosen] = []
    left: list[Left] = []
    for one in sorted(candidates, key=lambda one: (one.due_on, one.key)):
        found = _judge(one, pay_on, next_run, cost)
        (chosen if isinstance(found, Chosen) else left).append(found)  # type: ignore[arg-type]
    if limit is not None:
        chosen, left = _within(chosen, left, limit)
    chosen, left = _credits_within(chosen, left)
    return Run(pay_on, tuple(chosen), tuple(left))


def _judge(one: Payable, pay_on: date, next_run: date, cost: Fraction) -> Chosen | Left:
    if one.holds:
        return Left(one, "held", one.holds)
    if one.amount.amount < 0:
        return Chosen(one, one.amount, None, "credit")
    lasts = one.discount_on is not None and next_run <= one.discount_on
    if one.discount is not None and pays_off(one, pay_on, cost) and not lasts:
        return Chosen(one, one.amount - one.discount, one.discount, "discount")
    if one.due_on >= next_run:
        return Left(one, "not_due", (f"due {one.due_on}",))
    if one.discount is not None and pays_off(one, pay_on, Fraction(0)):  # it is paid now in any case
        return Chosen(one, one.amount - one.discount, one.discount, "discount")
    return Chosen(one, one.amount, None, "overdue" if one.due_on < pay_on else "due")


def _credits_within(chosen: Sequence[Chosen], left: Sequence[Left]) -> tuple[list[Chosen], list[Left]]:
    """Credits lower what their supplier is paid, never below nothing; the oldest first."""
    room: dict[tuple[str, str, str], Money] = {}
    for one in chosen:
        if one.why != "credit":
            room[_payee(one)] = room.get(_payee(one), _nothing(one)) + one.pays
    kept, more = [], list(left)
    for one in chosen:
        if one.why != "credit":
            kept.append(one)
            continue
        rest = room.get(_payee(one), _nothing(one)) + one.pays
        if rest.amount < 0:
            more.append(Left(one.payable, "credit_is_more"))
        else:
            room[_payee(one)] = rest
            kept.append(one)
    return kept, more


def _payee(one: Chosen) -> tuple[str, str, str]:
    return one.payable.supplier_number, one.payable.remit_to, one.pays.currency


def _nothing(one: Chosen) -> Money:
    return total([], one.pays.currency)


_RANK = {"overdue": 0, "due": 1, "discount": 2, "credit": 3}


def _within(chosen: Sequence[Chosen], left: Sequence[Left], limit: Money) -> tuple[list[Chosen], list[Left]]:
    kept, more, rest = [], list(left), limit
    for one in sorted(chosen, key=lambda one: (_RANK[one.why], one.payable.due_on, one.payable.key)):
        if one.pays.currency != limit.currency or one.why == "credit":
            kept.append(one)
        elif (rest - one.pays).amount < 0:
            more.append(Left(one.payable, "no_money_left"))
        else:
            kept.append(one)
            rest = rest - one.pays
    return kept, more


# ------------------------------------------------------------------ the file
COLUMNS = ("run", "pay_on", "supplier", "remit_to", "invoice", "amount", "discount", "currency", "why")


def rows_of(run: Run, number: str) -> list[dict[str, str]]:
    """One row an invoice, then one a currency with its count and sum: for a layout of the tabular formats."""
    rows = [_row(one, run, number) for one in run.chosen]
    for currency, money in run.totals.items():
        count = sum(one.pays.currency == currency for one in run.chosen)
        last = dict.fromkeys(COLUMNS, "") | {"run": number, "pay_on": run.pay_on.isoformat(), "invoice": str(count)}
        rows.append(last | {"amount": text_of(money.amount), "currency": currency, "why": "total"})
    return rows


def _row(one: Chosen, run: Run, number: str) -> dict[str, str]:
    of = one.payable
    discount = text_of(one.discount.amount) if one.discount else ""
    values = (number, run.pay_on.isoformat(), of.supplier_number, of.remit_to, of.invoice_number,
              text_of(one.pays.amount), discount, one.pays.currency, one.why)  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))


def digest_of(rows: Sequence[dict[str, str]]) -> str:
    """Told beside the file: who keys it in compares."""
    text = "\n".join("\t".join(row[name] for name in COLUMNS) for row in rows)
    return hashlib.sha256(text.encode()).hexdigest()
