"""A supplier's number that comes again for something else: another amount, day, order, or a credit of the same number.

What was posted by it stands. What came later is no correction that anybody may pay unseen, and is not forgotten either.
"""

from __future__ import annotations

from typing import NamedTuple

from engine.canonical import Invoice, PostingResult
from engine.procure.decision import Finding, World, text_of
from engine.procure.matching.duplicate_keys import alike_dossiers
from engine.procure.matching.validate_invoice import found
from engine.procure.papers import Papers, orders_of

NUMBER_USED = "invoice_number_used_again"


class UsedBefore(NamedTuple):
    """`first`: what the number was told of at first. `elsewhere`: that is posted, in the matter of another order."""

    first: Invoice
    elsewhere: bool

    def finding(self, again: Invoice) -> Finding:
        facts = {"before": _said(self.first), "now": _said(again)}
        title = "The supplier's number was used before for something else"
        return found(again, "invoice_number_used_again", title, "number", money=again.stated_total, facts=facts,
                     flip="a number of its own, or the same figures as before")  # fmt: skip


def used_before(invoice: Invoice, world: World) -> UsedBefore | None:
    """None: the number is new, or it says the same again.

    All versions are with the numbers that are like it, whichever orders they name.
    """
    kept = world.papers(alike_dossiers(invoice)[0])
    versions = [one.document for one in kept.all if (one.record.kind, one.record.key) == _key(invoice)]
    first = versions[0] if versions else invoice
    if not isinstance(first, Invoice) or _figures(first) == _figures(invoice):
        return None
    homes = set(orders_of(first)[:1]) - set(orders_of(invoice)[:1])
    return UsedBefore(first, any(_answer(world.papers(f"order:{one}"), invoice) is not None for one in homes))


def posted_version(invoice: Invoice, first: Invoice, papers: Papers) -> Invoice:
    """What the ERP was given: the newest version when it answered; before it did, the first."""
    answered_at = _answer(papers, invoice)
    known = [one for one in papers.all if (one.record.kind, one.record.key) == _key(invoice)]
    by_then = [one.document for one in known if answered_at is not None and one.record.at_micros <= answered_at]
    last = by_then[-1] if by_then else first
    return last if isinstance(last, Invoice) else first


def _answer(papers: Papers, invoice: Invoice) -> int | None:
    """When the ERP said that it is posted."""
    told = [one for one in papers.newest(PostingResult)
            if one.ok and one.command == "post_invoice" and one.subject_key == invoice.natural_key]  # fmt: skip
    return min((papers.first(one).record.at_micros for one in told), default=None)


def _key(invoice: Invoice) -> tuple[str, str]:
    return invoice.kind, invoice.natural_key


def _figures(invoice: Invoice) -> tuple[object, ...]:
    total = invoice.stated_total
    return invoice.invoice_kind, total.currency, total.amount, invoice.invoiced_on, orders_of(invoice)


def _said(invoice: Invoice) -> str:
    total, orders = invoice.stated_total, ", ".join(orders_of(invoice))
    kind = invoice.invoice_kind.value.replace("_", " ")
    return f"{kind} over {text_of(total.amount)} {total.currency} of {invoice.invoiced_on}, " + (
        f"order {orders}" if orders else "no order"
    )
